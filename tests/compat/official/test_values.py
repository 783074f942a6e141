"""Our `Mixpanel` sends the values that the official class sends."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone
from enum import Enum, IntEnum
from typing import Any

import mixpanel
import pytest

from mixpress.compat.mixpanel import BufferedConsumer, Mixpanel
from mixpress.compat.mixpanel.values import as_official
from mixpress.emulator import Emulator

from .fast_consumers import faked


class Level(IntEnum):
    HIGH = 3


class Color(str, Enum):
    RED = "red"


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "other"


BERLIN = timezone(timedelta(hours=2))
VALUES = [
    {1: "a", 2: "b"},
    {1.5: 1, True: 2, None: 3, -7: 4, float("inf"): 5, Level.HIGH: 6, Color.RED: 7},
    {"deep": [{"deeper": ({1: 2}, 3)}]},
    {1: "first", "1": "second"},
    datetime(2024, 7, 1, 12, 0, tzinfo=BERLIN),
    datetime(2024, 7, 1, 12, 0, 0, 999_999),
    [datetime(2024, 7, 1, tzinfo=timezone.utc), {"at": datetime(2024, 7, 1, tzinfo=BERLIN)}],
    Level.HIGH,
    Color.RED,
    Text("text"),
    (1, 2),
    "plain",
    2**80,
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_that_of_the_official_serializer(value: Any) -> None:
    official = json.loads(mixpanel.json_dumps(value, cls=mixpanel.DatetimeSerializer))
    assert json.loads(json.dumps(as_official(value))) == official


@pytest.mark.parametrize("value", VALUES[:-1], ids=repr)
def test_the_server_gets_the_same_value_from_both_classes(value: Any) -> None:
    found = []
    with Emulator(max_depth=10) as server:
        for kind in (mixpanel.Mixpanel, Mixpanel):
            server.clear()
            consumer = BufferedConsumer(events_url=f"{server.url}/track", fast=True)
            kind("token", consumer).track("u", "Quiz", {"value": value, "name": {5: value}})
            consumer.close()
            found += [event["properties"] for event in server.events()]
    original, ours = found
    assert [ours[name] for name in ("value", "name")] == [original[name] for name in ("value", "name")]


def test_plain_properties_are_not_copied() -> None:
    properties = {"a": [1, {"b": None}], "c": "d"}
    assert as_official(properties) is properties


def test_a_cycle_ends() -> None:
    cycle: list[Any] = [{1: 2}]
    cycle.append(cycle)
    assert as_official(cycle)


def test_a_time_in_the_future_is_sent_to_track() -> None:
    with faked() as (consumer, server):
        Mixpanel("token", consumer).track("user", "Seen", {"time": time.time() + 7200})
        consumer.flush()
        assert len(server.requests) == 1
