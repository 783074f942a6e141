"""What SQLite and the file system complain of, said as a `SpoolError` that names the file and what to do."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mixpress.errors import SpoolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mixpress.errors import SpoolTrouble

_ADVICE: dict[SpoolTrouble, str] = {
    "corrupt": "is no spool, or damaged; move it away, and a new one is made (`sqlite3 FILE .recover` may read it)",
    "read-only": "can't be written to; check who owns it and its folder, and how the disk is mounted",
    "full": "has no room on its disk; free some, and go on: what was accepted is still there",
    "busy": "is being written to by another process for too long; try again",
    "unopened": "can't be opened; it and its folder must be readable and writable for this user",
    "io": "can't be used",
}

# SQLite's words, which are the same on every version; its error codes reach Python from 3.11 on alone.
_WORDS: dict[str, SpoolTrouble] = {
    "file is not a database": "corrupt",
    "malformed": "corrupt",
    "readonly": "read-only",
    "is full": "full",
    "locked": "busy",
    "unable to open": "unopened",
}
_NUMBERS: dict[int, SpoolTrouble] = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read-only",
    errno.ENOENT: "unopened",
    errno.ENOTDIR: "unopened",
    errno.EACCES: "unopened",
    errno.EPERM: "unopened",
}


def explained(path: str, error: Exception) -> SpoolError:
    """The error for the caller. It quotes SQLite or the system, and never what was to be stored."""
    trouble: SpoolTrouble
    if isinstance(error, OSError):
        trouble = _NUMBERS.get(error.errno or 0, "io")
        says = f"the system says: {error.strerror}"
    else:
        trouble = next((trouble for words, trouble in _WORDS.items() if words in str(error)), "io")
        says = f"SQLite says: {error}"
    if trouble == "unopened" and os.path.isfile(path) and not os.access(path, os.W_OK):
        trouble = "read-only"  # SQLite could not make the log beside it
    advice = _unopened(path) if trouble == "unopened" else _ADVICE[trouble]
    return SpoolError(f"the spool {path} {advice} ({says})", path, trouble)


def _unopened(path: str) -> str:
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        return f"is a folder; name a file in it, such as {os.path.join(path, 'events.spool')}"
    if not os.path.exists(folder):
        return f"can't be made, as its folder {folder} is not there; make that, or name another file"
    if not os.path.isdir(folder):
        return f"can't be made, as {folder} is no folder; name another file"
    return _ADVICE["unopened"]


@contextmanager
def explaining(path: str) -> Iterator[None]:
    """Raise what goes wrong with the file as a `SpoolError`."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise explained(path, error) from error
