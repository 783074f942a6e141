"""Urllib3Transport over real sockets: replies, and the kinds of errors."""

from __future__ import annotations

import errno
import gzip
import pickle
import socket
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from mixpress.transport import MAX_REPLY_BYTES, Request, Response, Urllib3Transport
from support.listener import Behave, Listener, closed_port, failure, http, kind, post, read_request, replying


def test_a_reply_is_read_and_the_connection_is_reused(
    listen: Callable[[Behave], Listener], transport: Urllib3Transport
) -> None:
    listener = listen(replying(http("200 OK", b"1", "X-Other: Yes"), times=2))
    for _ in range(2):
        reply = transport.send(post(listener.url()))
        assert reply == Response(200, {"content-length": "1", "x-other": "Yes"}, b"1")
    assert listener.connections == 1


def test_a_request_is_sent_with_its_headers_and_body(
    listen: Callable[[Behave], Listener], transport: Urllib3Transport
) -> None:
    seen: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        connection.sendall(http("200 OK", b"1"))

    listener = listen(behave)
    transport.send(Request(listener.url() + "?strict=1", {"Content-Encoding": "gzip", "X": "y"}, b"\x1f\x8bbody"))
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert body == b"\x1f\x8bbody"
    assert head.startswith(b"POST /import?strict=1 HTTP/1.1\r\n")
    assert b"\r\nContent-Length: 6\r\n" in head + b"\r\n"
    assert b"\r\nX: y" in head


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "500 Oops", "302 Found"])
def test_every_status_is_a_reply(
    listen: Callable[[Behave], Listener], transport: Urllib3Transport, status: str
) -> None:
    listener = listen(replying(http(status, b"says", "Location: http://127.0.0.1:1/")))
    reply = transport.send(post(listener.url()))
    assert (reply.status, reply.body) == (int(status[:3]), b"says")


def test_a_gzipped_reply_is_decompressed(listen: Callable[[Behave], Listener], transport: Urllib3Transport) -> None:
    packed = gzip.compress(b'{"status": "OK"}')
    listener = listen(replying(http("200 OK", packed, "Content-Encoding: gzip")))
    assert transport.send(post(listener.url())).body == b'{"status": "OK"}'


def test_a_reply_that_expands_on_decompression_is_read_to_the_bound(
    listen: Callable[[Behave], Listener], transport: Urllib3Transport
) -> None:
    packed = gzip.compress(b"\x00" * (MAX_REPLY_BYTES * 3))
    listener = listen(replying(http("500 Oops", packed, "Content-Encoding: gzip")))
    assert len(transport.send(post(listener.url())).body) == MAX_REPLY_BYTES


def test_a_reply_longer_than_the_bound_closes_its_connection(
    listen: Callable[[Behave], Listener], transport: Urllib3Transport
) -> None:
    listener = listen(replying(http("500 Oops", b"x" * (MAX_REPLY_BYTES + (1 << 20))), times=2))
    for _ in range(2):
        assert len(transport.send(post(listener.url())).body) == MAX_REPLY_BYTES
    assert listener.connections == 2


def test_a_refused_connection(transport: Urllib3Transport) -> None:
    with closed_port() as port:
        assert kind(transport, f"http://127.0.0.1:{port}/import") == "refused"


def test_an_unknown_host(transport: Urllib3Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find_nothing)
    assert kind(transport, "http://mixpress.invalid/import") == "unknown-host"


@pytest.mark.parametrize(
    ("raised", "expected", "says"),
    [
        (TimeoutError("timed out"), "timeout", "no connection to 127.0.0.1:9 within 5 s"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "unreachable", "can't be reached: No route to host"),
    ],
)
def test_a_connection_that_cannot_be_opened(
    transport: Urllib3Transport, monkeypatch: pytest.MonkeyPatch, raised: Exception, expected: str, says: str
) -> None:
    def connect(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    assert kind(transport, "http://127.0.0.1:9/import", says) == expected
    assert failure(transport, "http://127.0.0.1:9/import").unsent


def test_after_a_connection_was_made_a_request_may_have_arrived(
    listen: Callable[[Behave], Listener], transport: Urllib3Transport
) -> None:
    assert not failure(transport, listen(lambda connection: None).url()).unsent
    done = threading.Event()

    def wait(_connection: socket.socket) -> None:
        done.wait(10)

    listener = listen(wait)
    with closing(Urllib3Transport(1, read_timeout=0.05)) as impatient:
        assert not failure(impatient, listener.url()).unsent
    done.set()


def test_a_connection_that_breaks_before_a_reply_is_a_reset(
    listen: Callable[[Behave], Listener], transport: Urllib3Transport
) -> None:
    assert kind(transport, listen(lambda connection: None).url()) == "reset"


def test_a_connection_that_breaks_within_a_reply_is_a_reset(
    listen: Callable[[Behave], Listener], transport: Urllib3Transport
) -> None:
    assert kind(transport, listen(replying(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1")).url()) == "reset"


def test_a_peer_that_does_not_speak_http_is_a_reset(
    listen: Callable[[Behave], Listener], transport: Urllib3Transport
) -> None:
    assert kind(transport, listen(replying(b"SSH-2.0-OpenSSH_9.6\r\n")).url()) == "reset"


def test_a_reply_that_does_not_come_in_time_is_a_timeout(listen: Callable[[Behave], Listener]) -> None:
    done = threading.Event()

    def wait(_connection: socket.socket) -> None:
        done.wait(10)

    listener = listen(wait)
    with closing(Urllib3Transport(1, read_timeout=0.05)) as impatient:
        assert kind(impatient, listener.url()) == "timeout"
    done.set()


def test_https_to_a_server_without_tls(listen: Callable[[Behave], Listener], transport: Urllib3Transport) -> None:
    assert kind(transport, listen(lambda c: c.sendall(b"HTTP/1.1 400 No\r\n\r\n")).url("https")) == "tls"


def test_close_ends_a_request_under_way(listen: Callable[[Behave], Listener]) -> None:
    asked, done = threading.Event(), threading.Event()

    def never_answer(connection: socket.socket) -> None:
        read_request(connection)
        asked.set()
        done.wait(10)

    transport = Urllib3Transport(1, read_timeout=60)
    listener = listen(never_answer)
    kinds: list[str] = []
    thread = threading.Thread(target=lambda: kinds.append(kind(transport, listener.url())))
    thread.start()
    assert asked.wait(10)
    transport.close()
    thread.join(10)
    done.set()
    assert kinds == ["reset"]


def test_a_request_shows_neither_credentials_nor_body() -> None:
    assert repr(post("http://127.0.0.1/import")) == "Request(url='http://127.0.0.1/import')"


@pytest.mark.parametrize("holder", [post("http://127.0.0.1/import"), Urllib3Transport()])
def test_neither_a_request_nor_a_transport_is_pickled(holder: Any) -> None:
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(holder)


def test_a_reply_with_broken_gzip_closes_its_connection(listen: Callable[[Behave], Listener]) -> None:
    listener = listen(replying(http("200 OK", b"no gzip", "Content-Encoding: gzip")))
    with Urllib3Transport(1) as transport:
        for _ in range(3):
            assert kind(transport, listener.url(), "its gzip is damaged") == "reset"
    assert listener.connections == 3


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"connect_timeout": 0}, "connect_timeout must be > 0 seconds, got 0"),
        ({"read_timeout": -1.0}, "read_timeout must be > 0 seconds, got -1.0"),
        ({"connections": 0}, "connections must be >= 1, got 0"),
        ({"trust": "everybody"}, 'trust must be "openssl" or "system"'),
    ],
)
def test_an_invalid_option_is_an_error(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Urllib3Transport(**options)
