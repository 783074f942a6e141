"""The proxy of faults, with plain sockets on both sides."""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice

import pytest

from support.listener import closed_port

from . import FaultProxy, Trouble, seeded

REPLY = b"taken: "


class Origin(ThreadingHTTPServer):
    """A server that records each complete body and repeats it."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[bytes] = []
        self.arrived = threading.Semaphore(0)
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Origin

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        self.server.bodies.append(body)
        self.server.arrived.release()
        self.send_response(200)
        self.send_header("Content-Length", str(len(REPLY + body)))
        self.end_headers()
        self.wfile.write(REPLY + body)

    def handle(self) -> None:
        with suppress(ConnectionError):  # a forwarded reset
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def origin() -> Iterator[Origin]:
    """A server; after the test no thread and no open file is left of it, of the proxy or of the client."""
    gc.collect()  # files of other tests must not be closed in between
    before = _held()
    with Origin() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.shutdown()
        thread.join()
    ends = time.monotonic() + 5
    while any(now > then for now, then in zip(_held(), before, strict=True)) and time.monotonic() < ends:
        time.sleep(0.01)  # the thread of a reset request ends a little later
    assert all(now <= then for now, then in zip(_held(), before, strict=True))


def _held() -> tuple[int, int]:
    """Return the number of threads and of open files."""
    return threading.active_count(), len(os.listdir("/dev/fd"))


class Caller:
    """A client on one connection."""

    def __init__(self, url: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10)

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, body: bytes) -> None:
        self.socket.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def read(self) -> bytes:
        """Return the body of a reply, or its start where it ends early."""
        data = b""
        while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < self._length(data):
            more = self.socket.recv(65536)
            if not more:
                break
            data += more
        return data.partition(b"\r\n\r\n")[2]

    def _length(self, data: bytes) -> int:
        return int(data.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])

    def ask(self, body: bytes) -> bytes:
        self.send(body)
        return self.read()

    def is_reset(self) -> bool:
        """Return whether the connection ends with a RST and not a FIN."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            return True
        return False


@pytest.mark.parametrize("trouble", [Trouble.NONE, Trouble.DELAY, Trouble.SLOW_READ])
def test_a_reply_arrives_and_the_connection_stays_open(origin: Origin, trouble: Trouble) -> None:
    large = bytes(range(256)) * 20_000
    with FaultProxy(origin.url, [trouble]) as proxy, Caller(proxy.url) as caller:
        assert caller.ask(large) == REPLY + large
        assert caller.ask(b"again") == REPLY + b"again"
    assert origin.bodies == [large, b"again"]
    assert proxy.met == {trouble: 1, Trouble.NONE: 1} if trouble is not Trouble.NONE else {Trouble.NONE: 2}


@pytest.mark.parametrize(
    ("trouble", "arrives"),
    [
        (Trouble.RESET_AT_ONCE, False),
        (Trouble.RESET_IN_REQUEST, False),
        (Trouble.RESET_BEFORE_REPLY, True),
        (Trouble.RESET_IN_REPLY, True),
    ],
)
def test_a_reset_ends_the_connection(origin: Origin, trouble: Trouble, arrives: bool) -> None:
    with FaultProxy(origin.url, [trouble]) as proxy:
        with Caller(proxy.url) as caller:
            caller.send(b"body")
            assert caller.is_reset()
        with Caller(proxy.url) as caller:
            assert caller.ask(b"next") == REPLY + b"next"
    assert origin.bodies == [b"body"] * arrives + [b"next"]


def test_a_reset_in_the_reply_comes_after_half_of_it(origin: Origin) -> None:
    with FaultProxy(origin.url, [Trouble.RESET_IN_REPLY]) as proxy, Caller(proxy.url) as caller:
        caller.send(b"x" * 1000)
        assert caller.socket.recv(15) == b"HTTP/1.1 200 OK"
        assert caller.is_reset()


def test_after_a_half_close_the_client_may_still_send(origin: Origin) -> None:
    with FaultProxy(origin.url, [Trouble.HALF_CLOSE]) as proxy, Caller(proxy.url) as caller:
        assert caller.ask(b"body") == b""
        caller.socket.sendall(b"more")  # no reset follows
        assert not caller.is_reset()
    assert origin.bodies == [b"body"]


@pytest.mark.parametrize(
    ("trouble", "before", "after"),
    [(Trouble.SILENT, 0, 0), (Trouble.LATE_REPLY, 1, 1), (Trouble.LATE_REQUEST, 0, 1)],
)
def test_a_silence_lasts_until_the_client_hangs_up(origin: Origin, trouble: Trouble, before: int, after: int) -> None:
    with FaultProxy(origin.url, [trouble]) as proxy:
        with Caller(proxy.url) as caller:
            caller.send(b"body")
            caller.socket.settimeout(0.1)
            with pytest.raises(TimeoutError):
                caller.socket.recv(1)
            assert len(origin.bodies) == before
        with Caller(proxy.url) as caller:
            assert all(origin.arrived.acquire(timeout=10) for _ in range(after))
            assert caller.ask(b"next") == REPLY + b"next"
    assert origin.bodies == [b"body"] * after + [b"next"]


def test_the_wait_for_a_client_to_hang_up_is_bounded_by_patience(origin: Origin) -> None:
    with FaultProxy(origin.url, [Trouble.SILENT], patience=0.05) as proxy, Caller(proxy.url) as caller:
        assert caller.ask(b"body") == b""


def test_close_idle_closes_the_connection_after_the_reply(origin: Origin) -> None:
    with FaultProxy(origin.url, [Trouble.CLOSE_IDLE]) as proxy, Caller(proxy.url) as caller:
        assert caller.ask(b"body") == REPLY + b"body"
        assert not caller.is_reset()


def test_stale_resets_the_connection_at_the_next_request(origin: Origin) -> None:
    with FaultProxy(origin.url, [Trouble.STALE]) as proxy, Caller(proxy.url) as caller:
        assert caller.ask(b"body") == REPLY + b"body"
        caller.socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            caller.socket.recv(1)  # open until then
        caller.socket.settimeout(10)
        caller.send(b"next")
        assert caller.is_reset()
    assert origin.bodies == [b"body"]


def test_a_refused_server_ends_the_connection() -> None:
    with closed_port() as port, FaultProxy(f"http://127.0.0.1:{port}") as proxy, Caller(proxy.url) as caller:
        assert caller.read() == b""


@pytest.mark.parametrize("trouble", list(Trouble))
def test_the_proxy_stops_with_requests_under_way(origin: Origin, trouble: Trouble) -> None:
    with FaultProxy(origin.url, [trouble]) as proxy, Caller(proxy.url) as half, Caller(proxy.url) as whole:
        half.socket.sendall(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n12345")
        whole.send(b"x" * 1000)


def test_the_plan_can_be_changed_while_it_runs(origin: Origin) -> None:
    with FaultProxy(origin.url, [Trouble.NONE, Trouble.RESET_AT_ONCE]) as proxy, Caller(proxy.url) as caller:
        assert caller.ask(b"1") == REPLY + b"1"
        proxy.plan([Trouble.NONE])
        assert caller.ask(b"2") == REPLY + b"2"
        assert caller.ask(b"3") == REPLY + b"3"
        proxy.plan(seeded(1, 1.0, (Trouble.RESET_AT_ONCE,)))
        caller.send(b"4")
        assert caller.is_reset()


def test_a_seed_gives_the_same_troubles() -> None:
    first = list(islice(seeded(7, 0.3), 1000))
    assert list(islice(seeded(7, 0.3), 1000)) == first != list(islice(seeded(8, 0.3), 1000))
    assert 200 < sum(trouble is not Trouble.NONE for trouble in first) < 400
    assert set(first) == set(Trouble)


def test_a_server_on_another_machine_is_an_error() -> None:
    with pytest.raises(ValueError, match="is not on this machine"):
        FaultProxy("http://192.168.0.1:80")
