"""What the log keeps is bounded, and what it keeps of a refused event is as it was sent."""

from __future__ import annotations

import copy
import json
import pickle
import tracemalloc
from typing import Any

import pytest

from mixpress.emulator import Emulator, LoggedRequest, RefusedEvent, Request
from mixpress.emulator import log as module
from mixpress.emulator.as_json import decode, encode
from mixpress.emulator.control.listing import find_refused
from mixpress.emulator.control.parameters import read_query
from mixpress.emulator.log import RequestLog

from .conftest import Start
from .control import get
from .sender import Sender, event

STRICT = "/import?strict=1"
MEGABYTE = 1_000_000


def refused(index: int = 0, value: Any = None, insert_id: str = "") -> RefusedEvent:
    return RefusedEvent(1, 0, "/import", index, insert_id, "event", "why", encode(value))


def logged(number: int, **members: Any) -> LoggedRequest:
    return LoggedRequest("POST", "/import", 200, 0, 0, "", number=number, **members)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> RequestLog:
    """A log of at most 1 MB of requests, and of refused events."""
    monkeypatch.setattr(module, "KEPT_BYTES", MEGABYTE)
    return RequestLog()


def test_the_oldest_refused_events_beyond_the_bytes_are_dropped(small: RequestLog) -> None:
    for index in range(20):
        small.add(logged(index), [refused(index, "x" * 300_000)])
    assert [each.index for each in small.refused()] == [17, 18, 19]
    assert [number for number, _ in small.numbered_refused()] == [18, 19, 20]
    small.add(logged(20), [refused(20, insert_id="i" * 900_000)])
    assert [each.index for each in small.refused()] == [20]
    small.add(logged(21), [refused(21, "x" * 2 * MEGABYTE)])
    assert [each.index for each in small.refused()] == [21], "the last one is kept, however large"
    small.add(logged(22), [refused(22)])
    assert [each.index for each in small.refused()] == [22]
    small.clear()
    small.add(logged(1), [refused(index, "x" * 300_000) for index in range(3)])
    assert len(small.refused()) == 3


def test_the_oldest_requests_beyond_the_bytes_are_dropped(small: RequestLog) -> None:
    for number in range(20):
        small.add(logged(number, headers={"a": "x" * 100_000}, query={"b" * 100_000: "1"}, error="e" * 100_000), [])
    assert [each.number for each in small.requests()] == [17, 18, 19]
    assert small.counts().requests == 20


def test_many_entries_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_REQUESTS", 3)
    monkeypatch.setattr(module, "KEPT_REFUSED", 2)
    log = RequestLog()
    for number in range(5):
        log.add(logged(number), [refused(number)])
    assert [each.number for each in log.requests()] == [2, 3, 4]
    assert [each.index for each in log.refused()] == [3, 4]


def test_a_large_event_that_is_sent_again_and_again_does_not_fill_the_memory(small: RequestLog) -> None:
    tracemalloc.start()
    try:
        for index in range(20):
            value = {"event": [{"a": number} for number in range(20_000)]}  # over 4 MB parsed, and 0.2 MB of text
            small.add(logged(index), [refused(index, value)])
        del value
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 4 * MEGABYTE


@pytest.mark.parametrize(
    "sent",
    [
        b'{"event":7,"properties":{"n":[18446744073709551615,-9223372036854775808,1e300,0.1,-0.0,true,null]}}',
        '{"event":"","properties":{"é":"😀\u2028"}}'.encode(),
        rb'{"event":"\ud800","properties":{"\udfff":"\u0000"}}',
        b'{"event":"\xff\xfe","properties":{}}',
        b"7",
        b'"text"',
        b"null",
        b"[[]]",
    ],
)
def test_a_refused_event_is_as_it_was_sent(server: Emulator, sender: Sender, sent: bytes) -> None:
    assert sender.post(STRICT, b"[" + sent + b"]").status == 400
    wanted = json.loads(sent.decode("utf-8", "surrogateescape"))
    [kept] = server.refused()
    assert kept.event == wanted
    assert repr(kept.event) == repr(wanted)  # -0.0, and int rather than float
    [shown] = get(sender, "refused")["refused"]
    assert shown["event"] == wanted


def test_an_integer_beyond_64_bits_is_the_nearest_double(server: Emulator, sender: Sender) -> None:
    sender.post(STRICT, b'[{"event":18446744073709551617}]')
    assert server.refused()[0].event == {"event": 2.0**64}


def test_a_deeply_nested_event_is_kept() -> None:
    value: Any = "\ud800"
    for depth in range(5000):
        value = [value, depth] if depth % 2 else {"a": 1, "b": value}
    text = encode(value)
    assert text.count(b"[") == text.count(b"]") == text.count(b"{") == 2500
    assert text.endswith(b",4999]")
    assert decode(text) == "(nested too deeply to be shown)"
    shallow: Any = []
    for _ in range(700):
        shallow = {"a": [shallow, "x", {}]}
    assert decode(encode(shallow)) is not None


def test_a_refused_event_can_be_copied_compared_and_shown() -> None:
    one = refused(3, {"event": "x" * 5000}, "id")
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one
    assert one != refused(3, {"event": "y"}, "id")
    assert hash(one) == hash(copy.copy(one))
    assert repr(one).startswith("RefusedEvent(request=1, index=3, endpoint='/import', field='event', message='why'")
    assert len(repr(one)) < 1000


def test_only_filters_of_the_contents_parse_events(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[RefusedEvent] = []
    monkeypatch.setattr(RefusedEvent, "event", property(parsed.append))
    entries = [(1, refused(1, {"event": "A"}, "i")), (2, refused(2, {"event": "B"}, "i"))]
    for pairs in [[("search", "B")], [("insert_id", "i")], [("request", "1"), ("sort", "-received")]]:
        find_refused(entries, *read_query(pairs))
    assert parsed == []
    find_refused(entries, *read_query([("event", "A")]))
    assert len(parsed) == 2


def test_the_log_cuts_long_texts_and_before_gets_them_whole(start: Start) -> None:
    seen: list[Request] = []
    server, sender = start(before=seen.append)
    headers = {"X-Long": "v" * 20_000, "X-" + "n" * 5000: "1", **{f"X-Many-{number}": "1" for number in range(150)}}
    query = "&".join([f"{'q' * 3000}={'w' * 3000}", *(f"p{number}=1" for number in range(150))])
    sender.post(f"/import?{query}", [event()], headers=headers)
    sender.request("GET", "/" + "p" * 20_000)
    known, unknown = server.requests()
    assert known.headers["x-long"] == "v" * 1000 + "…"
    assert known.query["q" * 1000 + "…"] == "w" * 1000 + "…"
    assert len(known.headers) == len(known.query) == 100
    assert unknown.path == "/" + "p" * 999 + "…"
    assert len(unknown.error) == 1001
    assert (len(seen[0].headers["x-long"]), len(seen[0].query)) == (20_000, 151)
    assert len(seen[0].headers) > 150
