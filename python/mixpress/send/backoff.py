"""When a request may go out: `Gate` pauses the whole client, `Halt` ends one import, or gives up one batch."""

from __future__ import annotations

import logging
import math
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mixpress.clock import Clock
    from mixpress.log import RepeatLog
    from mixpress.retry import RetryPolicy


class Halt(threading.Event):
    """Set when an import, or a batch, is to end before its events do; `error` is why, and None for Ctrl-C."""

    error: Exception | None = None

    def __init__(self, what: str = "the import stopped") -> None:
        super().__init__()
        self._what = what

    def stop(self, error: Exception | None) -> None:
        """End it, and wake whoever waits. The first error counts."""
        if not self.is_set():
            self.error = error
            self.set()

    @property
    def reason(self) -> str:
        """What is said of an event that has no verdict because of it."""
        return f"{self._what} before the server had confirmed it: {self.error or 'interrupted'}"


class Gate:
    """What each request passes. A server that asks for a pause gets it from every thread, not from one.

    When the pause is over, each thread comes back later by a jitter of its own, so that they don't all come
    at once.
    """

    def __init__(self, policy: RetryPolicy, clock: Clock, log: RepeatLog) -> None:
        self._policy = policy
        self._clock = clock
        self._log = log
        self._lock = threading.Lock()
        self._opens = -math.inf
        self._reason = ""

    def hold(self, seconds: float, reason: str) -> None:
        """Let nothing pass for so many seconds; a longer pause that runs already stays as it is."""
        with self._lock:
            now = self._clock.monotonic()
            begins = self._opens <= now
            if now + seconds > self._opens:
                self._opens = now + seconds
                self._reason = reason
        if begins:
            self._log.tell(logging.WARNING, reason, "pausing for %.1f s: %s", seconds, reason)

    def wait(self, halt: Halt) -> bool:
        """Wait until a request may go out; False where the import was halted meanwhile."""
        late = 0.0
        while not halt.is_set():
            left = self._opens - self._clock.monotonic() + late
            if left <= 0:
                return True
            if not late:
                late = self._policy.lateness(self._clock.random())
                left += late
            self._clock.wait(halt, left)
        return False

    def seconds_left(self) -> float:
        """How long the pause still is; 0.0 where there is none."""
        return max(0.0, self._opens - self._clock.monotonic())

    def paused(self) -> str:
        """Why nothing is being sent just now; empty where something may be."""
        left = self.seconds_left()
        return f"waiting {math.ceil(left)} s: {self._reason}" if left > 0 else ""
