"""A server whose behaviour on each connection a test sets, a port where nothing listens, and the HTTP for both."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from mixpress.errors import TransportError
from mixpress.transport import Request, Urllib3Transport

Behave = Callable[[socket.socket], None]


class Listener:
    """Accept connections on a free port of the loopback, and run `behave` on a thread for each."""

    def __init__(self, behave: Behave) -> None:
        self._behave = behave
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.connections = 0
        self._closed = False
        self._threads = [threading.Thread(target=self._run)]
        self._threads[0].start()

    def url(self, scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}/import"

    def _run(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            if self._closed:
                connection.close()
                return
            self.connections += 1
            self._threads.append(threading.Thread(target=self._serve, args=[connection]))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(10)
            with suppress(OSError):  # the client hung up
                self._behave(connection)

    def close(self) -> None:
        self._closed = True
        socket.create_connection(("127.0.0.1", self.port)).close()
        for thread in self._threads:
            thread.join()
        self._socket.close()


@contextmanager
def closed_port() -> Iterator[int]:
    """A port of the loopback that refuses connections; it stays bound, so no other process can listen on it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def replying(reply: bytes, times: int = 1) -> Behave:
    def behave(connection: socket.socket) -> None:
        for _ in range(times):
            read_request(connection)
            connection.sendall(reply)

    return behave


def read_request(connection: socket.socket) -> bytes:
    head = read_head(connection)
    found = re.search(rb"^content-length: *(\d+)", head, re.I | re.M)
    length = len(head) + int(found[1] if found else 0)
    while len(head) < length:
        head += received(connection, length - len(head))
    return head


def read_head(connection: socket.socket) -> bytes:
    """Read to the empty line and no further, since TLS may follow."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        data += received(connection, 1)
    return data


def received(connection: socket.socket, most: int = 65536) -> bytes:
    data = connection.recv(most)
    if not data:
        raise ConnectionError("the client hung up")
    return data


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


OK = http("200 OK", b"1")


def post(url: str, body: bytes = b"[body]") -> Request:
    return Request(url, {"Authorization": "Basic eDo=", "Accept-Encoding": "gzip"}, body)


def failure(transport: Urllib3Transport, url: str) -> TransportError:
    """Return the error of a request, which shows no credentials."""
    with pytest.raises(TransportError) as caught:
        transport.send(post(url))
    assert "eDo=" not in str(caught.value)
    return caught.value


def kind(transport: Urllib3Transport, url: str, says: str = "") -> str:
    """Return the kind of the error of a request; its message names the server and contains `says`."""
    error = failure(transport, url)
    assert "127.0.0.1" in str(error) or "invalid" in str(error)
    assert says in str(error)
    return error.kind
