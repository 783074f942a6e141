"""A lock on a file for one emulator at a time. The system releases it when the process ends, however it ends."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

if sys.platform != "win32":
    import fcntl


class LockedError(OSError):
    """Another emulator has the lock."""


class FileLock:
    """Locks `PATH-lock` until `release`, which deletes it. Raises `LockedError`, or OSError if the file cannot be made.

    Not the file itself: closing it would release SQLite's locks on it. It holds the process id, for the message.
    Where the system has no flock, there is no lock.
    """

    def __init__(self, path: str) -> None:
        self._path = f"{os.path.realpath(path)}-lock"
        self._file = -1
        while sys.platform != "win32" and self._file < 0:
            self._file = self._try()

    def release(self) -> None:
        """Release the lock; another emulator can use the file from then on."""
        if sys.platform != "win32":
            with suppress(FileNotFoundError):
                os.unlink(self._path)  # before it is released: afterwards it may be another emulator's
            fcntl.flock(self._file, fcntl.LOCK_UN)  # a child that was forked may still have it open
            os.close(self._file)

    def _try(self) -> int:
        """Return the locked file, or -1 if its owner deleted it in the meantime."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(file, self._path):
                os.ftruncate(file, 0)
                os.write(file, str(os.getpid()).encode())
                return file
        except BlockingIOError:
            owner = os.pread(file, 20, 0)
            os.close(file)
            raise LockedError(_sentence(owner)) from None
        except BaseException:
            os.close(file)
            raise
        os.close(file)
        return -1


def _is_at(file: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except FileNotFoundError:
        return False


def _sentence(owner: bytes) -> str:
    who = f" (process {int(owner)})" if owner.isdigit() else ""
    return f"another emulator{who} uses it; stop that one, or choose another file"
