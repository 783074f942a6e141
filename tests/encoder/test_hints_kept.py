"""The same JSON gzips to the same bytes, whatever happened to other events before."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest

from mixpress import Encoder


def event(number: int, **more: Any) -> dict[str, Any]:
    return {
        "event": "Page View",
        "properties": {
            "time": 1_700_000_000 + number,
            "distinct_id": f"user-{number % 97}",
            "$insert_id": f"i{number:07d}",
            "plan": "pro",
            "city": ["Berlin", "Lagos", "Paris"][number % 3],
            "n": number * 31 % 977,
            **more,
        },
    }


def text_of(number: int) -> str:
    return str(uuid.UUID(int=number * 7919))


PLAIN = [event(number, ref=text_of(number)) for number in range(500)]
BAD = {"event": "Page View", "properties": {**PLAIN[0]["properties"], "distinct_id": "NA"}}
WIDE = {"event": "Page View", "properties": {f"name {number}": 1 for number in range(700)}}


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize(
    "events",
    [
        [event(number, ref=uuid.UUID(text_of(number))) for number in range(500)],
        [each for good in PLAIN for each in (BAD, good)],
        [each for good in PLAIN for each in (WIDE, good)],
        [each for good in PLAIN for each in ({**good, "x": Decimal(1), "properties": {}}, good)],
    ],
    ids=["walked twice", "a rejected one before each", "a wide one before each", "a rejected snapshot before each"],
)
def test_the_same_json_gzips_to_the_same_bytes(events: list[Any], level: int) -> None:
    (plain,) = Encoder(level=level).encode(PLAIN).batches
    encoder = Encoder(level=level)
    for _ in range(2):
        (batch,) = encoder.encode(events).batches
        assert batch.events() == plain.events()
    (batch,) = Encoder(level=level).encode(events).batches
    assert batch.body == plain.body
