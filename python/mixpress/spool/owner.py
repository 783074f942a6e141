"""Who holds what: an owner is a process as it can be told from every other one, and a lease lasts while it is there.

A process id alone is given again; with the start time and the boot it is not. What can't be seen from here (another
container's processes have a namespace of their own) is believed until its lease expires.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

LEASE = 120.0
"""Seconds that a lease lasts from when its owner was last heard of; an owner speaks up in a quarter of that."""

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process. A part that this system does not tell is empty, and counts as equal."""

    pid: int
    started: str
    """Clock ticks from the boot to its start."""
    boot: str
    """The kernel's id of the boot."""
    namespace: str
    """Within which its pid means something."""

    @classmethod
    def current(cls) -> Process:
        """The one that asks."""
        pid = os.getpid()
        return cls(pid, _started(pid) or "", _boot(), _namespace())

    def is_gone(self, seen_from: Process) -> bool:
        """Whether it is certain that the process has ended; False where that can't be known."""
        if _differ(self.boot, seen_from.boot):
            return True
        if _differ(self.namespace, seen_from.namespace) or sys.platform == "win32":
            return False  # and on Windows os.kill would not ask, but end it
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OverflowError:
            return True
        except PermissionError:
            pass  # it is there, and another user's
        started = _started(self.pid)
        return started is None or _differ(self.started, started)


def _differ(one: str, other: str) -> bool:
    return bool(one and other) and one != other


def _started(pid: int) -> str | None:
    """When a process was started; empty where that can't be read, None of a dead one that its parent has not reaped."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return ""
    fields = stat[stat.rindex(")") + 2 :].split()  # the name before it may hold spaces and brackets
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
