"""Time, sleep and randomness as an argument, so that tests need not wait."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading


class Clock:
    """The real clock. Tests pass a subclass."""

    def monotonic(self) -> float:
        """Return seconds that never decrease, for waits and durations."""
        return time.monotonic()

    def time(self) -> float:
        """Return the seconds since 1970, for the times of events and for a `Retry-After` that is a date."""
        return time.time()

    def random(self) -> float:
        """Return a random number in [0, 1), for jitter."""
        return random.random()  # noqa: S311 - not used for security

    def wait(self, wake: threading.Event, seconds: float) -> None:
        """Sleep for `seconds`, or until `wake` is set."""
        wake.wait(seconds)
