"""The sockets of a transport: open ones can be closed from outside, and one that died while idle is told apart."""

from __future__ import annotations

import socket
import ssl
import weakref
from contextlib import suppress
from http.client import HTTPResponse
from threading import Lock
from typing import Any


class ClosedUnansweredError(ConnectionResetError):
    """The connection ended before the first byte of an answer."""


class IdleDeathError(ClosedUnansweredError):
    """It ended so, and had carried an answer before: the server had most likely closed it while it was idle."""


class Sockets:
    """The sockets that are open, so that Ctrl-C need not wait for a server that does not answer."""

    def __init__(self) -> None:
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._lock = Lock()
        self.times_shut = 0
        self.generation = 0

    def watched(self, pool: type, connection: type) -> Any:
        """The pool class, with connections that enter their socket here."""
        connection = type(connection.__name__, (_Watched, connection), {"sockets": self})
        return type(pool.__name__, (pool,), {"ConnectionCls": connection})

    def add(self, opened: socket.socket) -> None:
        """Remember a socket for as long as somebody uses it."""
        with self._lock:
            self._open.add(opened)

    def shut(self) -> None:
        """End whatever is under way on any of them, in every thread."""
        with self._lock:
            self.times_shut += 1
            for opened in self._open:
                with suppress(OSError):
                    opened.shutdown(socket.SHUT_RDWR)

    def distrust(self, generation: int) -> None:
        """One of that generation died idle, so the others may have: each is opened anew at its next use."""
        with self._lock:
            if generation == self.generation:
                self.generation += 1


class _Response(HTTPResponse):
    def begin(self) -> None:
        """Read the head of the answer; `ClosedUnansweredError` where the connection ends before it."""
        try:
            first = self.fp.peek(1)
        except ConnectionError as error:
            raise ClosedUnansweredError(*error.args) from error
        if not first:
            raise ClosedUnansweredError("it was closed")
        super().begin()
        if self.msg.defects or self.msg.get_payload():
            # urllib3 would log headers that make no sense, and the peer may have put our own into them.
            self.msg.defects.clear()
            self.msg.set_payload("")


class _Watched:
    """Laid over urllib3's connection classes."""

    sockets: Sockets
    sock: socket.socket | None
    response_class = _Response
    answers = 0
    """How many came over the socket that is open now."""
    generation = 0

    def connect(self) -> None:
        self.answers = 0
        self.generation = self.sockets.generation
        super().connect()  # type: ignore[misc]
        if self.sock is not None:  # TLS within the TLS of a proxy is no socket, it has one
            self.sockets.add(getattr(self.sock, "socket", self.sock))

    @property
    def is_connected(self) -> bool:
        """What urllib3 asks before it uses a connection again; it replaces one that is not."""
        return self.generation == self.sockets.generation and bool(super().is_connected)  # type: ignore[misc]

    def request(self, *args: Any, **options: Any) -> None:
        try:
            super().request(*args, **options)  # type: ignore[misc]
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionAbortedError) as error:
            # Where a plain socket is broken urllib3 looks for an answer all the same, and we end below.
            raise self._died(error) from error

    def getresponse(self) -> Any:
        try:
            response = super().getresponse()  # type: ignore[misc]
        except ClosedUnansweredError as error:
            raise self._died(error) from error
        self.answers += 1
        return response

    def _died(self, error: OSError) -> ClosedUnansweredError:
        if not self.answers:
            return ClosedUnansweredError(*error.args)
        self.sockets.distrust(self.generation)
        return IdleDeathError(*error.args)
