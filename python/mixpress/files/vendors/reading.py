"""How the vendors' records are read: objects, and JSON in texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mixpress.files.vendors.not_an_event import NotAnEvent


def object_of(record: object, needed: str) -> dict[str, Any]:
    """Return a record that is an object with a member. Raises `NotAnEvent` for any other."""
    if not isinstance(record, dict):
        raise NotAnEvent(f"the record is not an object: {record!r:.60}")
    if record.get(needed) is None:
        there = ", ".join(list(map(repr, record))[:10])
        raise NotAnEvent(f"the record has no {needed!r}; it has {there or 'nothing'}")
    return record


def parsed(value: object) -> Any:
    """Return the value of a JSON text; any other value, and a text that is not JSON, unchanged."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def renamed(record: Mapping[str, Any], names: Mapping[str, str], left_out: frozenset[str]) -> dict[str, Any]:
    """Return the members that have a value, with Mixpanel's names; `time` is `time_property`, as in `values`."""
    return {
        names.get(name, "time_property" if name == "time" else name): value
        for name, value in record.items()
        if name not in left_out and value not in (None, "", {}, [])
    }


def whole(value: object) -> object:
    """Return a text of digits as a number: BigQuery writes 64-bit integers as texts."""
    if isinstance(value, str) and len(value) <= 20 and value.removeprefix("-").isascii():
        return int(value) if value.removeprefix("-").isdigit() else value
    return value
