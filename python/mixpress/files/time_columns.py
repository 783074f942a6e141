"""Times of a whole column: what is written in a common way is read by Arrow, the rest one value at a time."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from mixpress.files.times import DAY, EARLIEST, HOUR, LATEST, SMALLEST_MILLISECONDS, Times, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

Array = Any
"""An array of pyarrow, which has no types."""

# The days that every month has, for a check without a calendar; the other days are read one at a time.
DATE = r"[12][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
LONG_DAYS = r"|[12][0-9]{3}-(?:(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?"
ZONE = r"(?:Z|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])"
NAIVE = f"^(?:{DATE}{LONG_DAYS})(?:[T ]{CLOCK})?$"
ZONED = f"^(?:{DATE}{LONG_DAYS})[T ]{CLOCK}{ZONE}$"
WHOLE = r"^-?[0-9]{1,18}$"

LARGEST = 9_000_000_000_000_000_000
"""A number that fits into 64 bits, and with whose size Arrow can calculate."""

DIRECTIVES = {"Y": "[12][0-9]{3}", "m": "[0-9]{2}", "d": "[0-9]{2}", "H": "[0-9]{2}", "M": "[0-9]{2}", "S": "[0-9]{2}"}
"""Directives of strptime with a fixed width, and what they match."""


class TimeColumn(NamedTuple):
    """The times of a column."""

    milliseconds: Array
    """int64; null if there is no time, or an unreadable one."""
    unreadable: dict[int, str]
    """Row -> why its value is not a time."""


def read_times(times: Times, column: Array) -> TimeColumn:  # noqa: PLR0911 - one for each kind of column
    """Return the times of a column."""
    kind = column.type
    if pa.types.is_null(kind):
        return TimeColumn(pa.nulls(len(column), pa.int64()), {})
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _texts(times, column)
    if times.format is None:
        if pa.types.is_integer(kind) and kind != pa.uint64():
            return _numbers(times, column.cast(pa.int64()), _whole)
        if pa.types.is_floating(kind):
            return _numbers(times, column.cast(pa.float64()), _fractions)
    if pa.types.is_timestamp(kind):
        return _moments(times, column)
    if pa.types.is_date32(kind):
        days = column.cast(pa.int32()).cast(pa.int64())
        return _inside(_local(times, pc.multiply(days, DAY)))
    return _one_by_one(times, column, pa.nulls(len(column), pa.int64()), column.is_valid())


def _moments(times: Times, column: Array) -> TimeColumn:
    units = {"s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}[column.type.unit]
    ticks = column.cast(pa.int64())
    if units == 1:
        # Beyond these, the product would overflow.
        known = pc.and_(pc.greater_equal(ticks, EARLIEST // 1000), pc.less_equal(ticks, LATEST // 1000))
        ticks = pc.if_else(known, ticks, LATEST // 1000 + 10 * DAY // 1000)
    milliseconds = _in_milliseconds(ticks, units)
    if column.type.tz is None:
        milliseconds = _local(times, milliseconds)
    return _inside(milliseconds)


def _inside(milliseconds: Array) -> TimeColumn:
    """Return times, of which those outside of the years 1 to 9999 are unreadable."""
    outside = pc.or_(pc.less(milliseconds, EARLIEST), pc.greater(milliseconds, LATEST))
    if not pc.any(outside).as_py():
        return TimeColumn(milliseconds, {})
    rows = pc.indices_nonzero(pc.fill_null(outside, False)).to_pylist()
    nothing = pa.scalar(None, pa.int64())
    return TimeColumn(
        pc.if_else(outside, nothing, milliseconds), dict.fromkeys(rows, "is outside of the years 1 to 9999")
    )


def _numbers(times: Times, values: Array, convert: Callable[[Array, int], Array]) -> TimeColumn:
    """Read numbers. Those of a unit are converted together."""
    milliseconds = pa.nulls(len(values), pa.int64())
    left = values.is_valid()
    number = float if pa.types.is_floating(values.type) else int
    if times.units:
        # Some days less than what is possible, since the offset of a zone may be added.
        limit = min((LATEST - 10 * DAY) // 1000 * times.units, LARGEST)
        fits = pc.and_(pc.greater_equal(values, number(-limit // 5)), pc.less_equal(values, number(limit)))
        groups = [(times.units, fits)]
    else:
        groups, above = [], None
        for units in (1, 1000, 1_000_000):
            border = number(SMALLEST_MILLISECONDS * units)
            below = pc.and_(pc.less(values, border), pc.greater(values, -border))
            groups.append((units, below if above is None else pc.and_(below, above)))
            above = pc.invert(below)
        groups.append((1_000_000_000, pc.and_(above, pc.less(pc.abs(values), number(LARGEST)))))
    for units, mask in groups:
        if pc.any(mask).as_py():
            part = convert(pc.if_else(mask, values, pa.scalar(None, values.type)), units)
            part = _local(times, part) if times.local_numbers else part
            milliseconds = pc.coalesce(part, milliseconds)
            left = pc.and_(left, pc.invert(pc.fill_null(mask, False)))
    return _one_by_one(times, values, milliseconds, left)


def _whole(values: Array, units: int) -> Array:
    return _in_milliseconds(values, units)


def _fractions(values: Array, units: int) -> Array:
    scaled = pc.multiply(values, 1000.0) if units == 1 else pc.divide(values, float(units // 1000))
    return pc.round(scaled, round_mode="half_to_even").cast(pa.int64())


def _in_milliseconds(ticks: Array, units: int) -> Array:
    if units <= 1000:
        return pc.multiply(ticks, 1000 // units)
    return _floor_divided(ticks, units // 1000)


def _floor_divided(values: Array, divisor: int) -> Array:
    """Return the quotients, rounded down, where Arrow rounds towards zero."""
    quotients = pc.divide(values, divisor)
    below = pc.less(values, pc.multiply(quotients, divisor))
    return pc.subtract(quotients, below.cast(pa.int64())) if pc.any(below).as_py() else quotients


def _texts(times: Times, column: Array) -> TimeColumn:
    milliseconds = pa.nulls(len(column), pa.int64())
    left = pc.and_(column.is_valid(), pc.not_equal(column, ""))
    if times.format is not None:
        left, milliseconds = _formatted(times, column, left, milliseconds)
        return _one_by_one(times, column, milliseconds, left)
    if not times.units:
        for pattern, zone in ((NAIVE, None), (ZONED, "UTC")):
            left, milliseconds = _iso(times, column, left, milliseconds, pattern, zone)
    mask = _matching(column, WHOLE, left)
    if mask is not None:
        numbers = pc.if_else(mask, column, pa.scalar(None, column.type)).cast(pa.int64())
        found = _numbers(times, numbers, _whole)
        milliseconds = pc.coalesce(found.milliseconds, milliseconds)
        left = pc.and_(left, pc.invert(pc.and_(mask, found.milliseconds.is_valid())))
    return _one_by_one(times, column, milliseconds, left)


def _iso(
    times: Times, column: Array, left: Array, milliseconds: Array, pattern: str, zone: str | None
) -> tuple[Array, Array]:
    mask = _matching(column, pattern, left)
    if mask is None:
        return left, milliseconds
    moments = pc.if_else(mask, column, pa.scalar(None, column.type)).cast(pa.timestamp("us", zone))
    part = _in_milliseconds(moments.cast(pa.int64()), 1_000_000)
    part = _local(times, part) if zone is None else part
    return pc.and_(left, pc.invert(mask)), pc.coalesce(part, milliseconds)


def _formatted(times: Times, column: Array, left: Array, milliseconds: Array) -> tuple[Array, Array]:
    """Read texts in a format of strptime that has directives of fixed width alone, by making them ISO 8601."""
    rewriting = _rewriting(times.format or "")
    mask = None if rewriting is None else _matching(column, rewriting[0], left)
    if rewriting is None or mask is None:
        return left, milliseconds
    same = pc.if_else(mask, column, pa.scalar(None, column.type))
    iso = pc.replace_substring_regex(same, rewriting[0], rewriting[1])
    still, part = _iso(times, iso, pc.fill_null(mask, False), milliseconds, NAIVE, None)
    read = pc.and_(mask, pc.invert(still))
    return pc.and_(left, pc.invert(read)), part


@lru_cache(maxsize=16)
def _rewriting(format: str) -> tuple[str, str] | None:
    """Return a pattern for texts in a format, and what makes them ISO 8601; None if Arrow can't read them."""
    parts = re.findall(r"%(.)|([^%])", format, re.S)
    names = [directive for directive, _ in parts if directive]
    if not {"Y", "m", "d"} <= set(names) or len(set(names)) < len(names) or set(names) - set(DIRECTIVES):
        return None
    if ("H" in names) != ("M" in names) or ("S" in names and "M" not in names):
        return None
    pattern = "".join(
        f"({DIRECTIVES[directive]})" if directive else re.sub(r"([^A-Za-z0-9\s])", r"\\\1", literal)
        for directive, literal in parts
    )
    if not pattern.isascii():
        return None
    group = {name: f"\\{number}" for number, name in enumerate(names, 1)}
    iso = f"{group['Y']}-{group['m']}-{group['d']}"
    if "H" in group:
        iso += f"T{group['H']}:{group['M']}" + (f":{group['S']}" if "S" in group else "")
    return f"^{pattern}$", iso


def _matching(column: Array, pattern: str, left: Array) -> Array:
    """Return which of the rows that are left match; None if there is none."""
    if not pc.any(left).as_py():
        return None
    mask = pc.fill_null(pc.and_(pc.match_substring_regex(column, pattern), left), False)
    return mask if pc.any(mask).as_py() else None


def _one_by_one(times: Times, column: Array, milliseconds: Array, left: Array) -> TimeColumn:
    left = pc.fill_null(left, False)
    if not pc.any(left).as_py():
        return TimeColumn(milliseconds, {})
    rows = pc.indices_nonzero(left)
    read: list[int | None] = []
    unreadable: dict[int, str] = {}
    for row, value in zip(rows.to_pylist(), taken(column, rows).to_pylist(), strict=True):
        try:
            read.append(times.read(value))
        except Unreadable as error:
            read.append(None)
            unreadable[row] = str(error)
    return TimeColumn(pc.replace_with_mask(milliseconds, left, pa.array(read, pa.int64())), unreadable)


def taken(column: Array, rows: Array) -> Array:
    """Return some rows of a column, also of a kind of which Arrow takes only ranges."""
    try:
        return column.take(rows)
    except pa.ArrowNotImplementedError:
        parts = [column.slice(row, 1) for row in rows.to_pylist()]
        return pa.concat_arrays(parts) if parts else column.slice(0, 0)


def _local(times: Times, milliseconds: Array) -> Array:
    """Return the times at which the clock of the zone shows these."""
    if times.offset:
        milliseconds = pc.subtract(milliseconds, times.offset)
    if times.zone is None:
        return milliseconds
    hours = pc.divide(milliseconds, HOUR).dictionary_encode()
    offsets = [_hour_offset(times, hour) for hour in hours.dictionary.to_pylist()]
    known = pa.array(offsets, pa.int64()).take(hours.indices)
    shifted = pc.subtract(milliseconds, known)
    changing = pc.and_(milliseconds.is_valid(), known.is_null())
    if not pc.any(changing).as_py():
        return shifted
    rows = pc.indices_nonzero(changing)
    each = [
        value - times.zone_offset(value) if EARLIEST <= value <= LATEST else value
        for value in milliseconds.take(rows).to_pylist()
    ]
    return pc.replace_with_mask(shifted, changing, pa.array(each, pa.int64()))


@lru_cache(maxsize=100_000)
def _hour_offset(times: Times, hour: int | None) -> int | None:
    """Return the zone's offset in an hour of its clock; None if it changes within it, or next to it."""
    if hour is None:
        return None
    # Arrow's quotients are rounded towards zero, so that the hour 0 has two hours.
    start = (hour if hour > 0 else hour - 1) * HOUR
    ends = (start, (hour + 1) * HOUR - 1)
    if start < EARLIEST or ends[1] > LATEST:
        return None
    first, last = (times.zone_offset(end) for end in ends)
    return first if first == last else None
