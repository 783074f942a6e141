"""The rate limit of a project: events and bytes over a rolling minute."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass

_SLOT_MS = 100
_SLOTS = 600  # of a minute
_MAX_PROJECTS = 1000  # beyond this, the window of the project that sent least recently is forgotten


@dataclass(frozen=True)
class RateLimit:
    """The most that a project may send in any minute; a request beyond it is answered with 429.

    `events` and `bytes` (of uncompressed JSON) are integers >= 1. A request that alone is larger is never accepted.
    """

    events: int
    bytes: int

    def __post_init__(self) -> None:
        for name, number in (("events", self.events), ("bytes", self.bytes)):
            if type(number) is not int or number < 1:
                raise ValueError(f"{name} of a rate limit must be an integer >= 1, got {number!r}")

    @staticmethod
    def documented() -> RateLimit:
        """Return the limit of the import page: 30,000 events a second and 2 GB, over a rolling minute."""
        return RateLimit(events=1_800_000, bytes=2_000_000_000)


class RateLimiter:
    """Counts what projects sent in the last minute. Any thread may call it.

    The minute is 600 slots of 100 ms. What was sent leaves it after 60.0 to 60.1 s, so no minute ever has more than the
    limit. Memory is bounded: 601 slots a project, and 1000 projects.
    """

    def __init__(self, limit: RateLimit | None) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._projects: OrderedDict[str, _Minute] = OrderedDict()

    def admit(self, project: str, events: int, size: int, now_ms: int) -> bool:
        """Return whether a request is within the limit, and count it if it is. A refused request does not count."""
        if self._limit is None:
            return True
        slot = now_ms // _SLOT_MS
        with self._lock:
            minute = self._projects.get(project)
            if minute is None:
                minute = self._projects[project] = _Minute()
                if len(self._projects) > _MAX_PROJECTS:
                    self._projects.popitem(last=False)
            self._projects.move_to_end(project)
            return minute.admit(slot, events, size, self._limit)

    def clear(self) -> None:
        """Forget what was sent."""
        with self._lock:
            self._projects.clear()


class _Minute:
    """What one project sent in the last minute."""

    def __init__(self) -> None:
        self._slots: deque[list[int]] = deque()  # [slot, events, bytes], oldest first
        self._events = 0
        self._bytes = 0

    def admit(self, slot: int, events: int, size: int, limit: RateLimit) -> bool:
        while self._slots and self._slots[0][0] < slot - _SLOTS:
            _, old_events, old_bytes = self._slots.popleft()
            self._events -= old_events
            self._bytes -= old_bytes
        if self._events + events > limit.events or self._bytes + size > limit.bytes:
            return False
        # A clock that was set back adds to the newest slot, so that the slots stay in order.
        if not self._slots or self._slots[-1][0] < slot:
            self._slots.append([slot, 0, 0])
        self._slots[-1][1] += events
        self._slots[-1][2] += size
        self._events += events
        self._bytes += size
        return True
