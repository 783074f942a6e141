"""The page at `/`: what the emulator received, live. Plain HTML, CSS and modules, without a build or a library."""
