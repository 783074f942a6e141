"""How a request gets to the server: one method, `send(request) -> Response`, by default over urllib3.

Another HTTP library takes a class with that method. It raises `TransportError` where no answer came, follows
no redirect and retries nothing: retrying is decided in `retry.py`, once for all.
"""

from __future__ import annotations

import socket
import ssl
import weakref
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import urllib3
from urllib3 import exceptions as http
from urllib3.connection import HTTPConnection, HTTPSConnection

from mixpress.errors import TransportError, TransportKind

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_REPLY_BYTES = 8 << 20
"""What is read of a reply's body, in bytes after decompression: 2000 refusals of 4 KiB each."""


@dataclass(frozen=True)
class Request:
    """A POST. `headers` carry the credentials, so they are in no `repr`."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Response:
    """What came back: the names in `headers` are in lower case, `body` is decompressed."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Transport(Protocol):
    """Anything that can carry a request to the server. It is called from several threads at once."""

    def send(self, request: Request) -> Response:
        """The server's answer, whatever its status. `TransportError` where there was none."""
        ...


class Urllib3Transport:
    """The default: HTTP/1.1 with keep-alive, one TLS context for the life of the client.

    At most `connections` are open, one for each thread that sends. The timeouts are in seconds: to connect,
    and between two reads of a reply.
    """

    def __init__(self, connections: int = 10, *, connect_timeout: float = 10.0, read_timeout: float = 60.0) -> None:
        self._sockets = _Sockets()
        self._pools = urllib3.PoolManager(
            maxsize=connections,
            block=True,
            retries=False,
            timeout=urllib3.Timeout(connect=connect_timeout, read=read_timeout),
            ssl_context=ssl.create_default_context(),
        )
        self._pools.pool_classes_by_scheme = {
            "http": self._sockets.watched(urllib3.HTTPConnectionPool, HTTPConnection),
            "https": self._sockets.watched(urllib3.HTTPSConnectionPool, HTTPSConnection),
        }

    def send(self, request: Request) -> Response:
        """POST the request, and read its answer to the end or to `MAX_REPLY_BYTES`."""
        try:
            reply = self._pools.request(
                "POST",
                request.url,
                body=request.body,
                headers=request.headers,
                redirect=False,
                preload_content=False,
            )
            return _read(reply)
        except (http.HTTPError, OSError) as error:
            raise _no_answer(error, request.url) from error

    def close(self) -> None:
        """Close every socket, at once: a request that is under way in another thread ends as a reset."""
        self._sockets.shut()
        self._pools.clear()


class _Sockets:
    """The sockets that are open, so that Ctrl-C need not wait for a server that does not answer."""

    def __init__(self) -> None:
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._lock = Lock()

    def watched(self, pool: type, connection: type) -> Any:
        """The pool class, with connections that enter their socket here."""
        connection = type(connection.__name__, (_Watched, connection), {"sockets": self})
        return type(pool.__name__, (pool,), {"ConnectionCls": connection})

    def add(self, opened: socket.socket) -> None:
        with self._lock:
            self._open.add(opened)

    def shut(self) -> None:
        with self._lock:
            for opened in self._open:
                with suppress(OSError):
                    opened.shutdown(socket.SHUT_RDWR)


class _Watched:
    """Laid over urllib3's connection classes."""

    sockets: _Sockets
    sock: socket.socket | None

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        if self.sock is not None:
            self.sockets.add(self.sock)


def _read(reply: urllib3.BaseHTTPResponse) -> Response:
    body = reply.read(MAX_REPLY_BYTES, decode_content=True)
    if len(body) == MAX_REPLY_BYTES:
        reply.close()  # the rest is not wanted, and a connection that still holds it can't be used again
    reply.release_conn()
    return Response(reply.status, {name.lower(): value for name, value in reply.headers.items()}, body)


def _no_answer(error: Exception, url: str) -> TransportError:
    kind = _kind(error)
    where = urlsplit(url).netloc
    says = {
        "refused": f"nobody listens at {where} (connection refused); is the server running, and the URL right?",
        "unknown-host": f"the host of {where} is unknown (no address found for its name)",
        "unreachable": f"{where} can't be reached: {error}",
        "timeout": f"{where} did not answer in time",
        "reset": f"the connection to {where} broke before an answer came: {error}",
        "tls": f"no TLS connection to {where}: {error}",
        "certificate": f"the certificate of {where} is not trusted: {error}",
    }
    return TransportError(says[kind], kind)


def _kind(error: Exception) -> TransportKind:
    """Tell apart what urllib3 raised; the order goes from the special to the general."""
    causes = [error, error.__cause__, *error.args]
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return "certificate"
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return "refused"
    by_type: list[tuple[type[Exception] | tuple[type[Exception], ...], TransportKind]] = [
        ((http.SSLError, ssl.SSLError), "tls"),
        (http.NameResolutionError, "unknown-host"),
        (http.NewConnectionError, "unreachable"),
        ((http.TimeoutError, TimeoutError), "timeout"),
    ]
    return next((kind for types, kind in by_type if isinstance(error, types)), "reset")
