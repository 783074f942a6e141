"""Values that only Python code can read are converted alone, in any nesting, and whatever changes meanwhile."""

from __future__ import annotations

import gc
import json
import weakref
from collections import UserDict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from encoder.twins import core_encoder, outcome_of_core, outcome_of_reference, unshared
from mixpress import Encoder, derive_insert_id, snapshot
from reference import Options
from strategies import Pairs

NEEDED = {"time": 1700000000, "distinct_id": "u", "$insert_id": "i"}


@dataclass
class Box:
    value: Any


def twice(value: Any) -> Pairs:
    return Pairs([("inside", value), ("inside", value)])


def as_a_name(value: Any) -> Any:
    try:
        return {value: 1, "same": value}
    except TypeError:  # unhashable
        return UserDict(inside=value)


WRAPS: list[Callable[[Any], Any]] = [
    Box,
    as_a_name,
    lambda value: [value],
    lambda value: deque([value]),
    lambda value: MappingProxyType({"inside": value}),
    twice,
    lambda value: UserDict(inside=value),
]


def event_of(value: Any) -> dict[str, Any]:
    return {"event": "e", "properties": {**NEEDED, "a": value}}


def properties_of(value: Any, **options: Any) -> Any:
    (batch,) = Encoder(compression=None, **options).encode([event_of(value)]).batches
    return json.loads(batch.body)[0]["properties"]["a"]


def assert_as_reference(event: Any, **options: Any) -> None:
    for chosen in (Options(**options), unshared(Options(**options))):
        core = outcome_of_core(core_encoder(chosen).encode([event]))
        assert core == outcome_of_reference(reference.encode([event], chosen))


def whole_events_converted(events: list[Any], **options: Any) -> int:
    with mock.patch.object(snapshot, "snapshot", wraps=snapshot.snapshot) as called:
        Encoder(compression=None, **options).encode(events)
    return called.call_count


@given(st.lists(st.sampled_from(WRAPS), max_size=8), st.sampled_from([1, "é", None, 10**400, {1}, b"bytes", {1: 2}]))
def test_odd_values_in_any_nesting_are_read_as_by_the_reference(wraps: list[Callable[[Any], Any]], value: Any) -> None:
    for wrap in wraps:
        value = wrap(value)
    assert_as_reference(event_of(value))
    assert_as_reference(event_of(value), default=lambda given: [str(given)])
    assert whole_events_converted([event_of(value)]) == 0


@pytest.mark.parametrize("depth", [60, 61, 62, 63, 64, 65, 66, 70, 71, 72, 75, 200])
@pytest.mark.parametrize("wrap", [wrap for wrap in WRAPS if wrap is not twice])
def test_the_deepest_level_is_that_of_the_reference(wrap: Callable[[Any], Any], depth: int) -> None:
    value: Any = 1
    for _ in range(depth):
        value = wrap(value)
    for rule in ("reject", "warn", "off"):
        assert_as_reference(event_of(value), rules={"too-deep": rule})


@pytest.mark.parametrize("kind", [Box, lambda value: UserDict(a=value), lambda value: Pairs([("a", value)])])
def test_a_value_that_contains_itself_twice_is_rejected(kind: Callable[[Any], Any]) -> None:
    own: list[Any] = []
    box = kind(own)
    own += [box, box, kind(box)]
    assert_as_reference(event_of(box))
    assert whole_events_converted([event_of(box)]) == 0


def test_a_default_that_wraps_what_it_converts_ends() -> None:
    class Odd:
        pass

    for wrap in (lambda value: [value], lambda _: [Odd()], lambda _: {"n": Odd()}, lambda _: Odd()):
        assert_as_reference(event_of(Odd()), default=wrap)


def test_each_object_is_converted_once() -> None:
    calls = []
    odd = object()

    def default(value: Any) -> str:
        calls.append(value)
        return "converted"

    assert properties_of([odd, {"b": odd}, (odd,)], default=default) == ["converted", {"b": "converted"}, ["converted"]]
    assert calls == [odd]


def test_what_a_conversion_adds_is_read_too() -> None:
    given: dict[str, Any] = {}

    class Adding(Mapping[str, Any]):
        def __iter__(self) -> Iterator[str]:
            if len(given) < 5:
                given[f"added {len(given)}"] = Adding()
            return iter(["x"])

        def __getitem__(self, name: str) -> int:
            return 1

        def __len__(self) -> int:
            return 1

    given["first"] = Adding()
    assert properties_of(given) == {"first": {"x": 1}, **{f"added {number}": {"x": 1} for number in range(1, 5)}}


def test_an_event_that_changes_at_each_conversion_is_copied() -> None:
    given: list[Any] = []

    def default(_: object) -> str:
        given.append(object())
        return "converted"

    given.append(object())
    with mock.patch.object(snapshot, "snapshot", wraps=snapshot.snapshot) as called:
        written = properties_of(given, default=default)
    assert written == ["converted"] * len(written)
    assert called.call_count == 1


def test_an_exception_of_a_conversion_passes_and_the_next_event_is_read_as_it_is() -> None:
    class Interrupting(UserDict[str, Any]):
        is_raising = True

        def items(self) -> Any:
            if self.is_raising:
                raise KeyboardInterrupt
            return super().items()

    interrupting = Interrupting(a=1)
    builder = Encoder(compression=None).builder()
    with pytest.raises(KeyboardInterrupt):
        builder.add(event_of([interrupting, {1}]))
    interrupting.is_raising = False
    assert builder.add(event_of([interrupting, {1}])) is None
    assert json.loads(builder.finish().body)[0]["properties"]["a"] == [{"a": 1}, [1]]


def test_what_is_converted_is_read_again_in_the_next_event() -> None:
    box = UserDict(a=1)
    builder = Encoder(compression=None).builder()
    builder.add(event_of(box))
    box["a"] = 2
    builder.add(event_of(box))
    assert [event["properties"]["a"] for event in json.loads(builder.finish().body)] == [{"a": 1}, {"a": 2}]


def test_nothing_is_held_after_an_event() -> None:
    class Odd(UserDict[str, Any]):
        pass

    made = [Odd(a=Odd(b=1))]
    watched = weakref.ref(made[0])
    builder = Encoder(compression=None, default=lambda _: made[0]).builder()
    builder.add(event_of(made[0]))
    builder.add(event_of(object()))
    made.clear()
    builder.add(event_of(1))
    gc.collect()
    assert watched() is None


def test_an_id_is_derived_of_converted_values() -> None:
    for value in ({"b": [{1}, UserDict(a=1)]}, {1: 2}, b"bytes"):
        event = {"event": "e", "properties": {"time": 1700000000, "distinct_id": "u", "a": value}}
        assert_as_reference(event, insert_id="derive")
    plain = {"event": "e", "properties": {"time": 1700000000, "distinct_id": "u", "a": {"b": [1]}}}
    odd = {"event": "e", "properties": UserDict(time=1700000000, distinct_id="u", a=UserDict(b=deque([1])))}
    assert derive_insert_id(odd) == derive_insert_id(plain)
