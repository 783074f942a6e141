"""Strategies for events of JSON values around the limits that the API documents."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from emulator.sender import NOW
from strategies.events import bad_ids, edges_ms, insert_ids
from strategies.texts import disallowed, whites
from strategies.values import plain_values

Event = dict[str, Any]


def is_json(value: Any) -> bool:
    """Return whether a value is one of JSON, of exactly its types."""
    try:
        return bool(json.loads(json.dumps(value)) == value)
    except (TypeError, ValueError, RecursionError):
        return False


def nest(wraps: list[str], depth: int) -> Any:
    """Return a value within objects and lists."""
    value: Any = 1
    for level in range(depth):
        value = {"in": value} if wraps[level % len(wraps)] == "object" else [value]
    return value


lengths = st.integers(253, 257)
repeated = st.builds(lambda letter, count: letter * count, st.sampled_from("aé€😀 "), lengths | st.integers(60, 130))
astride = st.builds(lambda count, rest: "x" * count + rest, st.integers(250, 256), st.text("é€😀 y\ud800", max_size=4))
long_texts = repeated | astride
times: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(edges_ms).flatmap(lambda edge: st.integers(edge - 2, edge + 2)),
    st.sampled_from(edges_ms).flatmap(lambda edge: st.integers(edge // 1000 - 2, edge // 1000 + 2)),
    st.sampled_from([NOW + 3600, NOW + 86_400, NOW - 5 * 86_400, 31_536_000, 2**31, 2**53, 2**63, 2**64, -1]),
    st.sampled_from([1.7e9, NOW - 0.5, 1e300, float("nan"), True, None, "1700000000", [], {}]),
)
json_ids: st.SearchStrategy[Any] = st.one_of(
    disallowed,
    st.sampled_from(["", "a", "a-Z9", "a_b", "é", " null", "\u212aull", "i" * 36, "i" * 37, "é" * 18]),
    long_texts,
    st.sampled_from([None, 0, 7, 1.5, True, [], {}, ["a"]]),
    bad_ids.filter(is_json),
)
nested = st.builds(
    nest,
    st.lists(st.sampled_from(["object", "list"]), min_size=1, max_size=3),
    st.integers(1, 13) | st.integers(60, 68),
)
wide = st.builds(
    lambda count, kind, inside: kind(count, inside),
    st.integers(252, 257),
    st.sampled_from(
        [lambda count, value: {f"k{n}": value for n in range(count)}, lambda count, value: [value] * count]
    ),
    st.sampled_from([1, "x", None]),
)
values = st.one_of(plain_values, long_texts, nested, wide, st.builds(lambda value: [{"in": value}], wide))


def valid(**more: Any) -> Event:
    """Return a valid event of a minute ago."""
    return {"event": "e", "properties": {"time": NOW - 60, "distinct_id": "u", "$insert_id": "i", **more}}


@st.composite
def json_events(draw: st.DrawFn) -> Any:
    """A valid event with up to three changes, each of which may break a rule; or any value."""
    event = valid(token="tok")
    event["properties"]["$insert_id"] = draw(insert_ids)
    for change in draw(st.lists(st.sampled_from(CHANGES), max_size=3)):
        change(draw, event)
    if draw(st.integers(0, 30)) == 0:
        return draw(plain_values)
    return event


def set_name(draw: st.DrawFn, event: Event) -> None:
    event["event"] = draw(
        whites | long_texts | st.sampled_from([None, 1, [], "$ignore", " x ", " " * 255 + "x"]) | plain_values
    )


def set_reserved(draw: st.DrawFn, event: Event) -> None:
    if isinstance(event["properties"], dict):
        name = draw(st.sampled_from(["time", "distinct_id", "$insert_id"]))
        event["properties"][name] = draw(times if name == "time" else json_ids)


def set_other(draw: st.DrawFn, event: Event) -> None:
    if isinstance(event["properties"], dict):
        event["properties"][draw(long_texts | st.text(max_size=3))] = draw(values)


def set_many(draw: st.DrawFn, event: Event) -> None:
    if isinstance(event["properties"], dict):
        event["properties"].update({f"p{number}": number for number in range(draw(st.integers(249, 253)))})


def set_token(draw: st.DrawFn, event: Event) -> None:
    if isinstance(event["properties"], dict):
        event["properties"]["token"] = draw(st.sampled_from(["", None, 7, " ", "t", ["t"], "€" * 200]))


def remove(draw: st.DrawFn, event: Event) -> None:
    properties = event["properties"]
    if isinstance(properties, dict) and properties:
        properties.pop(draw(st.sampled_from(sorted(properties))))


def spoil_shape(draw: st.DrawFn, event: Event) -> None:
    if draw(st.booleans()):
        event[draw(st.text(max_size=3) | long_texts)] = draw(plain_values)
    else:
        event["properties"] = draw(plain_values)


CHANGES = [set_name, set_reserved, set_reserved, set_reserved, set_other, set_other, set_many, set_token, remove]
CHANGES += [spoil_shape]
