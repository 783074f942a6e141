"""Two proxies: one that tunnels by CONNECT, and one that forwards plain HTTP."""

from __future__ import annotations

import select
import socket
import ssl
from contextlib import suppress

from support.listener import http, read_head, read_request, received

WANTED = http("407 Proxy Authentication Required", b"who are you?", 'Proxy-Authenticate: Basic realm="proxy"')


class _Proxy:
    """Resolves every name to the loopback port `to`. Without `authorization` it replies with `refusal`."""

    def __init__(
        self, to: int, authorization: str | None = None, refusal: bytes = WANTED, tls: ssl.SSLContext | None = None
    ) -> None:
        self.heads: list[bytes] = []
        self._to = to
        self._authorization = authorization
        self._refusal = refusal
        self._tls = tls

    def __call__(self, client: socket.socket) -> None:
        if self._tls:
            client = self._tls.wrap_socket(client, server_side=True)
        with client:
            self.handle(client)

    def handle(self, client: socket.socket) -> None:
        raise NotImplementedError

    def allowed(self, head: bytes) -> bool:
        self.heads.append(head)
        if self._authorization is None:
            return self._refusal is WANTED
        return f"\r\nProxy-Authorization: {self._authorization}\r\n".encode() in head

    def refuse(self, client: socket.socket) -> None:
        client.sendall(self._refusal)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._to), 10)


class ConnectProxy(_Proxy):
    """Tunnels to the server."""

    def handle(self, client: socket.socket) -> None:
        head = read_head(client)
        if not self.allowed(head):
            return self.refuse(client)
        with self.connect() as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            relay(client, server)
        return None


class PlainProxy(_Proxy):
    """Reads one request after another and forwards each."""

    def handle(self, client: socket.socket) -> None:
        while True:
            head, _, body = read_request(client).partition(b"\r\n\r\n")
            if not self.allowed(head + b"\r\n"):
                return self.refuse(client)
            first, *rest = head.split(b"\r\n")
            method, url, version = first.split()
            passed = [line for line in rest if not line.lower().startswith((b"proxy-", b"connection:"))]
            line = b" ".join([method, b"/" + url.split(b"/", 3)[3], version])
            with self.connect() as server:
                server.sendall(b"\r\n".join([line, *passed, b"Connection: close", b"", body]))
                with suppress(ConnectionError):
                    while True:
                        client.sendall(received(server))
            return None


def relay(client: socket.socket, server: socket.socket) -> None:
    """Copy bytes both ways until one side ends; on one thread, since a TLS socket does not allow two."""
    with suppress(ConnectionError):
        while True:
            held = client.pending() if isinstance(client, ssl.SSLSocket) else 0
            readable = [client] if held else select.select([client, server], [], [], 10)[0]
            for source in readable:
                (server if source is client else client).sendall(received(source))
