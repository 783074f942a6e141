"""Turn errors of SQLite and the operating system into `SpoolError`s that name the file and the remedy."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mixpress.errors import SpoolError

try:
    import resource
except ImportError:  # not on every system
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mixpress.errors import SpoolErrorKind

_ADVICE: dict[SpoolErrorKind, str] = {
    "corrupt": "is damaged or not a spool; move it away to start with a new one (`sqlite3 FILE .recover` may read it)",
    "read-only": "can't be written to; check the owner and mode of it and its folder, and how the disk is mounted",
    "full": "has no room on its disk; free some space and try again: accepted events are still in it",
    "busy": "has been locked by another process for too long; try again",
    "unopened": "can't be opened; it and its folder must be readable and writable for this user",
    "io": "can't be used",
}

# SQLite's messages are the same in every version; Python 3.10 has no access to its error codes.
_KINDS_BY_TEXT: dict[str, SpoolErrorKind] = {
    "file is not a database": "corrupt",
    "malformed": "corrupt",
    "readonly": "read-only",
    "is full": "full",
    "locked": "busy",
    "unable to open": "unopened",
}
_KINDS_BY_ERRNO: dict[int, SpoolErrorKind] = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read-only",
    errno.ENOENT: "unopened",
    errno.ENOTDIR: "unopened",
    errno.EACCES: "unopened",
    errno.EPERM: "unopened",
}


_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)
DESCRIPTORS = 8
"""Open files of a spool: two connections with a log each, the index that they share, the log for syncs, and a folder
for a moment."""


def explained(path: str, error: Exception) -> SpoolError:
    """Return the error for the caller. It quotes SQLite or the system, and never an event."""
    kind: SpoolErrorKind
    if isinstance(error, OSError):
        kind = _KINDS_BY_ERRNO.get(error.errno or 0, "io")
        quote = f"system: {error.strerror}"
    else:
        kind = next((kind for words, kind in _KINDS_BY_TEXT.items() if words in str(error)), "io")
        quote = f"SQLite: {error}"
    if kind == "unopened" and os.path.isfile(path) and not os.access(path, os.W_OK):
        kind = "read-only"  # SQLite could not create the log beside it
    if kind in {"unopened", "io"} and _lacks_descriptors(error):
        advice = _no_descriptors()
    else:
        advice = _unopened(path) if kind == "unopened" else _ADVICE[kind]
    return SpoolError(f"the spool {path} {advice} ({quote})", path, kind)


def _lacks_descriptors(error: Exception) -> bool:
    """Return whether too few file descriptors are left for a spool; SQLite says only that it can't open a file."""
    if isinstance(error, OSError):
        return error.errno in _NO_DESCRIPTORS
    opened: list[int] = []
    try:
        for _ in range(DESCRIPTORS):
            opened.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as failure:
        return failure.errno in _NO_DESCRIPTORS
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return False


def _no_descriptors() -> str:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if resource else "unknown"
    return (
        f"needs {DESCRIPTORS} file descriptors, and this process or system has too few left (the limit of the process "
        f"is {limit}); raise it with `ulimit -n`, or close files and connections"
    )


def _unopened(path: str) -> str:
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        return f"is a folder; name a file in it, such as {os.path.join(path, 'events.spool')}"
    if not os.path.exists(folder):
        return f"can't be created, as its folder {folder} does not exist; create it, or name another file"
    if not os.path.isdir(folder):
        return f"can't be created, as {folder} is not a folder; name another file"
    return _ADVICE["unopened"]


@contextmanager
def explaining(path: str) -> Iterator[None]:
    """Raise errors of SQLite and the system as `SpoolError`."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise explained(path, error) from error
