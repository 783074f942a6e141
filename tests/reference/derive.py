"""Derive an `$insert_id` from an event: the same on every machine and from every source.

The id is the first 36 hex digits, in lower case, of the SHA-256 of the event's canonical text in UTF-8. The canonical
text is the compact JSON of

    [event, time in milliseconds, distinct_id, {the other properties}]

or, with `fields`, of the list of the values of those fields. `token` and `$insert_id` are left out. Names are sorted by
code point at every level. A missing value is null. Nothing is truncated.
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
from .values import milliseconds_of, node_of

APART = ("time", "distinct_id", "$insert_id", "token")
ToNode = Callable[[Any], Node]
Check = Callable[[Node], None]


class TooDeep(ValueError):
    """A value is nested deeper than 64 levels, or contains itself."""


def derive_insert_id(event: Any, fields: Sequence[str] | None = None) -> str:
    """Return the id of an event.

    Choice: raises a TypeError for a value without a JSON form. Writing null for it could give two events the same id.
    """
    return hash_of(canonical_text(event, fields))


def canonical_text(event: Any, fields: Sequence[str] | None = None) -> str:
    """Return the text whose hash is the id."""
    node = node_of(event)
    if not isinstance(node, Object):
        raise TypeError(f"an event is an object, not {event!r}")
    return canonical(node, node_of, check_form, fields)


def derived_id(event: Object, to_node: ToNode, fields: Sequence[str] | None) -> str | None:
    """Return the id that the encoder adds. A value without a JSON form is null in it, as in the written event.

    Choice: None if each of the fields is missing or null. All such events would get the same id.
    """
    text = canonical(event, to_node, lambda _: None, fields)
    if fields is not None and text == "[" + ",".join(["null"] * len(fields)) + "]":
        return None
    return hash_of(text)


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:36]


def check_form(node: Node) -> None:
    """Raise a TypeError for a value, or a name in it, without a JSON form."""
    if isinstance(node, Unsupported):
        raise TypeError("no $insert_id can be derived from an event with a value that has no JSON form")
    if isinstance(node, Object) and not all(isinstance(name, Text) for name, _ in node.members):
        raise TypeError("no $insert_id can be derived from an event with a name that is not text")


def canonical(event: Object, to_node: ToNode, check: Check, fields: Sequence[str] | None) -> str:
    """Return the canonical text of an event. `check` is called for each value.

    Choice: in `fields`, "event" is the name of the event; every other field is a property.
    """
    properties = member_of(event, "properties", to_node)
    if not isinstance(properties, Object):
        properties = Object([])
    check(event)
    check(properties)

    def value_of(field: str) -> str:
        node = member_of(event if field == "event" else properties, field, to_node)
        if field != "time":
            return canonical_value(node, to_node, check, level=1)
        check(node)
        milliseconds = milliseconds_of(node)
        return "null" if milliseconds is None else spell_integer(milliseconds)

    if fields is not None:
        return "[" + ",".join(map(value_of, fields)) + "]"
    others = Object([(name, value) for name, value in properties.members if text_of(name) not in APART])
    parts = [value_of("event"), value_of("time"), value_of("distinct_id")]
    return "[" + ",".join([*parts, canonical_value(others, to_node, check, level=0)]) + "]"


def member_of(node: Object, name: str, to_node: ToNode) -> Node:
    """Return a member's value, or null if it is missing.

    Choice: if a mapping has several members of that name, the last one.
    """
    found = [value for key, value in node.members if text_of(key) == name]
    return to_node(found[-1]) if found else NULL


def text_of(name: Any) -> str | None:
    return without_surrogates(name.value) if isinstance(name, Text) else None


def canonical_value(node: Node, to_node: ToNode, check: Check, level: int) -> str:
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
        elements = [canonical_value(to_node(value), to_node, check, level + 1) for value in node.elements]
        return "[" + ",".join(elements) + "]"
    named = [(without_surrogates(name.value), value) for name, value in node.members if isinstance(name, Text)]
    named.sort(key=lambda member: member[0])
    members = [(name, canonical_value(to_node(value), to_node, check, level + 1)) for name, value in named]
    return "{" + ",".join(f"{spell_text(name)}:{value}" for name, value in members) + "}"


def canonical_number(number: Number) -> str:
    """Return the digits of an integer, else the spelling of the float: 10, 10.0 and 1e1 give 10, 10.0 and 10.0."""
    if number.is_integer:
        return spell_integer(int(Decimal(number.spelled)))
    value = float(number.spelled)
    return spell_float(value) if math.isfinite(value) else "null"
