"""`Channel`: a worker's connection to a lease server, with a proof from both sides. It waits at most some seconds."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

from mixpress.lease.messages import Grant, grant_of_json
from mixpress.lease.protocol import (
    MAX_LINE,
    VERSION,
    Meeting,
    ProtocolError,
    WrongSecretError,
    line_of,
    message_of,
    text_in,
)
from mixpress.lease.protocol import nonce as new_nonce
from mixpress.resolving import resolving

TIMEOUT = 2.0
"""Seconds in which the server must accept the connection, and answer each message."""


class Channel:
    """Connect, and check that the server has the secret. Raises `OSError`, `ProtocolError` or `WrongSecretError`."""

    def __init__(self, host: str, port: int, key: bytes, endpoint: str) -> None:
        self._buffer = b""
        with resolving():
            self.socket = socket.create_connection((host, port), timeout=TIMEOUT)
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._greet(key, endpoint)
        except BaseException:
            self.close()
            raise

    def _greet(self, key: bytes, endpoint: str) -> None:
        nonce = new_nonce()
        greeting = {"mixpress-lease": VERSION, "endpoint": endpoint, "nonce": nonce}
        self.socket.sendall(line_of(greeting))
        answer = message_of(self._line())
        self.server = text_in(answer, "server", 32)
        """The id of the server, which another one at the same address does not have."""
        meeting = Meeting(key, endpoint, nonce, self.server, text_in(answer, "nonce", 64))
        self.socket.sendall(line_of({"proof": meeting.proof("worker")}))
        try:
            proof = message_of(self._line())
        except ProtocolError as error:
            raise WrongSecretError("the server does not accept this worker's secret") from error
        meeting.check("server", text_in(proof, "proof", 64))
        self._ours, self._theirs = meeting.seals()

    def exchange(self, message: dict[str, Any]) -> Grant:
        """Send a message, and return the reply."""
        self.socket.sendall(self._ours.close(message))
        return grant_of_json(self._theirs.open(self._line()))

    def hang_up(self) -> None:
        """End the connection, also where a forked child has a copy of it. A thread that waits for it gets an error."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection, and close the socket. Only for the thread that uses it: another one would let the system
        give its number to a new file meanwhile.
        """
        self.hang_up()
        self.socket.close()

    def disown(self) -> None:
        """Close the copy of a forked child."""
        self.socket.close()

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            data = self.socket.recv(MAX_LINE)
            if not data:
                raise ProtocolError("the server closed the connection")
            self._buffer += data
            if len(self._buffer) > MAX_LINE:
                raise ProtocolError("a line is too long")
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        return line
