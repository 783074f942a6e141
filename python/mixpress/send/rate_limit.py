"""The rate limit, kept by the client: events and uncompressed bytes in a rolling minute. No lock, no clock."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mixpress.send.limiter import LimitUse


@dataclass(frozen=True)
class RateLimit:
    """At most `events` events and `bytes` bytes before gzip in any span of `seconds`.

    An enterprise project may have a higher limit. Processes that send to the same project share its limit: let them
    borrow from it by a `Lease`, or give each one a part, such as `RateLimit(events=450_000, bytes=500_000_000)` for a
    quarter of the documented limit.
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

    def limiter(self, use: LimitUse) -> RateLimiter:  # noqa: ARG002 - the same for every endpoint
        """Return a limiter for one endpoint of a client."""
        return RateLimiter(self)


class RollingSum:
    """A sum of events and bytes, each of which counts from a moment on until `seconds` later."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._entries: deque[tuple[float, int, int]] = deque()
        self.events = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[tuple[float, int, int]]:
        """Iterate over moments, events and bytes, in the order of the moments."""
        return iter(self._entries)

    def add(self, then: float, events: int, size: int) -> None:
        """Count from the moment `then`. Amounts of one moment share an entry."""
        last = self._entries[-1] if self._entries else None
        if last is not None and last[0] == then:
            self._entries[-1] = (then, last[1] + events, last[2] + size)
        else:
            self._entries.append((then, events, size))
            if last is not None and then < last[0]:
                self._entries = deque(sorted(self._entries))
        self.events += events
        self.bytes += size

    def forget(self, now: float) -> None:
        """Remove what no longer counts."""
        while self._entries and self._expires(self._entries[0][0]) <= now:
            _, events, size = self._entries.popleft()
            self.events -= events
            self.bytes -= size

    def room_at(self, fits: Callable[[int, int], bool]) -> float:
        """Return when so much has expired that `fits` holds for what is left; -inf if it does now. If it holds for no
        amount, return when all has expired.
        """
        events, size, expiry = self.events, self.bytes, -math.inf
        for then, their_events, their_bytes in self._entries:
            if fits(events, size):
                break
            events -= their_events
            size -= their_bytes
            expiry = self._expires(then)
        return expiry

    def _expires(self, then: float) -> float:
        return then + self._seconds


class RateLimiter:
    """Decides when a request may be sent, and remembers the requests that were.

    A request counts from the moment it is allowed until `seconds` later. A request larger than the whole limit is
    allowed when no other counts: otherwise it could never be sent.
    """

    def __init__(self, limit: RateLimit | None) -> None:
        self._limit = limit or RateLimit()
        self._sent = RollingSum(self._limit.seconds)

    def take(self, now: float, events: int, size: int) -> float:
        """Count a request and return 0.0 if it may be sent now, else return the seconds until the next try.

        `now` must not decrease between calls.
        """
        sent = self._sent
        sent.forget(now)
        if self._fits(sent.events + events, sent.bytes + size) or not sent:
            sent.add(now, events, size)
            return 0.0
        return sent.room_at(lambda others, their_size: self._fits(others + events, their_size + size)) - now

    def note(self, then: float, events: int, size: int) -> None:
        """Count what was sent at an earlier moment, whether or not it is within the limit."""
        self._sent.add(then, events, size)

    def answered(self, now: float, events: int, size: int) -> None:
        """Do nothing: a request counts from `take` on."""

    def close(self) -> None:
        """Do nothing: nothing was borrowed."""

    def disown(self) -> None:
        """Do nothing: there are no sockets."""

    def _fits(self, events: int, size: int) -> bool:
        return events <= self._limit.events and size <= self._limit.bytes
