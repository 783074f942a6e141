"""Requests that are wrong below HTTP's surface: lengths that lie, chunks, large heads, slow senders, pipelines."""

from __future__ import annotations

import gzip
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import orjson
import pytest

from mixpress.emulator import Emulator, replies
from mixpress.emulator.connection import MAX_HEAD_BYTES, ConnectionLimits
from mixpress.emulator.serving import connection_limits

from .conftest import Start
from .sender import NOW, Sender, event
from .test_server import port_of

AUTH = "Basic dG9rZW46"
ONE = orjson.dumps([event()])
STORED = b'{"code":200,"num_records_imported":1,"status":"OK"}'


def head(*more: str, path: str = "/import?strict=1") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: {AUTH}", "Content-Type: application/json", *more]
    return "\r\n".join([*lines, "", ""]).encode()


def request(body: bytes, *more: str) -> bytes:
    return head(f"Content-Length: {len(body)}", *more) + body


def chunks(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])


@contextmanager
def connected(server: Emulator) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port_of(server.url)), timeout=30) as connection:
        yield connection


def read_all(connection: socket.socket) -> bytes:
    """Return what arrives until the server closes the connection."""
    received = bytearray()
    with suppress(ConnectionResetError):
        while data := connection.recv(65_536):
            received += data
    return bytes(received)


def exchange(server: Emulator, sent: bytes) -> bytes:
    """Send bytes and no more, and return all replies."""
    with connected(server) as connection:
        with suppress(OSError):  # the server has closed the connection
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        return read_all(connection)


def statuses(received: bytes) -> list[int]:
    return [int(each) for each in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def still_works(server: Emulator) -> None:
    sender = Sender(server.url)
    assert sender.post("/import?strict=1", [event(insert_id="afterwards")]).status == 200
    sender.close()
    assert server.events()[-1]["properties"]["$insert_id"] == "afterwards"


# -- a Content-Length that lies


def test_a_request_shorter_than_its_content_length_is_not_stored(server: Emulator) -> None:
    assert exchange(server, head(f"Content-Length: {len(ONE) + 1}") + ONE) == b""
    assert server.count() == 0
    assert server.requests() == []
    still_works(server)


def test_a_request_that_stays_incomplete_gets_a_408(start: Start) -> None:
    server, _ = start(request_seconds=2)
    incomplete = [head(f"Content-Length: {len(ONE) + 1}") + ONE, head("Content-Length: 5")[:-2], b"P"]
    with ExitStack() as stack:
        silent = stack.enter_context(connected(server))
        waiting = []
        for sent in incomplete:
            waiting.append(stack.enter_context(connected(server)))
            waiting[-1].sendall(sent)
        assert read_all(silent) == b"", "it never sent a byte"
        for connection in waiting:
            received = read_all(connection)
            assert statuses(received) == [408]
            assert b"not complete within 2 s: is its Content-Length too large?" in received
    assert server.count() == 0
    assert server.requests() == []
    still_works(server)


@pytest.mark.parametrize("more", [b"", b"\r\n", b"garbage", request(ONE)])
def test_the_rest_of_a_request_longer_than_its_content_length_is_discarded(server: Emulator, more: bytes) -> None:
    cut = head(f"Content-Length: {len(ONE) - 10}") + ONE + more
    assert statuses(exchange(server, cut)) == [400]
    assert server.count() == 0
    assert [each.status for each in server.requests()] == [400]
    still_works(server)


def test_a_request_within_an_event_is_not_taken_for_one(server: Emulator) -> None:
    smuggled = request(orjson.dumps([event("Smuggled")])).decode()
    body = orjson.dumps([event(text=smuggled)])
    whole = body.index(b"POST /import")
    # In JSON the line ends are escaped; here they are not, as in a body of another type.
    raw = body[:whole] + smuggled.encode()
    for kind in ["application/json", "application/x-ndjson"]:
        sent = head(f"Content-Length: {whole}").replace(b"application/json", kind.encode()) + raw
        assert statuses(exchange(server, sent)) == [400]
    assert server.events("Smuggled") == []
    assert server.count() == 0


@pytest.mark.parametrize(
    "lengths",
    [
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: -1"],
        ["Content-Length: 1e3"],
        ["Content-Length: x"],
    ],
)
def test_a_content_length_that_is_none_is_refused(server: Emulator, lengths: list[str]) -> None:
    assert statuses(exchange(server, head(*lengths) + ONE)) == [400]
    assert server.count() == 0
    still_works(server)


def test_both_a_length_and_chunks_are_refused(server: Emulator) -> None:
    sent = head("Transfer-Encoding: chunked", "Content-Length: 4") + chunks(ONE) + request(ONE)
    received = exchange(server, sent)
    assert statuses(received) == [400]
    assert b"the body has both a Content-Length and a Transfer-Encoding" in received
    assert server.count() == 0
    still_works(server)


# -- chunked bodies


def test_chunked_bodies_are_read(server: Emulator) -> None:
    for body, more in [(ONE, []), (gzip.compress(ONE), ["Content-Encoding: gzip"])]:
        parts = [body[at : at + 7] for at in range(0, len(body), 7)]
        received = exchange(server, head("Transfer-Encoding: chunked", *more) + chunks(*parts))
        assert received.endswith(STORED)
    assert server.count() == 1
    assert [each.body_bytes for each in server.requests()] == [len(ONE), len(gzip.compress(ONE))]


@pytest.mark.parametrize(
    "sent",
    [
        b"zz\r\n" + ONE,
        b"-5\r\n" + ONE,
        b"5\r\n" + ONE,
        b"%x\r\n%s0\r\n\r\n" % (len(ONE), ONE),
        b"%x\r\n%s\r\nend\r\n" % (len(ONE), ONE),
        b"f" * 30 + b"\r\n" + ONE,
        b"1;" + b"x" * 200_000,
    ],
)
def test_a_wrong_chunk_is_a_400(server: Emulator, sent: bytes) -> None:
    received = exchange(server, head("Transfer-Encoding: chunked") + sent)
    assert statuses(received) == [400]
    assert server.count() == 0
    assert server.requests() == []
    still_works(server)


def test_an_unknown_transfer_encoding_is_refused(server: Emulator) -> None:
    for encoding in ["gzip", "gzip, chunked"]:
        assert statuses(exchange(server, head(f"Transfer-Encoding: {encoding}") + chunks(ONE))) in ([400], [501])
    assert server.count() == 0


def test_chunks_without_an_end_are_not_stored(server: Emulator) -> None:
    assert exchange(server, head("Transfer-Encoding: chunked") + chunks(ONE)[:-5]) == b""
    assert server.count() == 0


# -- heads


def test_a_hundred_thousand_headers_are_refused(server: Emulator) -> None:
    headers = "".join(f"X-{number}: {number}\r\n" for number in range(100_000))
    sent = head(f"Content-Length: {len(ONE)}")[:-2] + headers.encode() + b"\r\n" + ONE
    assert len(sent) > 1_500_000
    received = exchange(server, sent)
    assert statuses(received) == [431]
    assert received.endswith(b"the headers must have at most 65536 bytes together")
    assert server.count() == 0
    still_works(server)


@pytest.mark.parametrize("size", [2 * MAX_HEAD_BYTES + 1000, 3_000_000])
def test_a_long_url_is_a_414(server: Emulator, size: int) -> None:
    received = exchange(server, b"GET /track?data=" + b"x" * size + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert statuses(received) == [414]
    still_works(server)


def test_a_head_may_have_sixty_kilobytes(server: Emulator) -> None:
    more = [f"X-{number}: {'x' * 990}" for number in range(60)]
    assert exchange(server, request(ONE, *more)).endswith(STORED)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /import\r\n\r\n",
        b"POST /import HTTP/1.1\r\n\r\n",
        b"POST /import HTTP/1.1\r\nHost: x\r\nA B: c\r\n\r\n",
        b"\x00" * 10_000,
        b"\r\n\r\n\r\n",
    ],
)
def test_what_is_not_http_is_a_400(server: Emulator, sent: bytes) -> None:
    assert statuses(exchange(server, sent)) in ([400], [])
    assert server.requests() == []
    still_works(server)


def test_the_preface_of_http2_is_refused(server: Emulator) -> None:
    assert statuses(exchange(server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))[-1] == 400
    still_works(server)


def test_a_refusal_is_read_even_while_the_sender_sends(server: Emulator) -> None:
    with connected(server) as connection:
        connection.sendall(b"nonsense\r\n\r\n" + b"x" * 2_000_000)
        received = bytearray()
        while not received.endswith(b"the request is not valid HTTP"):
            data = connection.recv(65_536)
            assert data
            received += data
    assert statuses(bytes(received)) == [400]


# -- pipelines and many connections


def test_pipelined_requests_are_answered_in_order(server: Emulator) -> None:
    bodies = [orjson.dumps([event(insert_id=f"id-{number}")]) for number in range(20)]
    wrong = request(b"[{}]")
    received = exchange(server, b"".join(map(request, bodies[:10])) + wrong + b"".join(map(request, bodies[10:])))
    assert statuses(received) == [200] * 10 + [400] + [200] * 10
    assert [each["properties"]["$insert_id"] for each in server.events()] == [f"id-{number}" for number in range(20)]


def test_pipelined_requests_after_one_without_a_reply_are_not_processed(start: Start) -> None:
    for fault in ["drop-reply:1", "reset:1"]:
        server, _ = start(faults=fault)
        assert exchange(server, request(ONE) * 3) == b""
        assert len(server.requests()) == 1


def test_slow_senders_do_not_keep_others_from_being_served(start: Start) -> None:
    server, sender = start()
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(server)) for _ in range(200)]
        for byte in head("Content-Length: 1000")[:20]:
            for each in slow:
                each.sendall(bytes([byte]))
        assert sender.post("/import?strict=1", [event()]).status == 200
    assert [each.status for each in server.requests()] == [200]


def test_beyond_the_limit_the_connection_that_waited_longest_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    emulator = Emulator(now=lambda: NOW)
    monkeypatch.setattr(emulator, "_connection_limits", ConnectionLimits(connections=10))
    with emulator as server, ExitStack() as stack:
        busy = Sender(server.url)
        stack.callback(busy.close)
        slow = []
        for _ in range(30):
            slow.append(stack.enter_context(connected(server)))
            slow[-1].sendall(b"POST /imp")
            assert busy.post("/import?strict=1", [event()]).status == 200
        assert [read_all(each) for each in slow[:20]] == [b""] * 20
        slow[-1].sendall(request(ONE)[9:])
        assert slow[-1].recv(1000).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(("files", "most"), [(1024, 512), (20, 16), (1_000_000, 1000), (-1, 1000)])
def test_half_of_the_files_of_a_process_are_for_connections(
    monkeypatch: pytest.MonkeyPatch, files: int, most: int
) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert connection_limits(5) == ConnectionLimits(5, most)


@pytest.mark.parametrize("seconds", [0, -1, 86_401, float("nan")])
def test_the_time_of_a_request_is_limited(seconds: float) -> None:
    with pytest.raises(ValueError, match="request_seconds must be above 0 and at most 86400"):
        Emulator(request_seconds=seconds)


def test_an_endless_body_is_cut_off(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixpress.emulator.app._MAX_DISCARDED", 100_000)
    server, _ = start(max_body_bytes=1000)
    with connected(server) as connection:
        with suppress(OSError):  # the server has closed the connection
            connection.sendall(head("Transfer-Encoding: chunked") + b"100000\r\n" + b" " * 0x100000 + b"\r\n")
        received = read_all(connection)
    assert statuses(received) in ([413], [])  # the reply is lost if the connection is reset first
    [request] = server.requests()
    assert request.status == 413
    still_works(server)


def test_a_reply_of_before_keeps_the_connection(start: Start) -> None:
    server, _ = start(before=lambda _: replies.rate_limited())
    assert statuses(exchange(server, request(b"nonsense") * 2)) == [429, 429]
    assert len(server.requests()) == 2
