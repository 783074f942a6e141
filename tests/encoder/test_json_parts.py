"""Parts of a JSON text are encoded like the whole, and report lines and bytes of the whole."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from typing import Any, Literal

import pytest

from mixpress import Encoder
from mixpress._core import JsonCutter, JsonPart

EVENTS = [
    {"event": "é", "properties": {"time": 1700000000, "distinct_id": "u", "$insert_id": f"i{n}", "a": [n, {"b": "]}"}]}}
    for n in range(100)
]
TEXTS: dict[str, tuple[Literal["lines", "values"], str]] = {
    "lines": ("lines", "\n".join(json.dumps(event) for event in EVENTS)),
    "an array": ("values", json.dumps(EVENTS, ensure_ascii=False)),
    "a pretty array": ("values", json.dumps(EVENTS, indent=2)),
    "objects": ("values", "\n".join(json.dumps(event, indent=1) for event in EVENTS)),
    "objects without a space": ("values", "".join(json.dumps(event) for event in EVENTS)),
}
ENCODER = Encoder(compression=None)


def parts_of(layout: Literal["lines", "values"], text: bytes) -> list[JsonPart]:
    cutter, parts, chance = JsonCutter(layout, longest=1 << 20), [], random.Random(len(text))
    at = 0
    while at < len(text):
        size = chance.randrange(1, 3000)
        cutter.push(text[at : at + size])
        at += size
        while part := cutter.cut():
            parts.append(part)
    while part := cutter.finish():
        parts.append(part)
    assert cutter.held == 0
    return parts


@pytest.mark.parametrize("name", TEXTS)
def test_parts_are_encoded_like_the_whole_text(name: str) -> None:
    layout, written = TEXTS[name]
    text = written.replace('"i7"', "5").replace('"i70"', "5").encode()
    whole = ENCODER.encode_json(text)
    parts = parts_of(layout, text)
    assert len(parts) > 3
    assert b"".join(part.text for part in parts) == text
    assert [part.end for part in parts[:-1]] == [part.start for part in parts[1:]]
    encoded = [ENCODER.encode_json(part) for part in parts]
    for key in ("events", "lines"):
        read: Any = {"events": lambda batch: batch.events(), "lines": lambda batch: batch.lines}[key]
        expected = [item for batch in whole.batches for item in read(batch)]
        assert [item for result in encoded for batch in result.batches for item in read(batch)] == expected
    rejected = [(found.line, found.rule) for result in encoded for found in result.rejected]
    assert rejected == [(found.line, found.rule) for found in whole.rejected]
    assert len(rejected) == 2
    places = [(part.start + begin, part.start + end) for part in parts for _, begin, end in part.spans()]
    records = [json.loads(text[begin:end]) for begin, end in places]
    assert (records[:7], records[8:70], records[71:]) == (EVENTS[:7], EVENTS[8:70], EVENTS[71:])


def test_an_iterator_of_batches_reads_a_part() -> None:
    [part] = parts_of("lines", json.dumps(EVENTS[0]).encode())
    batches = ENCODER.iter_batches(part)
    assert [batch.count for batch in batches] == [1]
    assert batches.total == 1


def test_a_part_is_no_iterable_of_events() -> None:
    [part] = parts_of("lines", b"1")
    with pytest.raises(TypeError, match="got text: pass JSON to encode_json"):
        ENCODER.encode(part)  # type: ignore[arg-type]


def test_a_part_describes_itself() -> None:
    first, last = parts_of("lines", b"1\n" * 3000 + b"2")[:: len(parts_of("lines", b"1\n" * 3000 + b"2")) - 1]
    assert repr(first) == f"JsonPart(start=0, end={first.end}, line=1)"
    assert (last.end, last.dropped, last.line) == (6001, 0, 1 + last.start // 2)
    assert len(first.digest()) > 16
    assert first.digest() != last.digest()


def test_some_spans_are_those_of_all() -> None:
    [part] = parts_of("lines", b"1\n\n{\n3\n")
    spans = part.spans()
    assert spans == [(1, 0, 1), (3, 3, 7)]
    assert part.spans([1, 9]) == [spans[1]]
    assert part.spans([1, 1]) == [spans[1]]
    assert part.spans([]) == []
    with pytest.raises(ValueError, match="ascending order"):
        part.spans([1, 0])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("rows",), ValueError, 'layout must be "lines" or "values", got "rows"'),
        ((5,), TypeError, 'layout must be "lines" or "values", got 5'),
    ],
)
def test_a_cutter_refuses_wrong_arguments(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        JsonCutter(*arguments, longest=5)
    assert JsonCutter("values", longest=5).layout == "values"


def test_a_cutter_that_starts_at_the_next_line_goes_on_like_one_from_the_start() -> None:
    text = "\n".join(json.dumps(event) for event in EVENTS).encode().replace(b'"i7"', b"5") + b"\n"
    parts = parts_of("lines", text)
    for part, following in pairwise(parts):
        line = part.next_line()
        assert line == following.line == text[: part.end].count(b"\n") + 1
        cutter = JsonCutter.at(1 << 20, part.end, line)
        cutter.push(text[part.end : following.end])
        again = cutter.cut()
        assert again is not None
        assert (again.start, again.line, again.spans()) == (following.start, following.line, following.spans())
        found = [ENCODER.encode_json(one).rejected for one in (again, following)]
        assert [one.message for one in found[0]] == [one.message for one in found[1]]


def test_a_part_that_does_not_end_with_a_line_has_no_next_one() -> None:
    [part] = parts_of("lines", b'{"event": 1}\n{"event"')[-1:]
    assert part.next_line() is None
    cutter = JsonCutter("lines", longest=10)
    cutter.push(b"x" * 100)
    assert cutter.cut() is None
    cutter.push(b"\n")
    dropped = cutter.cut()
    assert dropped is not None
    assert dropped.dropped > 0
    assert dropped.next_line() is None


def test_a_part_has_a_digest_of_what_is_before_a_byte() -> None:
    cutter = JsonCutter("lines", longest=100)
    cutter.push(b"1\n22\n333\n")
    whole = cutter.cut()
    cutter = JsonCutter("lines", longest=100)
    cutter.push(b"1\n22\n")
    first = cutter.cut()
    assert whole is not None
    assert first is not None
    assert whole.digest(5) == first.digest() != whole.digest()
    assert whole.digest(9) == whole.digest(99) == whole.digest()
