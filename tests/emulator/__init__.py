"""Tests of the emulator, over real loopback sockets, with an HTTP client that is not mixpress."""
