"""The API for tests and for the page: /_emulator/*."""
