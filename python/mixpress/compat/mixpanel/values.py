"""The values of an event as the official client's serializer writes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

MAX_DEPTH = 64
"""Levels of nesting that are converted; the encoder rejects a deeper value."""

_PLAIN = frozenset({str, int, float, bool, type(None)})
_TEXT = frozenset({str})


def as_official(value: Any, depth: int = 0) -> Any:
    """Return a value with its names and datetimes as `json` and the official `DatetimeSerializer` spell them.

    A value that needs no change is returned itself. One that the official client cannot serialize is left to the rules.
    """
    if type(value) in _PLAIN or depth > MAX_DEPTH:
        return value
    if isinstance(value, dict):
        return _dict(value, depth + 1)
    if isinstance(value, list | tuple):
        return _list(value, depth + 1)
    return _scalar(value)


def _dict(value: dict[Any, Any], depth: int) -> dict[Any, Any]:
    if _PLAIN.issuperset(map(type, value.values())) and _TEXT.issuperset(map(type, value)):
        return value  # as most are
    changed: dict[Any, Any] | None = None
    for count, (name, item) in enumerate(value.items()):
        key = name if type(name) is str else _name(name)
        member = item if type(item) in _PLAIN else as_official(item, depth)
        if changed is None and not (key is name and member is item):
            changed = dict(list(value.items())[:count])
        if changed is not None:
            changed[key] = member
    return value if changed is None else changed


def _list(value: list[Any] | tuple[Any, ...], depth: int) -> list[Any] | tuple[Any, ...]:
    if _PLAIN.issuperset(map(type, value)):
        return value
    members = [as_official(item, depth) for item in value]
    return value if all(a is b for a, b in zip(members, value, strict=True)) else members


def _name(name: object) -> object:
    """Return the name of a property as `json` writes it; one that it refuses is returned unchanged."""
    if isinstance(name, str):
        return str.__str__(name)
    if name is None or isinstance(name, bool):
        return {None: "null", True: "true", False: "false"}[name]
    if isinstance(name, int):
        return int.__repr__(name)
    if isinstance(name, float):
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(float.__repr__(name), float.__repr__(name))
    return name


def _scalar(value: object) -> object:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, datetime):
        try:
            return value.strftime("%Y-%m-%dT%H:%M:%S")
        except ValueError:  # pandas' NaT
            return value
    return value
