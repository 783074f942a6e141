"""Hypothesis strategies for events: mostly nearly valid ones, with one or two broken rules."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import numpy
from hypothesis import strategies as st

from reference import DISALLOWED_IDS

from .odd import Lying, Pairs
from .options import NOW
from .texts import disallowed, names, ordinary, texts, weighted, whites
from .values import moments, plain_scalars, plain_texts, plain_values, scalars, values

edges_ms = [0, 1, 31_536_000_000, NOW, NOW + 3_600_000, NOW - 5 * 86_400_000, -31_536_000_000]
milliseconds = st.builds(
    lambda edge, off: edge + off, st.sampled_from(edges_ms), st.integers(-2, 2) | st.integers(-2000, 2000)
)
seconds = st.builds(lambda edge, off: edge // 1000 + off, st.sampled_from(edges_ms), st.integers(-2, 2))
good_times: st.SearchStrategy[Any] = st.integers(NOW - 86_400_000, NOW) | st.integers(NOW // 1000 - 86_400, NOW // 1000)
times: st.SearchStrategy[Any] = st.one_of(
    good_times,
    milliseconds,
    seconds,
    milliseconds.map(float),
    milliseconds.map(lambda value: value / 1000),
    milliseconds.map(lambda value: value + 0.5),
    milliseconds.map(lambda value: datetime.fromtimestamp(value / 1000, timezone.utc)),
    milliseconds.map(Decimal),
    milliseconds.map(lambda value: Decimal(value) / 1000),
    milliseconds.map(numpy.int64),
    moments,
    st.dates(),
    scalars,
)
edges = weighted((3, milliseconds), (3, seconds), (4, times))
insert_ids = st.text(st.sampled_from("bz9-"), min_size=1, max_size=4)
bad_ids: st.SearchStrategy[Any] = st.one_of(
    disallowed,
    disallowed,
    st.text(st.sampled_from("ab-_é\ud800"), max_size=6),
    st.sampled_from([35, 36, 37, 38]).map(lambda count: "i" * count),
    values,
)
extra = st.lists(
    st.tuples(names.filter(lambda name: name not in ("time", "distinct_id", "$insert_id")), values), max_size=3
)
Event = dict[Any, Any]


@st.composite
def valid_events(draw: st.DrawFn) -> Event:
    required = {"time": draw(good_times), "distinct_id": draw(ordinary.filter(allowed)), "$insert_id": draw(insert_ids)}
    properties = list(required.items()) + draw(extra)
    if draw(st.booleans()):
        properties = draw(st.permutations(properties))
    return {
        "event": draw(st.sampled_from(["e", "Signed Up", "a rather long name of an event"])),
        "properties": dict(properties),
    }


def allowed(value: str) -> bool:
    return value.lower() not in DISALLOWED_IDS


def break_property(draw: st.DrawFn, event: Event) -> None:
    name = draw(st.sampled_from(["time", "distinct_id", "$insert_id", "token"]))
    event["properties"][name] = draw(edges if name == "time" else bad_ids)


def break_name(draw: st.DrawFn, event: Event) -> None:
    event["event"] = draw(weighted((2, whites), (1, texts), (1, values)))


def break_properties(draw: st.DrawFn, event: Event) -> None:
    event["properties"] = draw(values)


def leave_out(draw: st.DrawFn, event: Event) -> None:
    part = draw(st.sampled_from([event, event["properties"]]))
    if part:
        part.pop(draw(st.sampled_from(list(part))))


def add_field(draw: st.DrawFn, event: Event) -> None:
    event[draw(names | st.sampled_from([1, None]))] = draw(values)


def change_class(draw: st.DrawFn, event: Event) -> None:
    pairs = list(event["properties"].items())
    doubled = pairs + draw(st.lists(st.sampled_from(pairs), max_size=2)) if pairs else pairs
    event["properties"] = draw(st.sampled_from([Pairs, Lying]))(doubled)


def identify_otherwise(draw: st.DrawFn, event: Event) -> None:
    """Give the event another id than `distinct_id`, or make it one that merges users."""
    properties = event["properties"]
    if draw(st.booleans()):
        other = st.sampled_from(["", "$device:", "$device:d", "\ud800", None]) | ordinary | bad_ids | plain_values
        properties[draw(st.sampled_from(["$device_id", "$user_id"]))] = draw(other)
    if draw(st.booleans()):
        event["event"] = draw(st.sampled_from(["$identify", "$create_alias", "$merge", "$merged"]))
        two = st.just(["a", "b"]) | st.lists(ordinary | bad_ids, max_size=3)
        some = draw(st.sets(st.sampled_from(["$identified_id", "$anon_id", "alias", "$distinct_ids"])))
        properties.update({name: draw(two if name == "$distinct_ids" else ordinary | bad_ids) for name in sorted(some)})
    if draw(st.booleans()):
        properties.pop("distinct_id", None)


BREAKS = [
    break_property,
    break_property,
    identify_otherwise,
    leave_out,
    add_field,
    break_name,
    change_class,
    break_properties,
]


@st.composite
def broken_events(draw: st.DrawFn) -> Any:
    """A valid event with one or two changes that may break a rule."""
    event = draw(valid_events())
    for break_it in draw(st.lists(st.sampled_from(BREAKS), min_size=1, max_size=2)):
        if isinstance(event.get("properties"), dict) and type(event["properties"]) is dict:
            break_it(draw, event)
    return event


def twice(first: Event, second: Event) -> Lying:
    """Return an event with the members of two."""
    return Lying([*first.items(), *second.items()])


@dataclasses.dataclass
class EventClass:
    event: Any
    properties: Any


strange_events: st.SearchStrategy[Any] = st.one_of(
    values,
    valid_events().map(lambda event: Pairs(list(event.items()))),
    valid_events().map(lambda event: Lying([*event.items(), ("event", "again")])),
    st.builds(twice, broken_events(), broken_events()),
    valid_events().map(lambda event: EventClass(**event)),
)


@st.composite
def events(draw: st.DrawFn) -> Any:
    """Any event. (`one_of` would flatten `strange_events` and give each of its alternatives the same weight.)"""
    kinds = [valid_events(), broken_events(), broken_events(), broken_events(), strange_events]
    return draw(draw(st.sampled_from(kinds)))


@st.composite
def plain_events(draw: st.DrawFn) -> Event:
    """Mostly valid events of only dicts, lists and scalars."""
    event = {
        "event": draw(plain_texts),
        "properties": {
            "time": draw(good_times | plain_scalars),
            "distinct_id": draw(plain_texts),
            "$insert_id": draw(insert_ids),
            **draw(st.dictionaries(plain_texts, plain_values, max_size=4)),
        },
    }
    return draw(st.sampled_from([event, event, event, event, {**event, "foo": 1}, draw(plain_values)]))
