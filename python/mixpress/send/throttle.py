"""`Throttle`: a request is sent when the backoff, the concurrency window and the rate limit all allow it."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, NamedTuple

from mixpress._core import bracket
from mixpress.send.backoff import Backoff
from mixpress.send.concurrency import ConcurrencyWindow

if TYPE_CHECKING:
    from mixpress.clock import Clock
    from mixpress.log import RepeatLog
    from mixpress.retry import RetryPolicy
    from mixpress.send.limiter import Limiter

POLL = 0.2
"""Seconds between two checks of the cancel token while a worker waits for a place in the concurrency window."""


class Permit(NamedTuple):
    """The right to send one request, and the state when it was given."""

    since: float
    events: int
    size: int
    in_flight: int
    """Requests under way, this one included."""
    cuts: int
    """How often the concurrency window had been cut."""


class Throttle:
    """Shared by all workers of a client. The decisions are made by `Backoff`, `ConcurrencyWindow` and a `Limiter`."""

    def __init__(self, policy: RetryPolicy, clock: Clock, concurrency: int, limiter: Limiter, log: RepeatLog) -> None:
        self.backoff = Backoff(policy, clock, log)
        self._clock = clock
        self._window = ConcurrencyWindow.full(concurrency)
        self.limiter = limiter
        self._in_flight = 0
        self._limited_until = -math.inf
        self._released = threading.Condition()
        self._locked = bracket(self._released.acquire, self._released.release)

    def acquire(self, events: int, size: int, cancel: threading.Event) -> Permit | None:
        """Wait for the right to send `events` in `size` uncompressed bytes; None if `cancel` was set first."""
        while self.backoff.wait(cancel):
            permit, wait = self._locked(self._take, events, size)
            if permit is not None:
                return permit
            if wait:
                self._clock.wait(cancel, wait)
        return None

    def _take(self, events: int, size: int) -> tuple[Permit | None, float]:
        """Return a permit, or the seconds until the rate limit allows one; 0.0 if something else may have changed."""
        if self._in_flight >= self._window.allowed:
            self._released.wait(POLL)
            return None, 0.0
        if self.backoff.seconds_left() > 0:  # a pause started while this worker waited for its place
            return None, 0.0
        now = self._clock.monotonic()
        wait = self.limiter.take(now, events, size)
        self._limited_until = now + wait
        if wait:
            return None, wait
        self._in_flight += 1
        return Permit(now, events, size, self._in_flight, self._window.cuts), 0.0

    def release(self, permit: Permit, *, answered: bool) -> None:
        """Return a permit. A pause that the answer asks for must have started before."""
        self._locked(self._release, permit, answered)

    def _release(self, permit: Permit, answered: bool) -> None:
        now = self._clock.monotonic()
        self._in_flight -= 1
        self.limiter.answered(now, permit.events, permit.size)
        if answered:
            seconds = now - permit.since
            self._window = self._window.answered(seconds, permit.size, permit.in_flight)
        else:
            self._window = self._window.troubled(permit.cuts)
        self._released.notify_all()

    def rate_wait(self) -> float:
        """Return the seconds until the rate limit allows the next request; 0.0 if none waits for it."""
        return max(0.0, self._limited_until - self._clock.monotonic())

    @property
    def in_flight(self) -> int:
        """Requests without an answer yet."""
        return self._in_flight
