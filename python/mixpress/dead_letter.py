"""The dead letter: a file with every event that was not imported, and the reason.

Each line is a JSON object: `{"event": <the caller's event>, "kind", "index", "rule", "field", "message"}`. An event of
a file is the record as it was read, and has its place too: "file" with "line" and "byte", or with "row". An update of a
profile has its "endpoint", and one of a file the "operation" and "group_key" of its import. Lines are appended, so that
those of earlier runs stay; a new file has mode 0600. A value that JSON can't represent (NaN, a set, an object) becomes
`{"$repr": "<its repr in Python>"}`.
"""

from __future__ import annotations

import json
import math
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from mixpress._core import bracket
from mixpress.errors import DeadLetterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mixpress.report.place import Place
    from mixpress.report.report import Failure, Report

MAX_DEPTH = 100
"""Levels of nesting; a deeper value is written as its repr."""
MAX_BITS = 2_000
"""Larger integers are written as hexadecimal text: Python may be configured to refuse over 640 decimal digits."""

_TEXT = {str}
_WRITABLE = {str, bool, type(None)}
"""Types whose values are written as they are."""


WOULD_COUNT_TWICE = "the server may have taken it, and $add and $append would count twice"
"""In the message of each update that must not be sent again: its line is marked."""
MARK = "may_count_twice"
"""A member of the line of an update that the server may have taken. It is true if the batch had `$add` or `$append`."""
CARRIED = ("endpoint", "operation", "group_key", MARK)
"""What a line of a replay has of the line that was replayed."""


@dataclass(frozen=True)
class FromLine:
    """An event out of a line of a dead letter, with the members `CARRIED` of that line."""

    event: object
    members: Mapping[str, object]


_REMEDY = "name a file in a folder that exists and is writable for this user"


class DeadLetter:
    """An open dead-letter file. `write` never raises `OSError`; `lost` counts what could not be written.

    `members`: what each line has besides, see `CARRIED`.
    """

    _file = -1
    """Of the class, for an object whose `__init__` was interrupted."""

    def __init__(self, path: str | os.PathLike[str], members: Mapping[str, object] | None = None) -> None:
        self.path = os.fspath(path)
        self._members = members or {}
        self.written = 0
        self.lost = 0
        self._reason: OSError | None = None
        lock = Lock()
        self._locked = bracket(lock.acquire, lock.release)
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._regular = stat.S_ISREG(os.fstat(self._file).st_mode)
        except OSError as error:
            remedy = "name a file in it" if isinstance(error, IsADirectoryError) else _REMEDY
            raise DeadLetterError(
                f"the dead letter {self.path} can't be opened for writing: {error.strerror}; {remedy}"
            ) from error
        self._end_last_line()

    def write(self, failure: Failure, event: object) -> bool:
        """Append one line, completely or not at all; return whether it was written."""
        members = self._members
        if isinstance(event, FromLine):
            members, event = event.members, event.event
        line: dict[str, Any] = {
            "event": as_json(event),
            "kind": failure.kind,
            "index": failure.index,
            "rule": failure.rule,
            "field": failure.field,
            "message": failure.message,
            **members,
        }
        if WOULD_COUNT_TWICE in failure.message:
            line[MARK] = True
        if failure.place is not None:
            line.update(as_members(failure.place))
        text = json.dumps(line).encode("ascii") + b"\n"
        return self._locked(self._write, text)

    def _write(self, text: bytes) -> bool:
        try:
            self._append(text)
        except OSError as error:
            self._reason = self._reason or error
            self.lost += 1
            return False
        self.written += 1
        return True

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, -1  # first: after an interrupt, the number may be that of another file
        if file >= 0:
            os.close(file)

    def __del__(self) -> None:
        self.close()

    def error(self, report: Report) -> DeadLetterError | None:
        """Return the error to raise at the end if a line could not be written; None otherwise."""
        if self._reason is None:
            return None
        error = DeadLetterError(
            f"{self.lost} of {self.lost + self.written} failed events could not be written to the dead letter"
            f" {self.path}: {self._reason.strerror}; the report counts all of them"
        )
        error.__cause__ = self._reason
        error.report = report
        return error

    def _append(self, line: bytes) -> None:
        rest = line
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            if self._regular and len(rest) < len(line):
                with suppress(OSError):
                    os.ftruncate(self._file, os.fstat(self._file).st_size - (len(line) - len(rest)))
            raise

    def _end_last_line(self) -> None:
        """Complete a last line without a newline, so that the next one does not continue it."""
        size = os.fstat(self._file).st_size
        if self._regular and size and os.pread(self._file, 1, size - 1) != b"\n":
            with suppress(OSError):
                os.write(self._file, b"\n")


def as_members(place: Place) -> dict[str, Any]:
    """Return a place as it is written in JSON: the file, and those of line, byte and row that it has."""
    named = {"file": place.file, "line": place.line, "byte": place.offset, "row": place.row}
    return {name: value for name, value in named.items() if value is not None}


def as_json(value: object, above: tuple[int, ...] = ()) -> Any:
    """Return `value` in types that `json` can write. `above` has the ids of the containers around it."""
    if type(value) in _WRITABLE:
        return value
    if len(above) < MAX_DEPTH and id(value) not in above:
        inside = (*above, id(value))
        if isinstance(value, dict) and _TEXT.issuperset(map(type, dict.keys(value))):
            return {key: item if type(item) in _WRITABLE else as_json(item, inside) for key, item in dict.items(value)}
        if isinstance(value, list | tuple):
            return [as_json(item, inside) for item in value]
    return _scalar(value)


def _scalar(value: object) -> Any:
    """Return a scalar as its base type, without running code of a subclass."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float) and math.isfinite(value):
        return float.__float__(value)
    if isinstance(value, int) and int.bit_length(value) < MAX_BITS:
        return int.__int__(value)
    return {"$repr": _repr(value)}


def _repr(value: object) -> str:
    try:
        return hex(value) if isinstance(value, int) else repr(value)
    except Exception as error:  # noqa: BLE001 - the caller's code must not prevent the line
        return f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"
