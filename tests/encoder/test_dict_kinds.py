"""Dicts of every internal layout of CPython, and names that are one object or several equal ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mixpress import Encoder, Limits

ENCODER = Encoder(
    compression=None,
    limits=Limits(max_properties=200_000, max_keys=200_000, max_event_bytes=9_000_000),
    now=lambda: 1_800_000_000.0,
)
REQUIRED = {"time": 1_700_000_000, "distinct_id": "u", "$insert_id": "i"}


class Instance:
    """Its `__dict__` shares its keys with those of all instances."""

    def __init__(self) -> None:
        self.first, self.second, self.third = 1, "2", None


def without_some() -> dict[str, Any]:
    members: dict[str, Any] = {f"name {number}": number for number in range(30)}
    for name in list(members)[::3]:
        del members[name]
    return members


def emptied_and_filled() -> dict[str, Any]:
    members = without_some()
    members.clear()
    members["again"] = 1
    return members


def dict_of_an_instance(deleted: str | None = None) -> dict[str, Any]:
    instance = Instance()
    if deleted:
        delattr(instance, deleted)
    return instance.__dict__


def once_with_an_integer_name() -> dict[str, Any]:
    members: dict[Any, Any] = {1: 2, "a": 3}
    del members[1]
    return members


KINDS: dict[str, Callable[[], dict[str, Any]]] = {
    "empty": dict,
    "literal": lambda: {"a": 1, "b": "two"},
    "copied": {"a": 1, "b": "two"}.copy,
    "with deleted members": without_some,
    "emptied and filled": emptied_and_filled,
    "of an instance": dict_of_an_instance,
    "of an instance that lost an attribute": lambda: dict_of_an_instance("second"),
    "that had an integer name": once_with_an_integer_name,
    "fromkeys": lambda: dict.fromkeys(["x", "y"], 0),
    "more than 84 members": lambda: {f"k{number}": number for number in range(86)},
    "more than 65,536 members": lambda: {f"k{number}": number for number in range(70_000)},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_dict_of_each_kind_is_written_as_it_is(kind: str) -> None:
    members = KINDS[kind]()
    event = {"event": "e", "properties": {**REQUIRED, "nested": members}}
    # Several times, as a name that is known from an earlier event takes another path.
    for _ in range(3):
        (batch,) = ENCODER.encode([event, event]).batches
        assert json.loads(batch.body) == [event, event]
        assert batch.body.count(json.dumps(members, separators=(",", ":")).encode()) == 2


def events_with(names: Callable[[], list[str]], count: int) -> list[dict[str, Any]]:
    return [{"event": "e", "properties": REQUIRED | dict.fromkeys(names(), 1)} for _ in range(count)]


@pytest.mark.parametrize("length", [1, 3, 4, 7, 8, 16, 17, 32, 33, 42, 43, 44, 60, 255])
def test_equal_names_are_written_alike_as_one_object_or_many(length: int) -> None:
    shared = ["x" * length, "y" * length, "é" + "z" * (length - 1)]
    encoder = Encoder(compression=None, now=lambda: 1_800_000_000.0)
    expected = json.dumps(events_with(lambda: shared, 60), separators=(",", ":"), ensure_ascii=False).encode()
    for names in (lambda: shared, lambda: [bytes(name, "utf-8").decode() for name in shared], lambda: shared):
        (batch,) = encoder.encode(events_with(names, 60)).batches
        assert batch.body == expected


def test_more_names_than_are_remembered_are_all_written() -> None:
    encoder = Encoder(compression=None, now=lambda: 1_800_000_000.0)
    names = [f"name {number}" for number in range(3000)]
    for start in [*range(0, 3000, 100)] * 3:
        chosen = names[start : start + 100]
        events = events_with(lambda chosen=chosen: chosen, 3)  # type: ignore[misc]
        (batch,) = encoder.encode(events).batches
        assert json.loads(batch.body) == events


def test_a_new_name_at_the_address_of_a_freed_one_is_written() -> None:
    encoder = Encoder(compression=None, now=lambda: 1_800_000_000.0)
    for number in range(3000):
        events = [{"event": "e", "properties": REQUIRED | {f"n{number % 7}{number}": number}}]
        (batch,) = encoder.encode(events).batches
        assert json.loads(batch.body) == events
