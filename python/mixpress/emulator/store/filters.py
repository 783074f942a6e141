"""Which events a query selects, and which part of them it returns.

`find.py` applies them by SQL to the stored events, `control/listing.py` in Python to the refused ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

SORTS = ("id", "time", "received", "event", "distinct_id")


@dataclass(frozen=True)
class PropertyFilter:
    """Selects events that have a property, and with `text` those whose property equals it."""

    name: str
    text: str | None = None
    """Compared with a string as it is, and with any value as JSON: `5` selects both 5 and "5"."""

    def values(self) -> list[Any]:
        """Return the JSON values that `text` stands for: the string, and what it is as JSON."""
        if self.text is None:
            return []
        try:
            return [self.text, orjson.loads(self.text)]
        except orjson.JSONDecodeError:
            return [self.text]

    def matches(self, properties: dict[str, Any]) -> bool:
        """Return whether properties have it."""
        if self.name not in properties:
            return False
        return self.text is None or any(is_same(properties[self.name], value) for value in self.values())


@dataclass(frozen=True)
class Filters:
    """What an event must have; a field that is None, or empty, selects all. All fields must match."""

    event: str | None = None
    distinct_id: str | None = None
    insert_id: str | None = None
    """An empty one selects events without `$insert_id`."""
    endpoint: str | None = None
    request: int | None = None
    """The number of the request in which it came last."""
    properties: tuple[PropertyFilter, ...] = ()
    search: str | None = None
    """A part of the event's name, its ids or its properties' JSON; ASCII letters match in either case."""
    start_ms: int | None = None
    """Its time as sent is this or later."""
    end_ms: int | None = None
    """Its time as sent is before this."""
    after: int | None = None
    """Its id is greater."""


@dataclass(frozen=True)
class Page:
    """A part of the selected events."""

    sort: str = "id"
    """One of `SORTS`; equal ones are in the order of their ids."""
    descending: bool = False
    limit: int = 100
    offset: int = 0


def is_same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are equal: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(one == other)
