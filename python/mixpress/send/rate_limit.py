"""The rate limit, kept on this side: events and uncompressed bytes over a rolling minute. No lock, no clock."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class RateLimit:
    """What may be sent in any span of `seconds`: so many events, and so many bytes before gzip.

    An enterprise project may have a higher one, and a project that several processes send to leaves each its
    share: `RateLimit(events=450_000, bytes=500_000_000)` is a quarter of the documented limit.
    """

    events: float = math.inf
    bytes: float = math.inf
    seconds: float = 60.0

    def __post_init__(self) -> None:
        for name in ("events", "bytes", "seconds"):
            if not getattr(self, name) > 0:
                raise ValueError(f"RateLimit: {name} is {getattr(self, name)}, and must be more than 0")

    @classmethod
    def documented(cls) -> RateLimit:
        """2 GB of uncompressed JSON a minute and 30,000 events a second, "measured on a rolling 1 minute basis"."""
        return cls(events=30_000 * 60, bytes=2_000_000_000, seconds=60.0)


class Limiter:
    """Says when a request may go, and remembers those that went.

    A request counts from the moment that it is let through until `seconds` later. One that is larger than
    the whole limit goes where nothing else counts: it could not go otherwise.
    """

    def __init__(self, limit: RateLimit | None) -> None:
        self._limit = limit or RateLimit()
        self._sent: deque[tuple[float, int, int]] = deque()
        self._events = 0
        self._bytes = 0

    def take(self, now: float, events: int, size: int) -> float:
        """0.0 where a request of so many events and bytes may go now, and it is entered; else the seconds until
        it may be asked again. `now` never goes back.
        """
        self._forget(now)
        if self._fits(self._events + events, self._bytes + size) or not self._sent:
            self._sent.append((now, events, size))
            self._events += events
            self._bytes += size
            return 0.0
        return self._room_at(events, size) - now

    def _fits(self, events: int, size: int) -> bool:
        return events <= self._limit.events and size <= self._limit.bytes

    def _ends(self, then: float) -> float:
        return then + self._limit.seconds

    def _forget(self, now: float) -> None:
        while self._sent and self._ends(self._sent[0][0]) <= now:
            _, events, size = self._sent.popleft()
            self._events -= events
            self._bytes -= size

    def _room_at(self, events: int, size: int) -> float:
        """When enough of what was sent no longer counts."""
        all_events, all_bytes = self._events + events, self._bytes + size
        end = 0.0
        for then, their_events, their_bytes in self._sent:
            if self._fits(all_events, all_bytes):
                break
            all_events -= their_events
            all_bytes -= their_bytes
            end = self._ends(then)
        return end
