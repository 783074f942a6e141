"""Write Python values as the fields of a lookup table, by the types that the API reads."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

_MISSING = frozenset({"NaTType", "NAType"})
"""Types of pandas that stand for no value. A NaT is also a datetime."""


class NoFieldError(ValueError):
    """A value has no form in CSV, and why."""


def to_field(value: Any) -> str:
    """Return the text of a value.

    None, a NaN, an infinity, and NaT and NA of pandas are empty, which the API reads as undefined. A bool is `true` or
    `false`. A datetime with a timezone is UTC such as `2021-08-21T05:36:01Z`, one without is unconverted. A list of
    texts is a JSON array.
    Raises `NoFieldError` for another type.
    """
    if type(value) is str:
        return str(value)
    if type(value).__name__ in _MISSING:
        return ""
    for types, write in _WRITERS:
        if isinstance(value, types):
            return write(value)
    if hasattr(value, "dtype") and callable(getattr(value, "item", None)) and not getattr(value, "shape", ()):
        return to_field(value.item())  # a scalar of numpy
    advice = "; a table has no objects: make a column of each member" if isinstance(value, Mapping) else ""
    raise NoFieldError(f"a value of type {type(value).__name__} has no form in a lookup table{advice}")


def _of_number(value: float | Decimal) -> str:
    if not math.isfinite(value):
        return ""
    return repr(float(value)) if isinstance(value, float) else format(value, "f")


def _of_moment(value: date) -> str:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(timezone.utc).replace(tzinfo=None).isoformat() + "Z"
    return value.isoformat()


def _of_list(values: list[Any] | tuple[Any, ...] | set[Any] | frozenset[Any]) -> str:
    if not all(isinstance(value, str) for value in values):
        raise NoFieldError("a list in a lookup table must have only texts")
    ordered = sorted(values) if isinstance(values, set | frozenset) else values
    return json.dumps([str.__str__(value) for value in ordered], ensure_ascii=False, separators=(",", ":"))


_WRITERS: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (type(None), lambda _: ""),
    (bool, lambda value: "true" if value else "false"),
    (Enum, lambda value: to_field(value.value)),
    (str, str.__str__),
    (int, int.__repr__),
    (float | Decimal, _of_number),
    (date, _of_moment),  # or a datetime
    (UUID | time, str),
    (timedelta, lambda value: _of_number(value.total_seconds())),
    (list | tuple | set | frozenset, _of_list),
)
"""The first type that a value has decides: a bool is an int, and an Enum may be any."""
