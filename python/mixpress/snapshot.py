"""Copy events whose values need Python code to read.

The core walks exact dicts, lists and scalars in place and runs no Python code meanwhile. An event with another type in
it (an Enum, a dataclass, a Decimal, another mapping) is first copied here into types that the core reads, so that code
that changes a dict during the walk can't corrupt it.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import itertools
import operator
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mixpress._core import Members, Moment, Number, Unsupported

# Deeper than the core's limit of 64 levels, and more values than fit into an event of 1 MB: the core still sees what it
# has to reject, and the copy of a value that contains itself, even twice, terminates.
_MAX_LEVELS = 70
_MAX_VALUES = 1_000_000
_MAX_CONVERSIONS = 64
_TOO_MANY = Unsupported(f"one of more than {_MAX_VALUES:,} values")  # shared: an event can have many more
_AS_THEY_ARE = frozenset({str, float, bool, type(None)})
_AS_CONVERTED = _AS_THEY_ARE | {Unsupported}
_SMALL = 2**63  # the core reads smaller integers in place
_DOUBLE_BITS = 1024  # an int of more bits is beyond the range of a double
_TWENTY_DIGITS = decimal.Context(prec=20, Emax=decimal.MAX_EMAX, traps=[])


def snapshot(event: Any, default: Callable[[Any], Any] | None = None) -> Any:
    """Return a copy of `event` in types that the core reads without running Python code.

    `default` converts a value that JSON can't represent; its result is converted in turn, at most 64 times. Nothing is
    raised: a value that can't be read becomes `Unsupported`, for which the core rejects the event.
    """
    return _Snapshot(default).plain(event, 0)


class _Snapshot:
    """The copy of one event."""

    def __init__(self, default: Callable[[Any], Any] | None) -> None:
        self.default = default
        self.values = 0
        self.is_past_levels = False

    def plain(self, value: Any, level: int) -> Any:
        if type(value) in _AS_THEY_ARE:
            return value
        self.values += 1
        if self.values > _MAX_VALUES:
            return _TOO_MANY
        try:
            for _ in range(_MAX_CONVERSIONS):
                converted = self.container(value, level)
                if self.default is None or type(converted) is not Unsupported:
                    return converted
                value = self.default(value)
            return _unsupported(value)
        except RecursionError:
            return Unsupported("a value that contains itself or nests too deep")
        except Exception as error:  # noqa: BLE001 - the caller's code, which only affects this event
            return Unsupported(f"a {_name(value)} that can't be read: {type(error).__name__}: {_text_of(error)}")

    def container(self, value: Any, level: int) -> Any:
        if isinstance(value, enum.Enum):
            return self.plain(value.value, level + 1)
        if isinstance(value, Mapping):
            return self.object(lambda: list(value.items()), level, unique=type(value) is dict)
        if isinstance(value, (list, tuple, set, frozenset)):
            read = list if isinstance(value, (list, tuple)) else _sorted
            return self.array(lambda: read(value), level)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = dataclasses.fields(value)
            return self.object(lambda: [(each.name, getattr(value, each.name)) for each in fields], level, unique=True)
        if type(value).__module__ == "numpy" and not isinstance(value, (str, float)):
            return self.numpy_value(value, level)
        return _scalar(value)

    def numpy_value(self, value: Any, level: int) -> Any:
        if getattr(value, "ndim", None) == 0:
            item = _numpy_item(value)
            return item if type(item) in _AS_CONVERTED else self.container(item, level + 1)
        if type(value).__name__ != "ndarray":  # of a subclass, elements may mean something else: with a mask or a unit
            return _unsupported(value)
        if sum(itertools.accumulate(value.shape, operator.mul)) > _MAX_VALUES:
            return _TOO_MANY
        return self.array(lambda: list(value), level)

    def object(self, read: Callable[[], list[tuple[Any, Any]]], level: int, *, unique: bool) -> Any:
        if self.passes_over(level):
            return {}
        pairs = read()
        members = [(_key(name), self.member(member, level)) for name, member in pairs]
        if unique and all(type(name) is str for name, _ in pairs):
            return dict(members)
        return Members(members)

    def member(self, value: Any, level: int) -> Any:
        if level <= 1:  # the core may skip one property and read the next
            self.is_past_levels = False
        return self.plain(value, level + 1)

    def array(self, read: Callable[[], list[Any]], level: int) -> list[Any]:
        return [] if self.passes_over(level) else [self.plain(element, level + 1) for element in read()]

    def passes_over(self, level: int) -> bool:
        self.is_past_levels |= level > _MAX_LEVELS
        return self.is_past_levels


def _key(name: Any) -> Any:
    if isinstance(name, str):
        return str.__str__(name)
    return Unsupported(f"the {_name(name)} {_repr_of(name)}")


def _sorted(values: Iterable[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:
        return list(values)


def _scalar(value: Any) -> Any:
    for kind, convert in _SCALARS:
        if isinstance(value, kind):
            return convert(value)
    return None if _is_pandas_na(value) else _unsupported(value)


def _is_pandas_na(value: Any) -> bool:
    """Return whether a value is `pandas.NA`. pandas is not imported for it."""
    kind = type(value)
    return kind.__name__ == "NAType" and kind.__module__.partition(".")[0] == "pandas"


def _unsupported(value: Any) -> Unsupported:
    return Unsupported(f"a {_name(value)}, which JSON has no form for: convert it first")


def _integer(value: int) -> int | Number:
    value = int.__int__(value)
    if -_SMALL <= value < _SMALL:
        return value
    # Decimal, as str() of an int refuses more than 4300 digits by default.
    return Number(str(decimal.Decimal(value) if value.bit_length() <= _DOUBLE_BITS else _approximately(value)))


def _approximately(value: int) -> decimal.Decimal:
    """Return an int that no double can hold, to 20 digits: all of them would take time that grows with their square."""
    shift = value.bit_length() - _DOUBLE_BITS
    return _TWENTY_DIGITS.multiply(decimal.Decimal(value >> shift), _TWENTY_DIGITS.power(2, shift))


# In a list, where a library that replaces the class in every module (freezegun) does not find it.
_DATETIME = [datetime.datetime]


def _datetime(value: datetime.datetime) -> Moment | None:
    if value != value:  # noqa: PLR0124 - pandas.NaT, which is a datetime
        return None
    utc = value.utcoffset() is not None
    if utc:
        value = value.astimezone(datetime.timezone.utc)
    # Made again as an exact datetime, which checks the fields of a subclass.
    exact = _DATETIME[0](value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)
    clock = (exact.hour, exact.minute, exact.second, exact.microsecond)
    return Moment((exact.year, exact.month, exact.day), clock, utc)


def _date(value: datetime.date) -> Moment:
    exact = _DATETIME[0](value.year, value.month, value.day)
    return Moment((exact.year, exact.month, exact.day), (0, 0, 0, 0), False)


def _decimal(value: decimal.Decimal) -> Number | float:
    # The base class's methods: those of a subclass may return any text.
    if not decimal.Decimal.is_finite(value):
        return float("nan")
    return Number(decimal.Decimal.__str__(value).upper())  # in the thread's context, the E may be small


def _numpy_item(value: Any) -> Any:
    """Return the Python value of a numpy scalar, or `Unsupported`."""
    kind = value.dtype.kind
    if kind in "mM":
        return None if value != value else _value_of_ticks(value)  # noqa: PLR0124 - NaT
    item = float(value) if kind == "f" else value.item()  # item() of a long double is itself
    return _unsupported(value) if type(item) is type(value) else item


def _value_of_ticks(value: Any) -> datetime.datetime | datetime.timedelta:
    """Return the datetime or timedelta of a numpy scalar, rounded down. Raise if there is none: numpy wraps around."""
    unit, step = sys.modules["numpy"].datetime_data(value.dtype)
    count = int(value.astype("i8")) * step
    if value.dtype.kind == "M" and unit in ("Y", "M"):
        years, months = divmod(count * 12 if unit == "Y" else count, 12)
        return _DATETIME[0](1970 + years, months + 1, 1)
    if unit not in _MICROSECONDS:  # years and months differ in length
        raise ValueError(f"its unit, {unit!r}, has no length in seconds")
    times, parts = _MICROSECONDS[unit]
    length = datetime.timedelta(microseconds=count * times // parts)
    return _DATETIME[0](1970, 1, 1) + length if value.dtype.kind == "M" else length


# The microseconds of numpy's units, and the parts of a microsecond.
_MICROSECONDS = {
    "W": (604_800 * 10**6, 1),
    "D": (86_400 * 10**6, 1),
    "h": (3600 * 10**6, 1),
    "m": (60 * 10**6, 1),
    "s": (10**6, 1),
    "ms": (1000, 1),
    "us": (1, 1),
    "ns": (1, 10**3),
    "ps": (1, 10**6),
    "fs": (1, 10**9),
    "as": (1, 10**12),
}


def _name(value: Any) -> str:
    return type(value).__name__


def _text_of(error: Exception) -> str:
    try:
        return str(error)[:200]
    except Exception:  # noqa: BLE001 - the caller's code
        return "(its str raised)"


def _repr_of(value: Any) -> str:
    try:
        return repr(value)[:60]
    except Exception:  # noqa: BLE001 - the caller's code
        return "(its repr raised)"


# In order: datetime is a subclass of date.
_SCALARS: list[tuple[type, Callable[[Any], Any]]] = [
    (str, str.__str__),
    (int, _integer),
    (float, float.__float__),
    (datetime.datetime, _datetime),
    (datetime.date, _date),
    (datetime.time, datetime.time.isoformat),
    (datetime.timedelta, datetime.timedelta.total_seconds),
    (decimal.Decimal, _decimal),
    (uuid.UUID, uuid.UUID.__str__),
]
