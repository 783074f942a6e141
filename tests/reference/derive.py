"""An `$insert_id` made of what makes the event unique, the same on every machine and from every source.

It is the first 36 characters of the lower-case hex SHA-256 of the UTF-8 of a canonical text, the compact JSON of

    [event, time in milliseconds, distinct_id, {the other properties}]

or, by `fields`, of the list of those fields' values. `token` and `$insert_id` are left out, names are sorted by code
point at every level, what is missing is null, and nothing is cut.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from .nodes import NULL, Array, Literal, Node, Number, Object, Text, Unsupported
from .rules import MAX_LEVELS
from .spell import spell_float, spell_integer, spell_text, without_surrogates
from .values import look, milliseconds_of

APART = ("time", "distinct_id", "$insert_id", "token")
Look = Callable[[Any], Node]
Check = Callable[[Node], None]


class TooDeep(ValueError):
    """A value nests past 64 levels, or contains itself."""


def derive_insert_id(event: Any, fields: Sequence[str] | None = None) -> str:
    """The id of an event.

    Choice: a TypeError where something in it has no JSON form, as two events must not get one id by that.
    """
    return hash_of(canonical_text(event, fields))


def canonical_text(event: Any, fields: Sequence[str] | None = None) -> str:
    """What the id is the hash of."""
    node = look(event)
    if not isinstance(node, Object):
        raise TypeError(f"an event is an object, not {event!r}")
    return canonical(node, look, check_form, fields)


def derived_id(event: Object, look_at: Look) -> str:
    """The id that the encoder adds. There, what has no JSON form is null, as it is written."""
    return hash_of(canonical(event, look_at, lambda _: None, None))


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:36]


def check_form(node: Node) -> None:
    """Raises for what has no JSON form."""
    if isinstance(node, Unsupported):
        raise TypeError("no $insert_id can be derived from an event with a value that has no JSON form")
    if isinstance(node, Object) and not all(isinstance(name, Text) for name, _ in node.members):
        raise TypeError("no $insert_id can be derived from an event with a name that is no text")


def canonical(event: Object, look_at: Look, check: Check, fields: Sequence[str] | None) -> str:
    """The canonical text of an event. Choice: in `fields`, "event" is the event's name and any other a property."""
    properties = member_of(event, "properties", look_at)
    if not isinstance(properties, Object):
        properties = Object([])
    check(event)
    check(properties)

    def value_of(field: str) -> str:
        node = member_of(event if field == "event" else properties, field, look_at)
        if field != "time":
            return canonical_value(node, look_at, check, level=1)
        check(node)
        milliseconds = milliseconds_of(node)
        return "null" if milliseconds is None else spell_integer(milliseconds)

    if fields is not None:
        return "[" + ",".join(map(value_of, fields)) + "]"
    others = Object([(name, value) for name, value in properties.members if text_of(name) not in APART])
    parts = [value_of("event"), value_of("time"), value_of("distinct_id")]
    return "[" + ",".join([*parts, canonical_value(others, look_at, check, level=0)]) + "]"


def member_of(node: Object, name: str, look_at: Look) -> Node:
    """A member's value; null where it is missing. Choice: of several with that name (of an odd mapping) the last."""
    found = [value for key, value in node.members if text_of(key) == name]
    return look_at(found[-1]) if found else NULL


def text_of(name: Any) -> str | None:
    return without_surrogates(name.value) if isinstance(name, Text) else None


def canonical_value(node: Node, look_at: Look, check: Check, level: int) -> str:
    check(node)
    if isinstance(node, Text):
        return spell_text(without_surrogates(node.value))
    if isinstance(node, Number):
        return canonical_number(node)
    if isinstance(node, Literal):
        return node.spelled
    if not isinstance(node, Object | Array):
        return "null"
    if level > MAX_LEVELS:
        raise TooDeep(f"more than {MAX_LEVELS} levels of objects and lists")
    if isinstance(node, Array):
        elements = [canonical_value(look_at(value), look_at, check, level + 1) for value in node.elements]
        return "[" + ",".join(elements) + "]"
    named = [(without_surrogates(name.value), value) for name, value in node.members if isinstance(name, Text)]
    named.sort(key=lambda member: member[0])
    members = [(name, canonical_value(look_at(value), look_at, check, level + 1)) for name, value in named]
    return "{" + ",".join(f"{spell_text(name)}:{value}" for name, value in members) + "}"


def canonical_number(number: Number) -> str:
    """An integer by its digits, any other as a float is spelled: 10, 10.0 and 1e1 are 10, 10.0 and 10.0."""
    if number.is_integer:
        return spell_integer(int(Decimal(number.spelled)))
    value = float(number.spelled)
    return spell_float(value) if math.isfinite(value) else "null"
