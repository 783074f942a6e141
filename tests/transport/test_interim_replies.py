"""Interim replies (1xx) are skipped, and a connection with bytes left over after a reply is not used again."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from mixpress import Client, ServiceAccount
from mixpress.transport import MAX_REPLY_BYTES, Urllib3Transport
from mixpress.transport.sockets import MAX_INTERIM, _Response
from support.events import event
from support.listener import OK, Behave, Listener, http, kind, post, read_request

Listen = Callable[[Behave], Listener]

HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
UNKNOWN = b"HTTP/1.1 199 Odd\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n"
REFUSED = http("400 No", b'{"error": "none of these"}')


def answering(*replies: tuple[bytes, ...], gap: float = 0.0, tls: ssl.SSLContext | None = None) -> Behave:
    """Return a server that answers the n-th request of a connection by the parts of the n-th reply, `gap` s apart."""

    def behave(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with tls.wrap_socket(connection, server_side=True) if tls else connection as stream:
            for parts in replies:
                read_request(stream)
                for part in parts:
                    stream.sendall(part)
                    time.sleep(gap)

    return behave


INTERIM = {
    "100": CONTINUE,
    "102": PROCESSING,
    "103": HINTS,
    "one without a name": UNKNOWN,
    "several": CONTINUE + PROCESSING + HINTS + HINTS,
    "many": HINTS * (MAX_INTERIM - 1),
    "lines that end with a newline only": HINTS.replace(b"\r\n", b"\n"),
}


@pytest.mark.parametrize("interim", INTERIM.values(), ids=INTERIM)
@pytest.mark.parametrize("final", [OK, CHUNKED], ids=["length", "chunked"])
def test_interim_replies_are_skipped(listen: Listen, transport: Urllib3Transport, interim: bytes, final: bytes) -> None:
    listener = listen(answering((interim + final,), (interim + REFUSED,), (final,)))
    assert [transport.send(post(listener.url())).status for _ in range(3)] == [200, 400, 200]
    assert listener.connections == 1


@pytest.mark.parametrize("cut", [1, 9, 20, len(HINTS) - 1, len(HINTS), len(HINTS) + 5, 2 * len(HINTS)])
def test_interim_replies_may_be_split_over_packets(listen: Listen, transport: Urllib3Transport, cut: int) -> None:
    whole = HINTS + HINTS + OK
    listener = listen(answering((whole[:cut], whole[cut:]), (REFUSED,), gap=0.05))
    assert [transport.send(post(listener.url())).status for _ in range(2)] == [200, 400]
    assert listener.connections == 1


def test_every_byte_may_come_alone(listen: Listen, transport: Urllib3Transport) -> None:
    whole = CONTINUE + HINTS + OK
    listener = listen(answering(tuple(bytes([byte]) for byte in whole), gap=0.001))
    assert transport.send(post(listener.url())).status == 200


def test_each_batch_gets_the_verdict_of_its_own_reply(listen: Listen) -> None:
    listener = listen(answering((HINTS, OK), (HINTS, REFUSED), gap=0.1))
    account = ServiceAccount("user", "secret", project_id="1")
    with Client(account, base_url=listener.url().removesuffix("/import"), concurrency=1) as client:
        first, second = (client.import_events([event(number)]) for number in range(2))
    assert (first.imported, second.refused) == (1, 1)
    assert second.failures[0].message == "none of these"


ENDLESS = {
    "replies": HINTS * (MAX_INTERIM + 1),
    "fields": b"HTTP/1.1 103 X\r\n" + b"A: b\r\n" * 200,
    "a field": b"HTTP/1.1 103 X\r\nA:" + b"b" * 70_000,
}


@pytest.mark.parametrize("endless", ENDLESS.values(), ids=ENDLESS)
def test_interim_replies_without_end_are_an_error(listen: Listen, transport: Urllib3Transport, endless: bytes) -> None:
    listener = listen(answering((endless + OK,)))
    assert kind(transport, listener.url(), "does not speak HTTP") == "reset"


def test_an_interim_reply_and_no_final_one_is_an_error(listen: Listen, transport: Urllib3Transport) -> None:
    listener = listen(answering((HINTS,)))
    assert kind(transport, listener.url()) == "reset"


def test_a_connection_that_switches_protocols_is_not_used_again(listen: Listen, transport: Urllib3Transport) -> None:
    listener = listen(answering((b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",), (OK,)))
    assert [transport.send(post(listener.url())).status for _ in range(2)] == [101, 101]
    assert listener.connections == 2


LEFT_OVER = {
    "another reply": REFUSED,
    "one byte": b"x",
    "an empty line": b"\r\n",
    "an interim reply": HINTS,
    "much": b"x" * 200_000,
}
FIRST = {
    "length": OK,
    "chunked": CHUNKED,
    "nothing": http("200 OK", b""),
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "304": b"HTTP/1.1 304 Not Modified\r\n\r\n",
}


@pytest.mark.parametrize("extra", LEFT_OVER.values(), ids=LEFT_OVER)
@pytest.mark.parametrize("first", FIRST.values(), ids=FIRST)
@pytest.mark.parametrize("apart", [False, True], ids=["in one packet", "in another packet"])
def test_a_connection_with_bytes_left_over_is_not_used_again(
    listen: Listen, transport: Urllib3Transport, first: bytes, extra: bytes, apart: bool
) -> None:
    sent = threading.Event()
    ended = threading.Event()

    def behave(connection: socket.socket) -> None:
        last = listener.connections > 1
        read_request(connection)
        if last:
            connection.sendall(OK)
            return
        for part in (first, extra) if apart else (first + extra,):
            connection.sendall(part)
        sent.set()
        if not connection.recv(1):
            ended.set()

    listener = listen(behave)
    assert transport.send(post(listener.url())).status in {200, 204, 304}
    assert sent.wait(10)
    reply = transport.send(post(listener.url()))
    assert (reply.status, reply.body) == (200, b"1")
    assert listener.connections == 2


def test_a_connection_with_bytes_left_over_is_closed_at_once(listen: Listen, transport: Urllib3Transport) -> None:
    closed = threading.Event()

    def behave(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(OK + REFUSED)
        try:
            data = connection.recv(1)
        except ConnectionError:
            data = b""
        if not data:
            closed.set()

    listener = listen(behave)
    assert transport.send(post(listener.url())).status == 200
    assert closed.wait(10)


def test_bytes_left_over_in_a_tls_record_are_noticed(listen: Listen, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    listener = listen(answering((OK + REFUSED,), (REFUSED,), tls=context))
    with Urllib3Transport(2, ca_bundle=tmp_path / "ca.pem") as transport:
        assert [transport.send(post(listener.url("https"))).status for _ in range(2)] == [200, 200]
    assert listener.connections == 2


def test_a_reply_longer_than_the_limit_ends_its_connection(listen: Listen, transport: Urllib3Transport) -> None:
    listener = listen(answering((http("200 OK", b"x" * (MAX_REPLY_BYTES + 1)),), (OK,)))
    for _ in range(2):
        assert len(transport.send(post(listener.url())).body) == MAX_REPLY_BYTES
    assert listener.connections == 2


def test_a_reply_to_no_request_never_becomes_a_verdict(listen: Listen) -> None:
    def behave(connection: socket.socket) -> None:
        answering((OK + OK if listener.connections == 1 else REFUSED,))(connection)

    listener = listen(behave)
    account = ServiceAccount("user", "secret", project_id="1")
    with Client(account, base_url=listener.url().removesuffix("/import"), concurrency=1) as client:
        first, second = (client.import_events([event(number)]) for number in range(2))
    assert (first.imported, second.refused) == (1, 1)


def test_a_forked_child_reads_nothing_from_the_connections_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(OK)
        reply = _Response(ours)
        reply.begin()
        reply.connection = ours
        theirs.sendall(REFUSED)
        monkeypatch.setattr("os.getpid", lambda: -1)
        reply.close()
        assert ours.recv(len(REFUSED)) == REFUSED
