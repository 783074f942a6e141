"""Encoding a million good and bad events does not leak memory or references."""

from __future__ import annotations

import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mixpress import Encoder, Limits

EVENTS = 1000
ROUNDS = 250  # for each of the four ways to encode: a million events in total
WARM_UP = 20
GROWTH = 8 << 20
"""Bytes that the allocator may keep. A leak of one small object for each event would be ten times as much."""


def mixed_events() -> list[Any]:
    properties = {"time": 1_700_000_000, "distinct_id": "u", "$insert_id": "i"}
    kinds: list[Any] = [
        {"event": "good", "properties": {**properties, "city": "São Paulo", "n": 1.5, "list": [1, "a", None]}},
        {"event": "cut", "properties": {**properties, "text": "é" * 300, "k" * 300: 1}},
        {"event": "snapshot", "properties": {**properties, "price": Decimal("1.10"), "set": {1, 2}}},
        {"event": "repaired", "properties": {**properties, "text": "\ud800", "nan": float("nan")}},
        {"event": "rejected", "properties": {**properties, "distinct_id": None, "bytes": b"x", "a": {1: 2}}},
        "no event",
    ]
    return [kinds[number % len(kinds)] for number in range(EVENTS)]


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


def build(encoder: Encoder, events: list[Any]) -> None:
    builder = encoder.builder()
    for event in events:
        builder.add(event)
        if builder.full:
            builder.finish()


TEXT = (
    b'{"event":"e","properties":{"time":1700000000,"distinct_id":"u","$insert_id":"i","a":"\\ud800"}}\nbroken\n' * 500
)
WAYS: dict[str, Callable[[Encoder, list[Any]], object]] = {
    "encode": lambda encoder, events: encoder.encode(events),
    "iter_batches": lambda encoder, events: list(encoder.iter_batches(events)),
    "builder": build,
    "encode_json": lambda encoder, _: encoder.encode_json(TEXT),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_memory_does_not_grow(way: Callable[[Encoder, list[Any]], object]) -> None:
    events = mixed_events()
    encoder = Encoder(level=1, explain=True, limits=Limits(max_batch_events=300))
    counts = [sys.getrefcount(event) for event in events]
    for _ in range(WARM_UP):
        way(encoder, events)
    before = resident_bytes()
    for _ in range(ROUNDS):
        way(encoder, events)
    assert resident_bytes() - before < GROWTH
    assert [sys.getrefcount(event) for event in events] == counts
