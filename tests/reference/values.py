"""Turn Python values into nodes, one level at a time, so that a value that contains itself needs no special care."""

from __future__ import annotations

import dataclasses
import enum
import math
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any, get_args

import attrs
import msgspec
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
    """Return the node of a value of another type. A datetime is a date, so datetime is checked first."""
    if isinstance(value, datetime):
        return NULL if value != value else node_of_datetime(value)  # pandas.NaT is a datetime
    if isinstance(value, date):
        return Text(f"{value.year:04}-{value.month:02}-{value.day:02}T00:00:00")
    if isinstance(value, Decimal):  # its str is a JSON number, 1E+3 too; that of a subclass may be any text
        return number_of(Decimal.__str__(value)) if Decimal.is_finite(value) else NotANumber()
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
    if type(value).__module__ == "numpy" and value.ndim == 0:
        return node_of_numpy_scalar(value)
    return NULL if type(value).__name__ == "NAType" and type(value).__module__.startswith("pandas.") else Unsupported()


def node_of_datetime(value: datetime) -> Node:
    """Return an aware datetime in UTC, a naive one unchanged, both without the fraction of a second.

    Choice: an instant outside the years 1 to 9999 of UTC is unsupported.
    """
    instant = None
    if value.utcoffset() is not None:
        instant = value = value.astimezone(timezone.utc)  # raises for a year that UTC does not have
    day = f"{value.year:04}-{value.month:02}-{value.day:02}"
    return Text(f"{day}T{value.hour:02}:{value.minute:02}:{value.second:02}", instant=instant)


def node_of_numpy_scalar(value: Any) -> Node:
    """Return the node of the `.item()` of a numpy scalar, or of an array without dimensions.

    Choice: a datetime64 of any unit is a naive datetime, and a timedelta64 is unsupported, though the item() of some
    units is an int.
    """
    if value.dtype.kind in "mM" and value != value:  # NaT
        return NULL
    if value.dtype.kind == "f":
        return node_without_default(float(value))
    is_date = value.dtype.kind == "M"
    item = (value.astype("datetime64[us]") if is_date else value).item()
    if value.dtype.kind == "m" or type(item) is type(value) or (is_date and isinstance(item, int)):
        return Unsupported()  # a timedelta64; a complex long double, whose item is itself; a year that datetime lacks
    return node_without_default(item)


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
