"""The emulator, asked over real loopback sockets by a client that knows nothing of mixpress."""
