"""`Backoff`: the pause between requests, shared by all workers of a client."""

from __future__ import annotations

import logging
import math
import threading
from typing import TYPE_CHECKING

from mixpress._core import bracket

if TYPE_CHECKING:
    from mixpress.clock import Clock
    from mixpress.log import RepeatLog
    from mixpress.retry import RetryPolicy


class Backoff:
    """Pauses the whole client. A pause that the server asks one worker for applies to all of them.

    After a pause each worker waits for its own jitter, so that they do not all send at once.
    """

    def __init__(self, policy: RetryPolicy, clock: Clock, log: RepeatLog) -> None:
        self._policy = policy
        self._clock = clock
        self._log = log
        self._lock = threading.RLock()
        self._locked = bracket(self._lock.acquire, self._lock.release)
        self._ends = -math.inf
        self._reason = ""

    def pause(self, seconds: float, reason: str) -> None:
        """Hold all requests for `seconds`. A longer pause that is already running stays as it is."""
        if self._locked(self._extend, seconds, reason):
            self._log.tell(logging.WARNING, reason, "pausing for %.1f s: %s", seconds, reason)

    def _extend(self, seconds: float, reason: str) -> bool:
        """Return whether no pause was running."""
        now, ends = self._clock.monotonic(), self._ends
        if now + seconds > ends:
            self._ends = now + seconds
            self._reason = reason
        return ends <= now

    def wait(self, cancel: threading.Event) -> bool:
        """Wait until a request may be sent. Return False if `cancel` was set first."""
        jitter = 0.0
        while not cancel.is_set():
            left = self._ends - self._clock.monotonic() + jitter
            if left <= 0:
                return True
            if not jitter:
                jitter = self._policy.lateness(self._clock.random())
                left += jitter
            self._clock.wait(cancel, left)
        return False

    def seconds_left(self) -> float:
        """Return the seconds until the pause ends; 0.0 without a pause."""
        return max(0.0, self._ends - self._clock.monotonic())

    def paused(self) -> str:
        """Return why nothing is sent at the moment; empty without a pause."""
        left = self.seconds_left()
        return f"waiting {math.ceil(left)} s: {self._reason}" if left > 0 else ""
