"""Owners of events and batches: an owner is a process, and its lease lasts while the process is known to run.

A process id alone is reused; together with the start time and the boot id it is unique. A process that can't be
observed from here, such as one in another container's pid namespace, counts as running until its lease expires.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

LEASE = 120.0
"""Seconds from a renewal to the end of a lease. An owner renews its lease after a quarter of that."""

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """What identifies a process. A part that the system does not provide is empty and equals any value."""

    pid: int
    started: str
    """Clock ticks from the boot to its start."""
    boot: str
    """The kernel's id of the boot."""
    namespace: str
    """The pid namespace."""

    @classmethod
    def current(cls) -> Process:
        """Return this process."""
        pid = os.getpid()
        return cls(pid, _started(pid) or "", _boot(), _namespace())

    def is_gone(self, seen_from: Process) -> bool:
        """Return whether the process has certainly ended; False where that can't be determined."""
        if _differ(self.boot, seen_from.boot):
            return True
        if _differ(self.namespace, seen_from.namespace) or sys.platform == "win32":
            return False  # on Windows os.kill(pid, 0) would end the process
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OverflowError:
            return True
        except PermissionError:
            pass  # it exists and belongs to another user
        started = _started(self.pid)
        return started is None or _differ(self.started, started)


def remove_dead_owners(db: sqlite3.Connection, me: int, now: float) -> None:
    """Delete every owner but `me` that has ended or whose lease has expired, which frees its events and batches.
    Requires a transaction.
    """
    here = Process.current()
    others = "SELECT id, pid, started, boot, namespace, expires FROM owners WHERE id != ?"
    for owner, pid, started, boot, namespace, expires in db.execute(others, (me,)).fetchall():
        if expires <= now or Process(pid, started, boot, namespace).is_gone(here):
            db.execute("DELETE FROM owners WHERE id = ?", (owner,))


def _differ(one: str, other: str) -> bool:
    return bool(one and other) and one != other


def _started(pid: int) -> str | None:
    """Return when a process was started: empty where that can't be read, None of a zombie."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return ""
    fields = stat[stat.rindex(")") + 2 :].split()  # the name before it may contain spaces and brackets
    return None if fields[0] in "ZX" else fields[19]


def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return ""
