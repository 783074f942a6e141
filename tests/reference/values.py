"""What a Python value means as JSON. `look` looks no deeper, so a value that contains itself is no problem."""

from __future__ import annotations

import dataclasses
import enum
import math
import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any, get_args

from .nodes import Array, Literal, Node, NotANumber, Number, Object, Text, Unsupported
from .rules import FIRST_MILLISECONDS, MAX_LEVELS
from .spell import spell_float, spell_integer

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def look(value: Any, default: Callable[[Any], Any] | None = None) -> Node:
    """What a value is. A node, as JSON text gives it, is itself.

    Choice: an exception that the value's own code or `default` raises makes the value unsupported, so one bad event
    stays one bad event. Choice: what `default` returns is looked at again and may need `default` again, 64 times.
    """
    for _ in range(MAX_LEVELS):
        try:
            while isinstance(value, enum.Enum):
                value = value.value  # which is what `default` is given
            node = look_once(value)
            if not isinstance(node, Unsupported) or default is None:
                return node
            value = default(value)
        except Exception:  # noqa: BLE001 (the caller's code may raise anything)
            return Unsupported()
    return Unsupported()


def look_once(value: Any) -> Node:
    """What a value is, without `default`. A bool is an int, so it comes first."""
    if isinstance(value, get_args(Node)):
        return value  # type: ignore[no-any-return]
    if value is None or isinstance(value, bool):
        return Literal("null" if value is None else str(value).lower())
    if isinstance(value, str):  # of a subclass too the text itself, whatever its __str__ says
        return Text(str.__str__(value))
    if isinstance(value, int):
        return Number(spell_integer(int.__pos__(value)))
    if isinstance(value, float):
        return Number(spell_float(float.__pos__(value))) if math.isfinite(value) else NotANumber()
    if isinstance(value, Mapping):  # a dict of a subclass too: by its items()
        return Object([(look_at_name(name), member) for name, member in list(value.items())])
    if isinstance(value, list | tuple):
        return Array(list(value))
    if isinstance(value, set | frozenset):
        return Array(in_order(value))
    return look_at_object(value)


def look_at_name(name: Any) -> Any:
    return Text(str.__str__(name)) if isinstance(name, str) else name


def in_order(values: set[Any] | frozenset[Any]) -> list[Any]:
    """Sorted where that is possible, else as iterated."""
    try:
        return sorted(values)
    except TypeError:
        return list(values)


def look_at_object(value: Any) -> Node:
    """What a value is that is none of Python's plain ones. A datetime is a date too, so it comes first."""
    if isinstance(value, datetime):
        return look_at_datetime(value)
    if isinstance(value, date):
        return Text(f"{value.year:04}-{value.month:02}-{value.day:02}T00:00:00")
    if isinstance(value, Decimal):  # it writes itself as a JSON number does, 1E+3 too
        return Number(str(value)) if value.is_finite() else NotANumber()
    if isinstance(value, uuid.UUID):
        return Text(str(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return Object([(Text(field.name), getattr(value, field.name)) for field in dataclasses.fields(value)])
    if type(value).__module__ == "numpy" and value.ndim == 0:
        return look_at_numpy_scalar(value)
    return Unsupported()


def look_at_datetime(value: datetime) -> Node:
    """Aware: as UTC. Naive: as it reads. The fraction is dropped.

    Choice: an instant that is not in the years 1 to 9999 of UTC has no such text, and is unsupported.
    """
    instant = None
    if value.utcoffset() is not None:
        instant = value = value.astimezone(timezone.utc)  # which raises where UTC has no such year
    day = f"{value.year:04}-{value.month:02}-{value.day:02}"
    return Text(f"{day}T{value.hour:02}:{value.minute:02}:{value.second:02}", instant=instant)


def look_at_numpy_scalar(value: Any) -> Node:
    """By its `.item()`, an array of no dimensions too.

    Choice: a datetime64 of any unit is a naive datetime, and a timedelta64 unsupported; the item() of some is an int.
    """
    is_date = value.dtype.kind == "M"
    item = (value.astype("datetime64[us]") if is_date else value).item()
    if value.dtype.kind == "m" or type(item) is type(value) or (is_date and isinstance(item, int)):
        return Unsupported()  # a duration; a long double, which is its own item; a year that no datetime has
    return look_once(item)


def milliseconds_of(node: Node) -> int | None:
    """A `time` as milliseconds since the epoch; None where it isn't one. Halves are rounded to the even neighbour."""
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
