"""Some of SQLite's functions, rewritten: SQLite's take time in proportion to the product of the arguments' lengths.

SQLite cannot interrupt the call of a function, and its own take hours for arguments of a megabyte.
"""

from __future__ import annotations

from functools import partial
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

Value = str | bytes | int | float | None

_MAX_VALUE = 1_100_000
_CONTINUATION = bytes(range(0x80, 0xC0))  # bytes of UTF-8 that begin no character


def define(connection: sqlite3.Connection) -> None:
    """Define `trim`, `ltrim`, `rtrim`, `instr` and `replace` on a connection, with SQLite's results."""
    for name, left, right in [("trim", True, True), ("ltrim", True, False), ("rtrim", False, True)]:
        for count in (1, 2):
            connection.create_function(name, count, partial(_trim, left, right), deterministic=True)
    connection.create_function("instr", 2, _instr, deterministic=True)
    connection.create_function("replace", 3, _replace, deterministic=True)


def _trim(left: bool, right: bool, value: Value, characters: Value = " ") -> str | None:
    if value is None or characters is None:
        return None
    text = _to_text(value)
    trimmed = frozenset(_to_text(characters).partition("\0")[0])
    start, end = 0, len(text)
    if left:
        start = _count(text, trimmed)
    if right and start < end:
        end -= _count(reversed(text), trimmed)
    return text[start:end]


def _count(text: Iterable[str], characters: frozenset[str]) -> int:
    """Return how many characters a text begins with that are among these."""
    count = 0
    for character in text:
        if character not in characters:
            break
        count += 1
    return count


def _instr(value: Value, part: Value) -> int | None:
    if value is None or part is None:
        return None
    if isinstance(value, bytes) and isinstance(part, bytes):
        return value.find(part) + 1
    if not isinstance(value, bytes) and not isinstance(part, bytes):
        return _to_text(value).find(_to_text(part)) + 1
    # A text and a blob: characters are counted, and the bytes need not be UTF-8.
    data, searched = _to_bytes(value), _to_bytes(part)
    if searched[:1] and searched[0] in _CONTINUATION:
        return int(data.startswith(searched))
    at = data.find(searched)
    return 0 if at < 0 else len(data[:at].translate(None, _CONTINUATION)) + 1


def _replace(value: Value, part: Value, by: Value) -> Value:
    if value is None or part is None:
        return None
    data, searched = _to_bytes(value), _to_bytes(part)
    if searched[:1] in {b"", b"\0"}:
        return _to_text(value) if isinstance(value, bytes) else value
    if by is None:
        return None
    replacement = _to_bytes(by)
    if len(data) + data.count(searched) * (len(replacement) - len(searched)) > _MAX_VALUE:
        raise OverflowError("string or blob too big")  # SQLite's error for it
    return data.replace(searched, replacement).decode("utf-8", "replace")


def _to_bytes(value: str | bytes | float) -> bytes:
    return value if isinstance(value, bytes) else _to_text(value).encode()


def _to_text(value: str | bytes | float) -> str:
    """Return a value as SQLite casts it to a text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return _write(value) if isinstance(value, float) else str(value)


def _write(number: float) -> str:
    if not isfinite(number):
        return "Inf" if number > 0 else "-Inf"
    digits, exponent, power = f"{number:.15g}".partition("e")
    return f"{digits}{'' if '.' in digits else '.0'}{exponent}{power}"
