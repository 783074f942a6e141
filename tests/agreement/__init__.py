"""What the core lets through, the emulator accepts, and the other way round: they share no code."""
