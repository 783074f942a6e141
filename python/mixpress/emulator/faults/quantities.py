"""The numbers in a fault's text: times, sizes and positions. Each function raises ValueError with what is allowed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LONGEST = 3600.0
"""Maximum seconds of a delay and of `Retry-After`: more than an hour is a typing error."""

NUMBER = r"\d*\.?\d+"
"""A decimal fraction, without sign and exponent."""

_UNITS = {"": 1, "b": 1, "kb": 1000, "mb": 1000**2, "kib": 1024, "mib": 1024**2}
_MAX_LENGTH = 30

_Number = TypeVar("_Number", int, float)


def read(number: Callable[[str], _Number], pattern: str, text: str, message: str) -> _Number:
    """Return the number in a text that matches the pattern; ValueError with the message otherwise."""
    if not _matches(pattern, text):
        raise ValueError(message)
    return number(text)


def _matches(pattern: str, text: str) -> re.Match[str] | None:
    """Match a whole text, but none that is too long: the time grows with the square of the length."""
    return re.fullmatch(pattern, text, re.ASCII) if len(text) <= _MAX_LENGTH else None


def near(word: str, known: Iterable[str]) -> str:
    """Return a correction to append to an error, such as `; did you mean 'reset'?`, or an empty text."""
    from difflib import get_close_matches  # noqa: PLC0415 - for an error only

    found = get_close_matches(word.lower(), list(known), 1)
    return f"; did you mean '{found[0]}'?" if found else ""


def read_seconds(text: str, item: str) -> float:
    """Return the seconds of `3`, `3s`, `0.5s` or `500ms`."""
    message = f"{item}: must be a number of seconds from 0 to {LONGEST:g}, got '{text}'"
    if text.endswith("ms"):
        seconds = read(float, NUMBER, text.removesuffix("ms"), message) / 1000
    else:
        seconds = read(float, NUMBER, text.removesuffix("s"), message)
    if seconds > LONGEST:
        raise ValueError(message)
    return seconds


def read_latency(text: str, item: str) -> tuple[float, float]:
    """Return the seconds of `200ms` or `200ms±50`, and of the jitter after the sign, which is in the same unit."""
    base, _, jitter = text.replace("+-", "±").partition("±")
    unit = "ms" if base.endswith("ms") else "s"
    if not base.endswith("s"):
        hint = f"; did you mean '{base}ms'?" if _matches(NUMBER, base) else ""
        raise ValueError(f"{item}: latency needs a time with its unit, such as 200ms, 200ms±50 or 1.5s{hint}")
    seconds = read_seconds(base, item)
    spread = 0.0
    if jitter or base != text:
        spread = read_seconds(jitter if jitter.endswith("s") else jitter + unit, item)
    if spread > seconds:
        raise ValueError(f"{item}: the jitter after '±' must be at most the time before it, got '{text}'")
    return seconds, spread


def read_size(text: str, item: str) -> int:
    """Return the bytes of `100000`, `500kB`, `2MB`, `512KiB` or `2MiB`."""
    message = (
        f"{item}: 413 needs a size in bytes, such as 413:100000, or with a unit (kB, MB, KiB, MiB), as in 413:2MiB"
    )
    if text[-1:] in {"K", "k", "M", "m"}:
        message += f"; did you mean '413:{text[:-1]}{text[-1].replace('k', 'K').upper()}iB'?"
    found = _matches(rf"({NUMBER})\s*([kKmM]i?[bB]|[bB])?", text)
    if found is None:
        raise ValueError(message)
    number, unit = found.groups(default="")
    size = float(number) * _UNITS[unit.lower()]
    if size < 1 or size != int(size) or size > 2**53:
        raise ValueError(message)
    return int(size)


def read_positions(text: str, item: str) -> frozenset[int]:
    """Return the positions of `0+2`."""
    message = f"{item}: 400 needs the positions that fail, from 0, such as 400:0+2"
    return frozenset(read(int, r"\d+", position, message) for position in text.split("+"))
