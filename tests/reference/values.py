"""Turn Python values into nodes, one level at a time, so that a value that contains itself needs no special care."""

from __future__ import annotations

import dataclasses
import enum
import itertools
import math
import operator
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any, get_args

import attrs
import msgspec
import numpy
import pydantic

from .nodes import NULL, Array, Literal, Node, NotANumber, Number, Object, Text, Unsupported, number_of
from .rules import FIRST_MILLISECONDS, MAX_LEVELS
from .spell import spell_float, spell_integer

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def node_of(value: Any, default: Callable[[Any], Any] | None = None) -> Node:
    """Return the node of a value. A node, as JSON text gives it, is returned as it is.

    Choice: a value whose own code raises, or whose `default` raises, is unsupported: only its event is rejected.
    Choice: `default` is called again for a value that it returned and that is unsupported too, up to 64 times.
    """
    for _ in range(MAX_LEVELS):
        try:
            while isinstance(value, enum.Enum):
                value = value.value  # `default` is given the member's value, not the member
            node = node_without_default(value)
            if not isinstance(node, Unsupported) or default is None:
                return node
            value = default(value)
        except Exception:  # noqa: BLE001 (the caller's code may raise anything)
            return Unsupported()
    return Unsupported()


def node_without_default(value: Any) -> Node:
    """Return the node of a value, without `default`. A bool is an int, so bool is checked first."""
    if isinstance(value, get_args(Node)):
        return value  # type: ignore[no-any-return]
    if value is None or isinstance(value, bool):
        return Literal("null" if value is None else str(value).lower())
    if isinstance(value, str):  # a subclass gives its text, not what its __str__ returns
        return Text(str.__str__(value))
    if isinstance(value, int):
        return number_of(spell_integer(int.__pos__(value)))
    if isinstance(value, float):
        return Number(spell_float(float.__pos__(value))) if math.isfinite(value) else NotANumber()
    if isinstance(value, Mapping):  # read by its items(), a subclass of dict too
        return Object([(node_of_name(name), member) for name, member in list(type(value).items(value))])
    if isinstance(value, list | tuple | deque):
        return Array(list(value))
    if isinstance(value, set | frozenset):
        return Array(sorted_if_possible(value))
    return node_of_object(value)


def node_of_name(name: Any) -> Any:
    return Text(str.__str__(name)) if isinstance(name, str) else name


def sorted_if_possible(values: set[Any] | frozenset[Any]) -> list[Any]:
    """Return the elements sorted if they can be compared, else in the order of iteration."""
    try:
        return sorted(values)
    except TypeError:
        return list(values)


def node_of_object(value: Any) -> Node:
    """Return the node of a value of another type."""
    if isinstance(value, date | time | timedelta):
        return node_of_date(value)
    if isinstance(value, Decimal):  # its str is a JSON number, 1E+3 too; that of a subclass may be any text
        # Choice: the context of the thread does not count, in which the E may be small.
        return number_of(Decimal.__str__(value).upper()) if Decimal.is_finite(value) else NotANumber()
    if isinstance(value, uuid.UUID):
        return Text(uuid.UUID.__str__(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return Object([(Text(field.name), getattr(value, field.name)) for field in dataclasses.fields(value)])
    if attrs.has(type(value)):
        return Object([(Text(field.name), getattr(value, field.name)) for field in attrs.fields(type(value))])
    if isinstance(value, msgspec.Struct):
        return Object([(Text(name), member) for name, member in msgspec.structs.asdict(value).items()])
    if isinstance(value, pydantic.BaseModel):
        return node_without_default(value.model_dump())
    if type(value).__module__ == "numpy":
        return node_of_numpy_scalar(value) if value.ndim == 0 else node_of_numpy_array(value)
    return NULL if type(value).__name__ == "NAType" and type(value).__module__.startswith("pandas.") else Unsupported()


def node_of_date(value: Any) -> Node:
    """Return the node of a date, a time or a duration. A datetime is a date, so datetime is checked first."""
    if isinstance(value, datetime):
        return NULL if value != value else node_of_datetime(value)  # pandas.NaT is a datetime
    if isinstance(value, date):
        return Text(f"{value.year:04}-{value.month:02}-{value.day:02}T00:00:00")
    if isinstance(value, time):
        return Text(time.isoformat(value))
    return Number(spell_float(timedelta.total_seconds(value)))


def node_of_datetime(value: datetime) -> Node:
    """Return an aware datetime in UTC, a naive one unchanged, both without the fraction of a second.

    Choice: an instant outside the years 1 to 9999 of UTC is unsupported. A pandas Timestamp can be outside of them.
    """
    instant = None
    if value.utcoffset() is not None:
        instant = value = value.astimezone(timezone.utc)  # that of a datetime raises for a year that UTC does not have
    if not 1 <= value.year <= 9999:
        return Unsupported()
    day = f"{value.year:04}-{value.month:02}-{value.day:02}"
    return Text(f"{day}T{value.hour:02}:{value.minute:02}:{value.second:02}", instant=instant)


def node_of_numpy_scalar(value: Any) -> Node:
    """Return the node of the `.item()` of a numpy scalar, or of an array without dimensions.

    Choice: a datetime64 of any unit is a naive datetime, and a timedelta64 a timedelta, though the item() of some units
    is an int. One in months, in years or without a unit has no length in seconds.
    """
    kind = value.dtype.kind
    if kind in "mM":
        return NULL if value != value else node_without_default(value_of_ticks(value))  # NaT is not itself
    if kind == "f":
        return node_without_default(float(value))
    item = value.item()
    return Unsupported() if type(item) is type(value) else node_without_default(item)  # a complex long double


WHOLE_SECONDS = {"W": 604_800, "D": 86_400, "h": 3600, "m": 60, "s": 1}
SECONDS = {unit: Fraction(seconds) for unit, seconds in WHOLE_SECONDS.items()}
SECONDS |= {unit: Fraction(1, 1000**power) for power, unit in enumerate(["ms", "us", "ns", "ps", "fs", "as"], 1)}


def value_of_ticks(value: Any) -> datetime | timedelta:
    """Return the datetime or timedelta of a numpy scalar, rounded down. It raises for a value or a unit that has none.

    numpy's own conversion wraps around.
    """
    unit, step = numpy.datetime_data(value.dtype)
    count = int(value.astype("i8")) * step
    if value.dtype.kind == "M" and unit in ("Y", "M"):
        years, months = divmod(count * 12 if unit == "Y" else count, 12)
        return datetime(1970 + years, months + 1, 1)
    length = timedelta(microseconds=math.floor(count * SECONDS[unit] * 1_000_000))
    return datetime(1970, 1, 1) + length if value.dtype.kind == "M" else length


def node_of_numpy_array(value: Any) -> Node:
    """Return the rows of an array, or its elements. A subclass may give them another meaning, with a mask or a unit.

    Choice: an array of more than a million arrays and elements is unsupported. It can be without memory for them.
    """
    levels = itertools.accumulate(value.shape, operator.mul)
    return Array(list(value)) if type(value) is numpy.ndarray and sum(levels) <= 1_000_000 else Unsupported()


def milliseconds_of(node: Node) -> int | None:
    """Return a `time` in milliseconds since the epoch, or None if it is not one. Halves are rounded to even."""
    if isinstance(node, Text) and node.instant is not None:
        return round(Fraction((node.instant - EPOCH) // timedelta(microseconds=1), 1000))
    if not isinstance(node, Number):
        return None
    if node.is_integer:
        whole = int(Decimal(node.spelled))
        return whole if abs(whole) >= FIRST_MILLISECONDS else whole * 1000
    value = float(node.spelled)
    if not math.isfinite(value):
        return None
    return round(value if abs(value) >= FIRST_MILLISECONDS else value * 1000.0)
