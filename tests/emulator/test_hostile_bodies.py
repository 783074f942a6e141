"""Bodies that are small and make a careless server use a thousand times their size."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from mixpress.emulator.checks import check_event, import_rules
from mixpress.emulator.ingest import sort_events
from mixpress.emulator.payload import _parse

from .sender import NOW

RULES = import_rules(NOW * 1000, strict=True, max_depth=3)
ENVELOPE = b'"time":%d,"distinct_id":"u","$insert_id":"i",' % (NOW - 1)
NAME = b"n" * 500_000


def nested(levels: int, inner: bytes = b"1") -> bytes:
    return b"[" * levels + inner + b"]" * levels


def lists(count: int, inner: bytes) -> bytes:
    return b"[" + b",".join([inner] * count) + b"]"


BODIES = {
    "a long name around many lists": b'"%s":%s' % (NAME, lists(200, lists(200, b"[]"))),
    "long names, each around a list": b",".join(b'"%d%s":[[]]' % (number, NAME) for number in range(4)),
    "a long name that is not Unicode around many lists": b'"%s\\ud800":%s' % (NAME, lists(200, lists(50, b"[0]"))),
    "a long name around values, one of them not Unicode": b'"%s":%s' % (NAME, lists(200, b'["\\ud800"]')),
    "64 levels": b'"a":' + nested(63),
    "65 levels": b'"a":' + nested(65),
    "254 lists in each of 254 lists": b'"a":' + lists(254, lists(254, b"[]")),
    "a name 200,000 times": b",".join([b'"a":[]'] * 200_000),
    "objects within objects": b'"a":' + b'{"b":' * 500 + b"1" + b"}" * 500,
}


def allocated(body: bytes) -> tuple[int, list[Any]]:
    """Return the peak of memory while a body is read and sorted, and its failed records."""
    tracemalloc.start()
    try:
        payload = _parse(body, lines=False, params={})
        failed = sort_events(payload, RULES, None, {})[1]
        return tracemalloc.get_traced_memory()[1], failed
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("inner", BODIES.values(), ids=BODIES.keys())
def test_memory_is_proportional_to_the_body(inner: bytes) -> None:
    body = b'[{"event":"A","properties":{' + ENVELOPE + inner + b"}}]"
    peak, _ = allocated(body)
    assert peak < 60 * len(body) + 1_000_000


def test_the_place_of_a_problem_is_named() -> None:
    inner: Any = {"a": [0, {"b": {"c": {}}}]}
    event = {"event": "A", "properties": {"time": NOW - 1, "distinct_id": "u", "$insert_id": "i", **inner}}
    problem = check_event(event, import_rules(NOW * 1000, strict=True, max_depth=2))
    assert problem is not None
    assert problem.field == "properties.a[1].b.c"
