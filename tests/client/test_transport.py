"""Urllib3Transport over real sockets: what comes back, and what keeps an answer from coming."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from mixpress.errors import TransportError
from mixpress.transport import MAX_REPLY_BYTES, Request, Response, Urllib3Transport

UNTRUSTED = Path(__file__).with_name("untrusted.pem")
"""A certificate for 127.0.0.1, and its key, that nobody has signed; made by
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 36500 -nodes -subj /CN=127.0.0.1"""

Behave = Callable[[socket.socket], None]


class Listener:
    """A server that does with each connection what a test wants, on one thread."""

    def __init__(self, behave: Behave) -> None:
        self._behave = behave
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.connections = 0
        self.received = b""
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    def url(self, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}/import"

    def _run(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                if self.connections < 0:
                    return
                self.connections += 1
                connection.settimeout(10)
                with suppress(OSError):  # the client has gone
                    self._behave(connection)

    def close(self) -> None:
        self.connections = -1
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()
        self._socket.close()


@pytest.fixture
def listen() -> Iterator[Callable[[Behave], Listener]]:
    made: list[Listener] = []

    def make(behave: Behave) -> Listener:
        made.append(Listener(behave))
        return made[-1]

    yield make
    for listener in made:
        listener.close()


@pytest.fixture
def transport() -> Iterator[Urllib3Transport]:
    with closing(Urllib3Transport(2, connect_timeout=5, read_timeout=5)) as made:
        yield made


def replying(reply: bytes, times: int = 1) -> Behave:
    def behave(connection: socket.socket) -> None:
        for _ in range(times):
            read_request(connection)
            connection.sendall(reply)

    return behave


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += received(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += received(connection)
    return head + b"\r\n\r\n" + body


def received(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError("the client hung up")
    return data


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def post(url: str) -> Request:
    return Request(url, {"Authorization": "Basic eDo=", "Accept-Encoding": "gzip"}, b"[body]")


def test_a_reply_is_read_and_the_connection_used_again(
    listen: Callable[[Behave], Listener], transport: Urllib3Transport
) -> None:
    listener = listen(replying(http("200 OK", b"1", "X-Other: Yes"), times=2))
    for _ in range(2):
        reply = transport.send(post(listener.url()))
        assert reply == Response(200, {"content-length": "1", "x-other": "Yes"}, b"1")
    assert listener.connections == 1


def test_the_request_is_what_was_given(listen: Callable[[Behave], Listener], transport: Urllib3Transport) -> None:
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
def test_every_status_is_an_answer(
    listen: Callable[[Behave], Listener], transport: Urllib3Transport, status: str
) -> None:
    listener = listen(replying(http(status, b"says", "Location: http://127.0.0.1:1/")))
    reply = transport.send(post(listener.url()))
    assert (reply.status, reply.body) == (int(status[:3]), b"says")


def test_a_gzipped_reply_is_unpacked(listen: Callable[[Behave], Listener], transport: Urllib3Transport) -> None:
    packed = gzip.compress(b'{"status": "OK"}')
    listener = listen(replying(http("200 OK", packed, "Content-Encoding: gzip")))
    assert transport.send(post(listener.url())).body == b'{"status": "OK"}'


def test_a_few_bytes_that_unpack_to_many_are_read_to_the_bound(
    listen: Callable[[Behave], Listener], transport: Urllib3Transport
) -> None:
    packed = gzip.compress(b"\x00" * (MAX_REPLY_BYTES * 3))
    listener = listen(replying(http("500 Oops", packed, "Content-Encoding: gzip")))
    assert len(transport.send(post(listener.url())).body) == MAX_REPLY_BYTES


def test_a_reply_that_is_not_read_to_its_end_gives_its_connection_up(
    listen: Callable[[Behave], Listener], transport: Urllib3Transport
) -> None:
    listener = listen(replying(http("500 Oops", b"x" * (MAX_REPLY_BYTES + (1 << 20))), times=2))
    for _ in range(2):
        assert len(transport.send(post(listener.url())).body) == MAX_REPLY_BYTES
    assert listener.connections == 2


def kind(transport: Urllib3Transport, url: str) -> str:
    with pytest.raises(TransportError) as caught:
        transport.send(post(url))
    assert "eDo=" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value) or "invalid" in str(caught.value)
    return caught.value.kind


def test_nobody_listens(transport: Urllib3Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert kind(transport, f"http://127.0.0.1:{port}/import") == "refused"


def test_the_name_is_unknown(transport: Urllib3Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find_nothing)
    assert kind(transport, "http://mixpress.invalid/import") == "unknown-host"


def test_the_connection_breaks_before_an_answer(
    listen: Callable[[Behave], Listener], transport: Urllib3Transport
) -> None:
    assert kind(transport, listen(lambda connection: None).url()) == "reset"


def test_the_connection_breaks_in_the_middle_of_an_answer(
    listen: Callable[[Behave], Listener], transport: Urllib3Transport
) -> None:
    assert kind(transport, listen(replying(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1")).url()) == "reset"


def test_what_answers_does_not_speak_http(listen: Callable[[Behave], Listener], transport: Urllib3Transport) -> None:
    assert kind(transport, listen(replying(b"SSH-2.0-OpenSSH_9.6\r\n")).url()) == "reset"


def test_no_answer_in_time(listen: Callable[[Behave], Listener]) -> None:
    done = threading.Event()

    def wait(_connection: socket.socket) -> None:
        done.wait(10)

    listener = listen(wait)
    with closing(Urllib3Transport(1, read_timeout=0.05)) as impatient:
        assert kind(impatient, listener.url()) == "timeout"
    done.set()


def test_a_server_without_tls(listen: Callable[[Behave], Listener], transport: Urllib3Transport) -> None:
    assert kind(transport, listen(lambda c: c.sendall(b"HTTP/1.1 400 No\r\n\r\n")).url("https")) == "tls"


def test_an_untrusted_certificate(listen: Callable[[Behave], Listener], transport: Urllib3Transport) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(UNTRUSTED)

    def shake_hands(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True):
            pytest.fail("the client accepted the certificate")

    assert kind(transport, listen(shake_hands).url("https")) == "certificate"


def test_close_ends_a_request_that_is_under_way(listen: Callable[[Behave], Listener]) -> None:
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
