"""Track the open sockets of a transport, to shut them down from another thread and to detect idle ones that died."""

from __future__ import annotations

import os
import socket
import ssl
import weakref
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from threading import Lock
from typing import Any

from mixpress.resolving import resolving

MAX_INTERIM = 100
"""The most 1xx replies before a final one: each restarts the read timeout."""
_MAX_LINE = 1 << 16
_MAX_FIELDS = 100


class ClosedUnansweredError(ConnectionResetError):
    """The connection ended before the first byte of a reply."""


class ClosedWhileIdleError(ClosedUnansweredError):
    """The same on a connection that had carried a reply: most likely the server closed it while it was idle."""


class Sockets:
    """The open sockets, so that Ctrl-C does not wait for a server that does not answer."""

    def __init__(self) -> None:
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._lock = Lock()
        self.times_shut = 0
        self.generation = 0
        """Connections of an older generation are not reused."""

    def tracked(self, pool: type, connection: type) -> Any:
        """Return a subclass of the pool class whose connections add their socket here."""
        connection = type(connection.__name__, (_TrackedConnection, connection), {"sockets": self})
        return type(pool.__name__, (pool,), {"ConnectionCls": connection})

    def add(self, opened: socket.socket) -> None:
        """Track a socket until it is garbage-collected."""
        with self._lock:
            self._open.add(opened)

    def shut(self) -> None:
        """Shut down every socket, which ends the requests of every thread."""
        with self._lock:
            self.times_shut += 1
            for opened in self._open:
                with suppress(OSError):
                    opened.shutdown(socket.SHUT_RDWR)

    def expire(self, generation: int) -> None:
        """Make every connection of a generation reconnect at its next use: one died while idle, others may have too."""
        with self._lock:
            if generation == self.generation:
                self.generation += 1


class _Response(HTTPResponse):
    """A reply that skips the 1xx before it, and closes its connection where bytes are left over after it."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._socket = sock
        self._pid = os.getpid()
        self.connection: Any = None
        """The connection to close; set before the body is read."""

    def begin(self) -> None:
        """Read the head of the reply. Raise `ClosedUnansweredError` where the connection ends before it."""
        try:
            first = self.fp.peek(1)
        except ConnectionError as error:
            raise ClosedUnansweredError(*error.args) from error
        if not first:
            raise ClosedUnansweredError("it was closed")
        super().begin()
        if self.status == HTTPStatus.SWITCHING_PROTOCOLS:
            self.will_close = True  # what follows is not HTTP
        if self.msg.defects or self.msg.get_payload():
            # urllib3 logs malformed headers, and the peer may have copied our credentials into them.
            self.msg.defects.clear()
            self.msg.set_payload("")

    def _read_status(self) -> tuple[str, int, str]:
        """Read the status line of the final reply; `HTTPResponse` skips only 100 itself."""
        for _ in range(MAX_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            self._skip_fields()
        raise HTTPException(f"more than {MAX_INTERIM} interim replies")

    def _skip_fields(self) -> None:
        for _ in range(_MAX_FIELDS):
            line = self.fp.readline(_MAX_LINE + 1)
            if line in (b"\r\n", b"\n", b""):
                return
            if len(line) > _MAX_LINE:
                break
        raise HTTPException("an interim reply is too long")

    def _close_conn(self) -> None:
        """End the reply, when its body has been read. urllib3 then returns the connection to its pool."""
        # A forked child frees the replies of its parent: it must not read from a socket that both have.
        is_own = self.connection is not None and self._pid == os.getpid()
        has_unread = is_own and not self.will_close and self._has_unread()
        super()._close_conn()  # type: ignore[misc]
        if has_unread:
            self.connection.close()

    def _has_unread(self) -> bool:
        """Return whether bytes after this reply have arrived. The next reply would lose them or start with them."""
        timeout = self._socket.gettimeout()
        try:
            self._socket.settimeout(0)
            return bool(self.fp.peek(1))
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except (OSError, ValueError):
            return True
        finally:
            with suppress(OSError):
                self._socket.settimeout(timeout)


class _TrackedConnection:
    """A mixin for urllib3's connection classes."""

    sockets: Sockets
    sock: socket.socket | None
    response_class = _Response
    answers = 0
    """Replies received over the current socket."""
    generation = 0

    def connect(self) -> None:
        self.answers = 0
        self.generation = self.sockets.generation
        super().connect()  # type: ignore[misc]
        if self.sock is not None:  # TLS within the TLS of a proxy wraps a socket
            self.sockets.add(getattr(self.sock, "socket", self.sock))

    def _new_conn(self) -> socket.socket:
        with resolving():
            return super()._new_conn()  # type: ignore[misc, no-any-return]

    @property
    def is_connected(self) -> bool:
        """Whether urllib3 may reuse the connection; it replaces one that is not connected."""
        return self.generation == self.sockets.generation and bool(super().is_connected)  # type: ignore[misc]

    def request(self, *args: Any, **options: Any) -> None:
        try:
            super().request(*args, **options)  # type: ignore[misc]
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionAbortedError) as error:
            # After an error on a plain socket urllib3 reads a reply all the same, and `getresponse` raises.
            raise self._closed_unanswered(error) from error

    def getresponse(self) -> Any:
        try:
            response = super().getresponse()  # type: ignore[misc]
        except ClosedUnansweredError as error:
            raise self._closed_unanswered(error) from error
        self.answers += 1
        response._original_response.connection = self
        return response

    def _closed_unanswered(self, error: OSError) -> ClosedUnansweredError:
        if not self.answers:
            return ClosedUnansweredError(*error.args)
        self.sockets.expire(self.generation)
        return ClosedWhileIdleError(*error.args)
