"""Convert values that need Python code to be read.

The core walks exact dicts, lists and scalars in place and runs no Python code meanwhile. A value of another type
(another mapping, a set, a value that `default` converts) is odd: it is converted here between two walks, alone and one
level deep. So code that changes a dict can't corrupt a walk. An event that changes each time is copied as a whole.
"""

from __future__ import annotations

import collections
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
from mixpress.article import type_of

# Deeper than the core's limit of 64 levels, and more values than fit into an event of 1 MB: the core still sees what it
# has to reject, and the copy of a value that contains itself, even twice, terminates.
_MAX_LEVELS = 70
_MAX_VALUES = 1_000_000
_MAX_CONVERSIONS = 64
_TOO_MANY = Unsupported(f"one of more than {_MAX_VALUES:,} values")  # shared: an event can have many more
_TOO_LARGE = Unsupported(f"an array of more than {_MAX_VALUES:,} values")
_TOO_DEEP = Unsupported("a value that contains itself or nests too deep")
_AS_THEY_ARE = frozenset({str, float, bool, type(None)})
_SMALL = 2**63  # the core reads smaller integers in place
_DOUBLE_BITS = 1024  # an int of more bits is beyond the range of a double
_TWENTY_DIGITS = decimal.Context(prec=20, Emax=decimal.MAX_EMAX, traps=[])


def snapshot(event: Any, default: Callable[[Any], Any] | None = None) -> Any:
    """Return a copy of `event` in types that the core reads without running Python code.

    `default` converts a value that JSON can't represent; its result is converted in turn, at most 64 times. Nothing is
    raised: a value that can't be read becomes `Unsupported`, for which the core rejects the event.
    """
    return _Snapshot(default).plain(event, 0)


def converted(
    values: list[Any], forms: list[Callable[[Any], Any] | None], default: Callable[[Any], Any] | None = None
) -> list[Any]:
    """Return each value as one that the core reads without running Python code, whose parts are as they were.

    `forms` has the function that returns the form of each value, or None. `default` is called as for a snapshot, and
    nothing is raised.
    """
    return [_converted(value, form, default) for value, form in zip(values, forms, strict=True)]


def _converted(value: Any, known: Callable[[Any], Any] | None, default: Callable[[Any], Any] | None) -> Any:
    try:
        if known is not None:
            form = known(value)
            if default is None or type(form) is not Unsupported:
                return form
            value = default(value)
        for _ in range(_MAX_CONVERSIONS):
            if isinstance(value, enum.Enum):
                value = value.value
                continue
            form = _form(value)
            if default is None or type(form) is not Unsupported:
                return form
            value = default(value)
        return _unsupported(value)
    except RecursionError:
        return _TOO_DEEP
    except Exception as error:  # noqa: BLE001 - the caller's code, which only affects this event
        return Unsupported(f"{type_of(value)} that can't be read: {type(error).__name__}: {_text_of(error)}")


def _form(value: Any) -> Any:
    """Return a value's form of one level: a value that the core reads, a list or the members of an object."""
    kind = type(value)
    if kind in _AS_THEY_ARE or kind is list or kind is tuple:
        return value
    if kind is dict:
        for name in value:
            if type(name) is not str:
                return _members(value)
        return value
    for base, convert in _FORMS:
        if isinstance(value, base):
            return convert(value)
    names = names_of(kind)
    return _other_form(value) if names is None else Members([(name, getattr(value, name)) for name in names])


def form_of(kind: type) -> Callable[[Any], Any] | None:
    """Return the function that returns the form of a type's values, for a type that is not read by its attributes."""
    for base, convert in _FORMS:
        if issubclass(kind, base):
            return convert
    return _dump_of(kind) if hasattr(kind, "__pydantic_serializer__") and names_of(kind) is None else None


def names_of(kind: type) -> list[str] | None:
    """Return the names of the attributes that are the members of an object: of a dataclass, attrs class or Struct.

    No library is imported for it.
    """
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind)]
    fields = getattr(kind, "__attrs_attrs__", None)  # attrs
    if isinstance(fields, tuple):
        return [field.name for field in fields]
    fields = getattr(kind, "__struct_fields__", None)  # msgspec
    return list(fields) if type(fields) is tuple else None


def _dumped(model: Any) -> Any:
    """Return a pydantic model by its own method, which leaves out excluded fields."""
    return _form(model.model_dump())


def _dump_of(kind: Any) -> Callable[[Any], Any]:
    """Return the function that dumps the models of a class.

    pydantic's own `model_dump` gives each of its options to the serializer, which takes twice as long as the dump. All
    but `by_alias` have the serializer's defaults. A class may override the method, and BaseModel's may be patched.
    """
    pydantic: Any = sys.modules.get("pydantic")
    if pydantic is None or kind.model_dump is not pydantic.BaseModel.model_dump:
        return _dumped
    if getattr(kind.model_dump, "__globals__", {}).get("__name__") != "pydantic.main":
        return _dumped
    by_alias = kind.model_dump.__kwdefaults__["by_alias"]

    def dumped(model: Any) -> Any:
        if by_alias is None:
            form = model.__pydantic_serializer__.to_python(model)
        else:
            form = model.__pydantic_serializer__.to_python(model, by_alias=by_alias)
        if type(form) is not dict:
            return _form(form)
        for name in form:
            if type(name) is not str:
                return _form(form)
        return form

    return dumped


def _members(mapping: Mapping[Any, Any]) -> Members | dict[str, Any]:
    # By the type's method: an instance may have a member of this name.
    pairs = list(type(mapping).items(mapping))
    for pair in pairs:
        if type(pair) is not tuple or len(pair) != 2 or type(pair[0]) is not str:
            return Members([(_key(name), value) for name, value in pairs])
    members = dict(pairs)
    return members if len(members) == len(pairs) else Members(pairs)


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
        form = _converted(value, None, self.default)
        kind = type(form)
        try:
            if kind is dict or kind is Members:
                pairs = list(form.items()) if kind is dict else form.pairs
                return self.object(pairs, level)
            return self.array(list(form), level) if kind is list or kind is tuple else form
        except RecursionError:
            return _TOO_DEEP

    def object(self, pairs: list[tuple[Any, Any]], level: int) -> Any:
        if self.passes_over(level):
            return {}
        return Members([(_key(name), self.member(value, level)) for name, value in pairs])

    def member(self, value: Any, level: int) -> Any:
        if level <= 1:  # the core may skip one property and read the next
            self.is_past_levels = False
        return self.plain(value, level + 1)

    def array(self, elements: list[Any], level: int) -> list[Any]:
        return [] if self.passes_over(level) else [self.plain(element, level + 1) for element in elements]

    def passes_over(self, level: int) -> bool:
        self.is_past_levels |= level > _MAX_LEVELS
        return self.is_past_levels


def _key(name: Any) -> Any:
    if type(name) is Unsupported:
        return name
    if isinstance(name, str):
        return str.__str__(name)
    return Unsupported(f"the {_name(name)} {_repr_of(name)}")


def _sorted(values: Iterable[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:
        return list(values)


def _other_form(value: Any) -> Any:
    if hasattr(type(value), "__pydantic_serializer__"):
        return _dumped(value)
    if type(value).__module__ == "numpy":
        return _numpy_form(value)
    return None if _is_pandas_na(value) else _unsupported(value)


def _is_pandas_na(value: Any) -> bool:
    """Return whether a value is `pandas.NA`. pandas is not imported for it."""
    kind = type(value)
    return kind.__name__ == "NAType" and kind.__module__.partition(".")[0] == "pandas"


def _unsupported(value: Any) -> Unsupported:
    return Unsupported(f"{type_of(value)}, which JSON has no form for: convert it first")


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


def _numpy_form(value: Any) -> Any:
    if getattr(value, "ndim", None) == 0:
        kind = value.dtype.kind
        if kind in "mM":
            return None if value != value else _form(_value_of_ticks(value))  # noqa: PLR0124 - NaT
        item = float(value) if kind == "f" else value.item()  # item() of a long double is itself
        return _unsupported(value) if type(item) is type(value) else _form(item)
    if type(value).__name__ != "ndarray":  # a subclass may give elements another meaning, with a mask or a unit
        return _unsupported(value)
    return _TOO_LARGE if sum(itertools.accumulate(value.shape, operator.mul)) > _MAX_VALUES else list(value)


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
_FORMS: list[tuple[Any, Callable[[Any], Any]]] = [
    (str, str.__str__),
    (int, _integer),
    (float, float.__float__),
    (Mapping, _members),
    ((list, tuple, collections.deque), list),
    ((set, frozenset), _sorted),
    (datetime.datetime, _datetime),
    (datetime.date, _date),
    (datetime.time, datetime.time.isoformat),
    (datetime.timedelta, datetime.timedelta.total_seconds),
    (decimal.Decimal, _decimal),
    (uuid.UUID, uuid.UUID.__str__),
]
