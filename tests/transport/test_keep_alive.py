"""Keep-alive connections: which broken ones are replaced at once, and which are left to the retry policy."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from mixpress.errors import TransportError
from mixpress.transport import Request, Urllib3Transport
from support.listener import OK, Behave, Listener, kind, post, read_request

Listen = Callable[[Behave], Listener]
AT_ONCE = struct.pack("ii", 1, 0)


def reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    connection.close()


class Server:
    """Sends a reply of `first` on each connection, or hangs up if it is empty; the second request gets `die`."""

    def __init__(self, die: Behave, first: tuple[bytes, ...] = (OK,)) -> None:
        self.requests: list[bytes] = []
        self._die = die
        self._first = list(first)
        self.context: ssl.SSLContext | None = None

    def __call__(self, connection: socket.socket) -> None:
        if self.context:
            connection = self.context.wrap_socket(connection, server_side=True)
        with connection:
            self.requests.append(read_request(connection))
            reply = self._first.pop(0) if len(self._first) > 1 else self._first[0]
            connection.sendall(reply)
            if reply:
                self.requests.append(read_request(connection))
                self._die(connection)


@pytest.mark.parametrize("die", [reset, socket.socket.close])
def test_an_idle_connection_that_broke_is_replaced_at_once(
    listen: Listen, transport: Urllib3Transport, die: Behave
) -> None:
    server = Server(die)
    listener = listen(server)
    for _ in range(2):
        assert transport.send(post(listener.url())).status == 200
    assert listener.connections == 2
    assert len(server.requests) == 3
    assert server.requests[1] == server.requests[2]


def test_an_idle_tls_connection_that_broke_is_replaced_at_once(listen: Listen, tmp_path: Path) -> None:
    authority, server = trustme.CA(), Server(reset)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server.context)
    listener = listen(server)
    with Urllib3Transport(2, ca_bundle=tmp_path / "ca.pem") as transport:
        for body in (b"small", b"large" * 1_000_000):
            assert transport.send(post(listener.url("https"), body)).status == 200
    assert listener.connections == 2
    assert len(server.requests) == 3


def test_a_connection_known_to_be_closed_is_not_used(listen: Listen, transport: Urllib3Transport) -> None:
    closed = threading.Event()
    bodies = []

    def answer_once(connection: socket.socket) -> None:
        bodies.append(read_request(connection))
        connection.sendall(OK)
        connection.close()
        closed.set()

    listener = listen(answer_once)
    for _ in range(3):
        closed.clear()
        assert transport.send(post(listener.url())).status == 200
        assert closed.wait(10)
    assert listener.connections == len(bodies) == 3


def test_a_new_connection_that_breaks_is_not_replaced(listen: Listen, transport: Urllib3Transport) -> None:
    requests = []

    def die(connection: socket.socket) -> None:
        requests.append(read_request(connection))
        reset(connection)

    assert kind(transport, listen(die).url(), "broke before a reply came") == "reset"
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (b"H", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1", "broke in the middle of a reply"),
    ],
)
def test_a_reply_that_broke_off_is_not_requested_again(
    listen: Listen, transport: Urllib3Transport, start: bytes, says: str
) -> None:
    server = Server(lambda connection: connection.sendall(start))
    listener = listen(server)
    assert transport.send(post(listener.url())).status == 200
    assert kind(transport, listener.url(), says) == "reset"
    assert (listener.connections, len(server.requests)) == (1, 2)


def test_a_request_is_repeated_only_once(listen: Listen, transport: Urllib3Transport) -> None:
    server = Server(reset, (OK, b""))
    listener = listen(server)
    assert transport.send(post(listener.url())).status == 200
    assert kind(transport, listener.url(), "broke before a reply came") == "reset"
    assert (listener.connections, len(server.requests)) == (2, 3)


def test_the_repeated_request_uses_a_new_connection(listen: Listen, transport: Urllib3Transport) -> None:
    """A server that drops one idle connection usually drops all of them."""
    server, together = Server(reset), threading.Barrier(2)

    def serve(connection: socket.socket) -> None:
        if listener.connections <= 2:
            together.wait(10)  # two connections are open at once
        server(connection)

    listener = listen(serve)
    senders = [threading.Thread(target=transport.send, args=[post(listener.url())]) for _ in range(2)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(10)
    assert transport.send(post(listener.url())).status == 200
    assert (listener.connections, len(server.requests)) == (3, 4)


def test_a_request_ended_by_close_is_not_repeated(listen: Listen, transport: Urllib3Transport) -> None:
    asked, done = threading.Event(), threading.Event()

    def stay_silent(connection: socket.socket) -> None:
        asked.set()
        done.wait(10)

    server = Server(stay_silent)
    listener = listen(server)
    transport.send(post(listener.url()))
    kinds: list[str] = []
    thread = threading.Thread(target=lambda: kinds.append(kind(transport, listener.url())))
    thread.start()
    assert asked.wait(10)
    transport.close()
    thread.join(10)
    done.set()
    assert kinds == ["reset"]
    assert len(server.requests) == 2


def test_a_forked_child_does_not_shut_down_the_connections_of_its_parent(
    listen: Listen, transport: Urllib3Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(lambda connection: connection.sendall(OK))
    listener = listen(server)
    transport.send(post(listener.url()))
    parents = transport._pools
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: -1)
        transport.send(post(listener.url()))
        transport.close()
    assert listener.connections == 2
    transport._pools = parents
    assert transport.send(post(listener.url())).status == 200  # the socket is still open
    assert listener.connections == 2


def test_a_request_that_must_not_be_repeated_has_a_connection_of_its_own(
    listen: Listen, transport: Urllib3Transport
) -> None:
    server = Server(reset)
    listener = listen(server)
    assert transport.send(post(listener.url())).status == 200
    for _ in range(3):
        assert transport.send(once(listener.url())).status == 200
    assert listener.connections == 4
    assert len(server.requests) == 4


def test_a_request_that_must_not_be_repeated_is_sent_once(listen: Listen, transport: Urllib3Transport) -> None:
    server = Server(reset, first=(b"",))
    listener = listen(server)
    with pytest.raises(TransportError):
        transport.send(once(listener.url()))
    assert len(server.requests) == 1


def once(url: str) -> Request:
    request = post(url)
    object.__setattr__(request, "repeatable", False)
    return request
