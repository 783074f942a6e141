"""Measures of events that reports are made of: their day and the class of their size."""

from __future__ import annotations

from datetime import date, timedelta

FIRST_MILLISECONDS = 31_536_000_000
"""A smaller `time` is in seconds (1971-01-01 in milliseconds: no event is older)."""
DAY_MS = 86_400_000
SMALLEST = 6
"""Events of at most 2**6 bytes are in the first class; each class is twice the one before."""


def milliseconds(time: object) -> int | None:
    """Return the `time` of an event in milliseconds; None if it is not a number."""
    if not isinstance(time, int | float):
        return None
    return int(time if abs(time) >= FIRST_MILLISECONDS else time * 1000)


def size_class(size: int) -> int:
    """Return the number of the class of events of so many bytes."""
    return max(0, (size - 1).bit_length() - SMALLEST)


def largest_size(number: int) -> int:
    """Return the bytes of the largest event in a class."""
    return 1 << (number + SMALLEST)


def day_of(number: int) -> str:
    """Return the date of a day since the epoch, in UTC; a day beyond the year 9999 by its number."""
    try:
        return (date(1970, 1, 1) + timedelta(days=number)).isoformat()
    except OverflowError:
        return f"day {number}"
