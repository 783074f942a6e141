"""Plain events are accepted in one pass. The reference is orjson, `check_event` and `accept_event` on each event."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mixpress.emulator.accept import Row, accept_event
from mixpress.emulator.checks import HOUR_MS, Rules, check_event, import_rules, track_rules
from mixpress.emulator.ingest import sort_events
from mixpress.emulator.payload import Payload, _parse
from mixpress.emulator.plain import read_list

from .sender import NOW, event

NOW_MS = NOW * 1000
CUT = '},{"event":'
RULES = [
    import_rules(NOW_MS, strict=True, max_depth=3),
    import_rules(NOW_MS, strict=False, max_depth=1),
    track_rules(NOW_MS, max_depth=10),
]

texts = st.one_of(
    st.sampled_from(["", CUT, '}, {"event": ', ',"properties":', '"', "\\", "\u212a", "\x1c", "é" * 255, "é" * 256]),
    st.sampled_from(["[", "{", "a" * 254, "a" * 255, "a" * 256, "é" * 127 + "a", "é" * 128]),
    st.text(max_size=5),
)
numbers = st.one_of(st.integers(-(2**64), 2**65), st.floats(allow_nan=False, allow_infinity=False))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(texts, inner, max_size=3),
        st.sampled_from([[{"event": "x", "properties": {}}, {"event": "y"}], [0] * 254, [0] * 255]),
        inner.map(lambda value: [[[[value]]]]),
    ),
    max_leaves=6,
)
times = st.one_of(
    st.sampled_from([NOW, NOW_MS, NOW + 1, NOW_MS + HOUR_MS + 1, 0, -1, 31_535_999, 31_536_000_000, 1.5, None, True]),
    st.integers(NOW - 10 * 86_400, NOW),
)
ids = st.one_of(
    st.sampled_from(["u-1", "", "Anonymous", "N\u212a", "-", "a" * 36, "a" * 37, "é", "a\n", 0, None]), texts
)


def without_some(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value is not ...}


properties = st.builds(
    lambda own, rest, size: {**without_some(own), **rest, **{f"p{number}": 0 for number in range(size)}},
    st.fixed_dictionaries(
        {
            "time": st.one_of(times, st.just(...)),
            "distinct_id": st.one_of(ids, st.just(...)),
            "$insert_id": st.one_of(ids, st.just(...)),
            "token": st.one_of(st.just("t"), texts, st.just(...)),
        }
    ),
    st.dictionaries(st.one_of(texts, st.just("n" * 256)), values, max_size=4),
    st.sampled_from([0, 0, 0, 250, 255]),
)
good = st.builds(
    lambda number, extra: event(insert_id=f"id-{number}", token="t", extra=extra), st.integers(0, 9), values
)
names = st.one_of(
    st.sampled_from(["A", "", " ", "\xa0", "\x1c", "~", "$merge", "$ae", "!", "n" * 255, "n" * 256, CUT, 1, None]),
    texts,
)
events = st.one_of(
    good,
    good,
    st.builds(lambda name, inner: {"event": name, "properties": inner}, names, properties),
    st.builds(lambda inner: {"properties": inner, "event": "A"}, properties),
    st.builds(lambda inner, extra: {"event": "A", "properties": inner, "more": extra}, properties, values),
    values,
)

WRITERS: dict[str, Callable[[Any], str]] = {
    "compact": lambda event: json.dumps(event, separators=(",", ":"), ensure_ascii=False),
    "escaped": lambda event: json.dumps(event, separators=(",", ":")),
    "spaced": json.dumps,
    "indented": lambda event: json.dumps(event, indent=1),
}


def repeated(text: str) -> str:
    """Return a compact event with its first property again at the end."""
    return text.replace('"time":', '"time":7,"x":1,"time":', 1)


def reference(events: list[Any], rules: Rules) -> tuple[list[Row], list[tuple[int, str, str]]]:
    rows, failed = [], []
    for index, each in enumerate(events):
        problem = check_event(each, rules)
        if problem is None:
            rows.append(accept_event(each, rules.now_ms))
        else:
            failed.append((index, problem.field, problem.message))
    return rows, failed


def without_repeats(members: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({name for name, _ in members}) == len(members)
    return dict(members)


def sorted_out(payload: Payload, rules: Rules) -> tuple[list[Row], list[tuple[int, str, str]]]:
    """Return the rows, with their JSON as orjson writes it, and what was refused."""
    rows, failed = sort_events(payload, rules, None, {})
    for row in rows:
        json.loads(row.properties, object_pairs_hook=without_repeats)  # SQLite would take the first of two values
    rows = [row._replace(properties=orjson.dumps(orjson.loads(row.properties))) for row in rows]
    return rows, [(each["index"], each["field"], each["message"]) for each in failed]


@given(st.lists(events, max_size=4), st.sampled_from(sorted(WRITERS)), st.sampled_from(RULES), st.booleans())
@example([event(), event(note=CUT)], "compact", RULES[0], False)
@example([event(items=[{"event": "x", "properties": {}}, {"event": "y"}])], "compact", RULES[0], False)
def test_a_list_is_sorted_as_by_the_reference(sent: list[Any], writer: str, rules: Rules, repeat: bool) -> None:
    write = WRITERS[writer]
    texts = [repeated(write(each)) if repeat else write(each) for each in sent]
    between = ", " if writer == "spaced" else ","
    body = f"[{between.join(texts)}]".encode()
    payload = _parse(body, lines=False, params={})
    assert list(payload.events) == orjson.loads(body)
    assert [payload.events[index] for index in range(len(payload.events))] == orjson.loads(body)
    assert sorted_out(payload, rules) == reference(orjson.loads(body), rules)


@given(st.lists(events, max_size=4), st.sampled_from(["compact", "escaped", "spaced"]), st.sampled_from(RULES))
def test_lines_are_sorted_as_by_the_reference(sent: list[Any], writer: str, rules: Rules) -> None:
    lines = [WRITERS[writer](each).encode() for each in sent]
    payload = _parse(b"\n".join(lines), lines=True, params={})
    assert list(payload.events) == [orjson.loads(line) for line in lines]
    assert sorted_out(payload, rules) == reference([orjson.loads(line) for line in lines], rules)


BODIES = [
    b"[" + orjson.dumps(event()) + b"," + orjson.dumps(event()) + b"]",
    json.dumps([event(), event()]).encode(),
]


@pytest.mark.parametrize("body", BODIES, ids=["compact", "spaced"])
def test_a_changed_byte_is_read_as_orjson_reads_it(body: bytes) -> None:
    for at in range(len(body)):
        for byte in b'\x00 ",:{}[]x\xff':
            changed = body[:at] + bytes([byte]) + body[at + 1 :]
            try:
                expected = orjson.loads(changed)
            except orjson.JSONDecodeError:
                with pytest.raises(ValueError, match=r"."):
                    read_list(changed)
            else:
                assert list(read_list(changed).events) == (expected if type(expected) is list else [expected])


def test_flat_properties_are_stored_as_they_were_sent() -> None:
    sent = [event(text="é", number=0.5), event(text="é", number=0.5)]
    text = json.dumps(sent, ensure_ascii=False)
    texts = [row.properties for row in read_list(text.encode()).rows(RULES[0]) if row]
    assert texts[1] == json.dumps(sent[1]["properties"], ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "odd",
    [
        *('"a":1,"a":2', '"a":"\\""', '"a":"\\u00e9"', '"a":"http:\\/\\/x"', '"a":[]', '"a":{}'),
        *('"a":\n1', '"a":\r1', '"a":18446744073709551616', '"a":-9223372036854775809'),
    ],
)
def test_properties_that_a_search_or_a_line_could_not_hold_are_written_again(odd: str) -> None:
    text = json.dumps([event(number=0.5), event(number=0.5)]).replace('"number": 0.5', odd)
    [_, row] = read_list(text.encode()).rows(RULES[0])
    assert row is not None
    assert row.properties == orjson.dumps(orjson.loads(text)[1]["properties"])


def test_most_events_are_plain() -> None:
    sent = [event(text="é", inner={"items": [1, {"a": None}]}) for _ in range(3)]
    for body in [orjson.dumps(sent), json.dumps(sent).encode(), json.dumps(sent, indent=1).encode() + b"\n"]:
        assert None not in read_list(body).rows(RULES[0])


@pytest.mark.parametrize("length", [0, 254, 255])
@pytest.mark.parametrize("place", ["name", "value", "last value"])
def test_short_names_and_strings_are_stored_as_they_were_sent(length: int, place: str) -> None:
    name, value = ("n" * length, "v") if place == "name" else ("n", "v" * length)
    more = {"x": 1.5} if place == "last value" else {}
    sent = json.dumps([event(**more, **{name: value})]).encode()
    [row] = read_list(sent).events.found
    assert row.properties in sent


@pytest.mark.parametrize("long", [{"n" * 256: "v"}, {"n": "v" * 256}, {"n": "v" * 1000}])
def test_long_names_and_strings_are_left_to_the_specification(long: dict[str, str]) -> None:
    for more in ({}, {"after": 1, "text": "t"}):
        [found] = read_list(json.dumps([{**event(**long, **more)}]).encode()).events.found
        assert type(found) is dict
