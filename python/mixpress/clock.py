"""Time and chance as an argument: tests hand in their own and sleep never."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading


class Clock:
    """The real time. A test subclasses it."""

    def monotonic(self) -> float:
        """Seconds that only grow, for waits and durations."""
        return time.monotonic()

    def time(self) -> float:
        """Seconds since 1970, for a `Retry-After` that names a date."""
        return time.time()

    def random(self) -> float:
        """A number in [0, 1), for jitter."""
        return random.random()  # noqa: S311 - spreads retries, guards nothing

    def wait(self, wake: threading.Event, seconds: float) -> None:
        """Sleep for `seconds`, or until `wake` is set."""
        wake.wait(seconds)
