"""The dead letter: a file that every event which was not imported is written to, with the reason.

One JSON object a line: `{"event": <as it was handed in>, "kind", "index", "rule", "field", "message"}`. The
file is appended to, so that nothing of an earlier run is lost, and made readable for its owner alone (0600).
A value that JSON has no word for (NaN, a set, an object) becomes `{"$repr": "<Python's repr of it>"}`.
"""

from __future__ import annotations

import json
import math
import os
import stat
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

from mixpress.errors import DeadLetterError

if TYPE_CHECKING:
    from mixpress.report.report import Failure, Report

MAX_DEPTH = 100
"""Deeper than that, a value is written as its repr."""
MAX_BITS = 2_000
"""Integers of more bits are written as hexadecimal text: Python may refuse more than 640 decimal digits."""


class DeadLetter:
    """An open dead-letter file. Writing never raises: what could not be written is counted in `lost`."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = -1
        self.path = os.fspath(path)
        self.written = 0
        self.lost = 0
        self._reason: OSError | None = None
        self._lock = Lock()
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._regular = stat.S_ISREG(os.fstat(self._file).st_mode)
        except OSError as error:
            raise DeadLetterError(
                f"the dead letter {self.path} can't be opened for writing: {error.strerror}"
            ) from error
        self._end_last_line()

    def write(self, failure: Failure, event: object) -> bool:
        """Append one line, whole or not at all; whether it was."""
        line = {
            "event": as_json(event),
            "kind": failure.kind,
            "index": failure.index,
            "rule": failure.rule,
            "field": failure.field,
            "message": failure.message,
        }
        text = json.dumps(line).encode("ascii") + b"\n"
        with self._lock:
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
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        self.close()

    def error(self, report: Report) -> DeadLetterError | None:
        """What is to be raised in the end, if something could not be written."""
        if self._reason is None:
            return None
        error = DeadLetterError(
            f"{self.lost} of {self.lost + self.written} failed events could not be written to the dead letter"
            f" {self.path}: {self._reason.strerror}. The report counts them all"
        )
        error.__cause__ = self._reason
        error.report = report
        return error

    def _append(self, line: bytes) -> None:
        start = os.fstat(self._file).st_size
        rest = line
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            if self._regular and len(rest) < len(line):
                with suppress(OSError):
                    os.ftruncate(self._file, start)
            raise

    def _end_last_line(self) -> None:
        """A file that somebody left without its last newline gets it, so that lines stay lines."""
        size = os.fstat(self._file).st_size
        if self._regular and size and os.pread(self._file, 1, size - 1) != b"\n":
            with suppress(OSError):
                os.write(self._file, b"\n")


def as_json(value: object, above: tuple[int, ...] = ()) -> Any:
    """`value` as the `json` module can write it; `above` are the ids of the containers that hold it."""
    if len(above) < MAX_DEPTH and id(value) not in above:
        inside = (*above, id(value))
        if isinstance(value, dict) and all(type(key) is str for key in dict.keys(value)):
            return {key: as_json(item, inside) for key, item in dict.items(value)}
        if isinstance(value, list | tuple):
            return [as_json(item, inside) for item in value]
    return _scalar(value)


def _scalar(value: object) -> Any:
    """Of a subclass, the plain value: no code of its own is run."""
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
    except Exception as error:  # noqa: BLE001 - an object's own code: whatever it raises, the line is written
        return f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"
