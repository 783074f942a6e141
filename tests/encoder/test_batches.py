"""Batches: what closes one, what it holds, and how `iter_batches` and a builder make them."""

from __future__ import annotations

import gzip
import json
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from mixpress import Batch, Encoder, Limits, Rejection


def event(number: int, **properties: Any) -> dict[str, Any]:
    base = {"time": 1_700_000_000, "distinct_id": "u", "$insert_id": f"id-{number}", "n": number}
    return {"event": "Seen", "properties": base | properties}


def numbers(batches: list[Batch]) -> list[list[int]]:
    return [[json.loads(line)["properties"]["n"] for line in batch.events()] for batch in batches]


def test_no_events_give_an_empty_result() -> None:
    nothing: list[Any] = [[], (), iter(()), {}.values()]
    for empty in nothing:
        encoded = Encoder().encode(empty)
        assert (encoded.batches, encoded.rejected, encoded.truncated, encoded.warnings) == ([], [], [], [])
        assert list(Encoder().iter_batches(empty)) == []


def test_a_batch_closes_at_2000_events() -> None:
    encoded = Encoder().encode(event(number) for number in range(4001))
    assert [len(batch) for batch in encoded.batches] == [2000, 2000, 1]
    assert [index for batch in encoded.batches for index in batch.indexes] == list(range(4001))


@pytest.mark.parametrize("format", ["json", "ndjson"])
def test_a_batch_closes_before_the_event_that_exceeds_its_size(format: Any) -> None:
    events = [event(number, text="x" * number) for number in range(60)]
    # n events with n - 1 commas between two brackets, or with n newlines.
    size = len(json.dumps(events[:10], separators=(",", ":"))) - (format == "ndjson")
    for limit in range(size - 3, size + 4):
        encoder = Encoder(format=format, compression=None, limits=Limits(max_batch_bytes=limit))
        encoded = encoder.encode(events)
        assert numbers(encoded.batches)[0] == list(range(10 if limit >= size else 9))
        assert [number for batch in numbers(encoded.batches) for number in batch] == list(range(60))
        for batch, following in zip(encoded.batches, encoded.batches[1:], strict=False):
            first = len(following.events()[0]) + 1
            assert batch.raw_size == len(batch.body) <= limit < batch.raw_size + first


def test_an_event_larger_than_a_batch_is_a_batch_alone() -> None:
    encoder = Encoder(limits=Limits(max_batch_bytes=150))
    assert numbers(encoder.encode([event(0), event(1, long="x" * 200), event(2)]).batches) == [[0], [1], [2]]


def test_indexes_count_rejected_events() -> None:
    encoded = Encoder().encode([event(0), "bad", event(2), event(3), None])
    (batch,) = encoded.batches
    assert list(batch.indexes) == [0, 2, 3]
    assert [rejection.index for rejection in encoded.rejected] == [1, 4]


@pytest.mark.parametrize("compression", ["gzip", None])
@pytest.mark.parametrize(
    ("endpoint", "format", "content_type"),
    [
        ("import", "json", "application/json"),
        ("import", "ndjson", "application/x-ndjson"),
        ("track", "form", "application/x-www-form-urlencoded"),
    ],
)
def test_headers_and_body_fit_the_endpoint(endpoint: Any, format: Any, content_type: str, compression: Any) -> None:
    events = [event(1, text="a&b=c %é"), event(2)]
    lines = [json.dumps(each, separators=(",", ":"), ensure_ascii=False) for each in events]
    limits = Limits(rules={"token-missing": "off", "time-too-old": "off"})
    (batch,) = Encoder(endpoint, format=format, compression=compression, limits=limits).encode(events).batches
    encoding = {"Content-Encoding": "gzip"} if compression else {}
    assert batch.headers == {"Content-Type": content_type} | encoding
    raw = gzip.decompress(batch.body) if compression else batch.body
    assert len(raw) == batch.raw_size
    text = raw.decode()
    if format == "form":
        (text,) = parse_qs(text, strict_parsing=True)["data"]
    assert text == ("".join(line + "\n" for line in lines) if format == "ndjson" else f"[{','.join(lines)}]")


def test_a_batch_splits_into_halves_that_keep_the_bytes_of_each_event() -> None:
    (batch,) = Encoder().encode([event(0), "bad", event(2), event(3)]).batches
    first, second = batch.split()
    assert first.events() + second.events() == batch.events()
    assert (list(first.indexes), list(second.indexes)) == ([0, 2], [3])
    assert first.headers == batch.headers
    (alone,) = second.split()
    assert alone.body == second.body


def test_a_token_is_added_to_an_event_without_one() -> None:
    encoder = Encoder("track", token="tok-1", now=lambda: 1_700_000_000.0)
    encoded = encoder.encode([event(0), event(1, token="own")])
    tokens = [json.loads(line)["properties"]["token"] for line in encoded.batches[0].events()]
    assert tokens == ["tok-1", "own"]
    assert "tok-1" not in repr(encoder)
    (rejection,) = Encoder("track", now=lambda: 1_700_000_000.0).encode([event(0)]).rejected
    assert (rejection.field, rejection.rule) == ("properties.token", "token-missing")


def test_iter_batches_yields_each_batch_as_it_closes() -> None:
    read = 0

    def events() -> Iterator[Any]:
        nonlocal read
        for number in range(30):
            read += 1
            yield event(number) if number % 10 else "bad"

    batches = Encoder(limits=Limits(max_batch_events=9)).iter_batches(events())
    seen = []
    for position, batch in enumerate(batches, 1):
        assert read == batches.total == min(position * 10, 30)
        seen.append((numbers([batch])[0], [rejection.index for rejection in batches.rejected]))
    assert seen == [
        ([1, 2, 3, 4, 5, 6, 7, 8, 9], [0]),
        ([11, 12, 13, 14, 15, 16, 17, 18, 19], [10]),
        ([21, 22, 23, 24, 25, 26, 27, 28, 29], [20]),
    ]


def test_an_exception_of_the_iterable_follows_the_events_that_were_read() -> None:
    def events() -> Iterator[Any]:
        yield event(0)
        yield "bad"
        yield event(2)
        raise OSError("the disk went away")

    rejected: list[Rejection] = []
    batches = Encoder().iter_batches(events(), on_rejected=rejected.append)
    assert numbers([next(batches)]) == [[0, 2]]
    assert batches.total == 3
    assert [rejection.index for rejection in rejected] == [1]
    assert batches.rejected == []
    with pytest.raises(OSError, match="the disk went away"):
        next(batches)
    assert list(batches) == []
    with pytest.raises(OSError, match="the disk went away"):
        Encoder().encode(events())


@pytest.mark.parametrize("good", [5, 20])
def test_a_callback_that_raises_costs_no_event(good: int) -> None:
    events = [event(number) for number in range(good)]
    for place in (1, 3, 3, 7):
        events.insert(place, {"event": "bad"})
    raised: list[int] = []

    def on_rejected(rejection: Rejection) -> None:
        raised.append(rejection.index)
        raise ValueError("the callback's own fault")

    batches, out, rejections = (
        Encoder(limits=Limits(max_batch_events=8)).iter_batches(events, on_rejected=on_rejected),
        [],
        0,
    )
    while True:
        try:
            out.append(next(batches))
        except ValueError:
            rejections += 1
        except StopIteration:
            break
    bad = [index for index, each in enumerate(events) if each == {"event": "bad"}]
    assert (raised, rejections, batches.total) == (bad, 4, good + 4)
    assert [index for batch in out for index in batch.indexes] == [n for n in range(good + 4) if n not in bad]


def test_a_callback_that_raises_before_the_iterable_does_hides_neither() -> None:
    def events() -> Iterator[Any]:
        yield event(0)
        yield "bad"
        raise OSError("the disk went away")

    def on_rejected(_: Rejection) -> None:
        raise ValueError("the callback's own fault")

    batches = Encoder().iter_batches(events(), on_rejected=on_rejected)
    with pytest.raises(ValueError, match="own fault"):
        next(batches)
    assert numbers([next(batches)]) == [[0]]
    with pytest.raises(OSError, match="the disk went away"):
        next(batches)
    assert list(batches) == []


def test_reading_batches_inside_their_own_events_raises() -> None:
    def events() -> Iterator[Any]:
        yield next(batches)

    batches = Encoder().iter_batches(events())
    with pytest.raises(RuntimeError, match="is reading these batches"):
        next(batches)


def test_a_builder_checks_and_copies_at_the_call() -> None:
    builder = Encoder(limits=Limits(max_batch_events=3)).builder()
    changing = event(0)
    assert builder.add(changing) is None
    changing["properties"].clear()
    rejection = builder.add({"event": "x"})
    assert rejection is not None
    assert (rejection.index, rejection.rule) == (1, "properties-missing")
    assert builder.add(event(2)) is None
    assert (len(builder), builder.full) == (2, False)
    assert builder.held_bytes > 0
    assert builder.add(event(3)) is None
    assert builder.full
    with pytest.raises(ValueError, match=r"call finish\(\) before the next event"):
        builder.add(event(4))
    batch = builder.finish()
    assert (numbers([batch]), list(batch.indexes)) == ([[0, 2, 3]], [0, 2, 3])
    assert (len(builder), builder.full) == (0, False)
    with pytest.raises(ValueError, match="has no event"):
        builder.finish()


def test_a_builder_keeps_the_event_that_did_not_fit_for_the_next_batch() -> None:
    builder = Encoder(limits=Limits(max_batch_bytes=400)).builder()
    added = 0
    while not builder.full:
        assert builder.add(event(added)) is None
        added += 1
    assert len(builder) == added
    first, second = builder.finish(), builder.finish()
    assert numbers([first, second]) == [list(range(added - 1)), [added - 1]]


@pytest.mark.parametrize("settings", [{}, {"format": "ndjson"}, {"endpoint": "track", "format": "form", "token": "t"}])
def test_a_builders_batch_is_gzipped_when_its_body_is_read(settings: Any) -> None:
    encoder = Encoder(**settings, limits=Limits(max_batch_events=5))
    given = [event(number, time=int(time.time())) for number in range(7)]
    builder, batches = encoder.builder(), []
    for one in given:
        builder.add(one)
        if builder.full:
            batches.append(builder.finish())
    batches.append(builder.finish())
    for batch, whole in zip(batches, encoder.encode(given).batches, strict=True):
        waiting = f"Batch(count={batch.count}, {batch.raw_size} bytes of {encoder.format} before gzip)"
        assert repr(batch) == waiting
        assert batch.events() == whole.events()
        assert [part.body for part in batch.split()] == [part.body for part in whole.split()]
        assert (list(batch.indexes), batch.headers, batch.raw_size) == (
            list(whole.indexes),
            whole.headers,
            whole.raw_size,
        )
        assert repr(batch) == waiting
        assert batch.body == whole.body
        assert repr(batch) == repr(whole)
        assert batch.events() == whole.events()


def test_threads_that_read_a_body_together_get_the_same_bytes() -> None:
    encoder = Encoder(limits=Limits(max_batch_events=10_000))
    builder = encoder.builder()
    given = [event(number, text="é" * (number % 300)) for number in range(3000)]
    for one in given:
        builder.add(one)
    [whole], batch = encoder.encode(given).batches, builder.finish()
    together, bodies = threading.Barrier(4), list[bytes]()

    def ask() -> None:
        together.wait()
        bodies.append(batch.body)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bodies == [whole.body] * 4


def test_threads_can_share_an_encoder() -> None:
    encoder = Encoder()
    events = [event(number, text="é" * (number % 300)) for number in range(3000)]
    expected = [batch.body for batch in encoder.encode(events).batches]
    results: list[list[bytes]] = []
    threads = [
        threading.Thread(target=lambda: results.append([batch.body for batch in encoder.encode(events).batches]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 8


def test_the_gil_is_released_during_gzip() -> None:
    events = [event(number) for number in range(2000)]
    encoder = Encoder(level=9)
    turns, stop = 0, threading.Event()

    def take_turns() -> None:
        nonlocal turns
        while not stop.is_set():
            turns += 1
            time.sleep(0)

    other = threading.Thread(target=take_turns)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)  # from here on a thread runs only if the running one releases the GIL
    try:
        other.start()
        before = turns
        encoder.encode(events)
        during = turns - before
    finally:
        sys.setswitchinterval(interval)
        stop.set()
        other.join()
    assert during > 0


def test_the_clock_is_read_once_a_batch() -> None:
    readings: list[float] = []

    def now() -> float:
        readings.append(1_700_000_000.0)
        return readings[-1]

    encoder = Encoder(limits=Limits(max_batch_events=10), now=now)
    encoder.encode([event(number) for number in range(25)])
    assert len(readings) == 3


@pytest.mark.parametrize("level", [None, *range(1, 10)])
def test_every_level_unpacks_to_the_same_json(level: int | None) -> None:
    events = [event(number, text=str(number) * 20) for number in range(300)]
    (plain,) = Encoder(compression=None).encode(events).batches
    (batch,) = Encoder(level=level).encode(events).batches
    assert gzip.decompress(batch.body) == plain.body
    assert batch.body == Encoder(level=level).encode(events).batches[0].body
