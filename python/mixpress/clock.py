"""Time, sleep and randomness as an argument, so that tests need not wait."""

from __future__ import annotations

import random
import time
from functools import partial
from types import BuiltinFunctionType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable


def _unfrozen() -> Callable[[], float]:
    """Return the monotonic clock of the system, also where the time module is frozen during the import."""
    if isinstance(time.monotonic, BuiltinFunctionType):
        return time.monotonic
    return partial(time.clock_gettime, time.CLOCK_MONOTONIC)


class Clock:
    """The real clock. Tests pass a subclass.

    freezegun replaces the functions of the time module, and copies of them in other modules. Time limits must hold all
    the same, so the class keeps the real function.
    """

    _real_monotonic = staticmethod(_unfrozen())

    def monotonic(self) -> float:
        """Return seconds that never decrease, for waits and durations."""
        return self._real_monotonic()

    def time(self) -> float:
        """Return the seconds since 1970, for the times of events and for a `Retry-After` that is a date."""
        return time.time()

    def random(self) -> float:
        """Return a random number in [0, 1), for jitter."""
        return random.random()  # noqa: S311 - not used for security

    def wait(self, wake: threading.Event, seconds: float) -> None:
        """Sleep for `seconds`, or until `wake` is set."""
        wake.wait(seconds)


REAL = Clock()
"""For limits that hold whatever clock a client is given."""
