"""The limit of replacements: 100 of a project in any 24 hours."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque

CALLS = 100
""""429 error if called more than 100 times in a rolling 24 hour window"."""
_DAY_MS = 86_400_000
_MAX_PROJECTS = 1000  # beyond this, the calls of the project that called least recently are forgotten


class CallLimit:
    """Counts the calls of projects in the last 24 hours. Any thread may call it."""

    def __init__(self, calls: int | None = CALLS) -> None:
        """`calls` None is no limit."""
        self._calls = calls
        self._lock = threading.Lock()
        self._projects: OrderedDict[str, deque[int]] = OrderedDict()

    def admit(self, project: str, now_ms: int) -> bool:
        """Return whether a call is within the limit, and count it if it is. A refused call does not count."""
        if self._calls is None:
            return True
        with self._lock:
            times = self._projects.setdefault(project, deque())
            self._projects.move_to_end(project)
            if len(self._projects) > _MAX_PROJECTS:
                self._projects.popitem(last=False)
            while times and times[0] <= now_ms - _DAY_MS:
                times.popleft()
            if len(times) >= self._calls:
                return False
            times.append(now_ms)
            return True

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._projects.clear()
