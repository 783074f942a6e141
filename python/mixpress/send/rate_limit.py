"""The rate limit, kept by the client: events and uncompressed bytes in a rolling minute. No lock, no clock."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class RateLimit:
    """At most `events` events and `bytes` bytes before gzip in any span of `seconds`.

    An enterprise project may have a higher limit. Processes that send to the same project share its limit: give each
    one a part, such as `RateLimit(events=450_000, bytes=500_000_000)` for a quarter of the documented limit.
    """

    events: float = math.inf
    bytes: float = math.inf
    seconds: float = 60.0

    def __post_init__(self) -> None:
        for name in ("events", "bytes", "seconds"):
            if not getattr(self, name) > 0:
                raise ValueError(f"RateLimit: {name} must be greater than 0, got {getattr(self, name)}")

    @classmethod
    def documented(cls) -> RateLimit:
        """Return the documented limit: 2 GB of uncompressed JSON a minute and 30,000 events a second, "measured on a
        rolling 1 minute basis".
        """
        return cls(events=30_000 * 60, bytes=2_000_000_000, seconds=60.0)


class RateLimiter:
    """Decides when a request may be sent, and remembers the requests that were.

    A request counts from the moment it is allowed until `seconds` later. A request larger than the whole limit is
    allowed when no other counts: otherwise it could never be sent.
    """

    def __init__(self, limit: RateLimit | None) -> None:
        self._limit = limit or RateLimit()
        self._sent: deque[tuple[float, int, int]] = deque()
        self._events = 0
        self._bytes = 0

    def take(self, now: float, events: int, size: int) -> float:
        """Count a request and return 0.0 if it may be sent now, else return the seconds until the next try.

        `now` must not decrease between calls.
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

    def _expires(self, then: float) -> float:
        return then + self._limit.seconds

    def _forget(self, now: float) -> None:
        while self._sent and self._expires(self._sent[0][0]) <= now:
            _, events, size = self._sent.popleft()
            self._events -= events
            self._bytes -= size

    def _room_at(self, events: int, size: int) -> float:
        """Return when enough of the earlier requests will have expired."""
        all_events, all_bytes = self._events + events, self._bytes + size
        expiry = 0.0
        for then, their_events, their_bytes in self._sent:
            if self._fits(all_events, all_bytes):
                break
            all_events -= their_events
            all_bytes -= their_bytes
            expiry = self._expires(then)
        return expiry
