"""The log `mixpress`: what happens over and over is told once in a while, with how often it happened."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mixpress.clock import Clock

EVERY = 60.0
"""Seconds in which one reason is told once."""

MAX_REASONS = 100
"""Reasons that are remembered: they hold words of the server, which may be new each time."""

logger = logging.getLogger("mixpress")


@dataclass
class _Told:
    level: int
    at: float
    held_back: int = 0


class RepeatLog:
    """Holds back what was said not long ago: the same reason is told at most once in `every` seconds.

    What is told again ends with how often it was held back, as in "pausing for 2.0 s: 503 Service Unavailable
    (and 17 more in the last 75 s)". It may be used from several threads; nobody waits for a log's handler.
    """

    def __init__(self, clock: Clock, every: float = EVERY) -> None:
        self._clock = clock
        self._every = every
        self._lock = threading.RLock()  # a signal handler may track an event, and have it dropped, in the midst of this
        self._told: dict[str, _Told] = {}

    def tell(self, level: int, reason: str, message: str, *values: object, error: BaseException | None = None) -> None:
        """Tell `message % values`, unless `reason` was told already not long ago; with an error's traceback."""
        if not logger.isEnabledFor(level):
            return
        now = self._clock.monotonic()
        with self._lock:
            before = self._told.get(reason)
            if before and now - before.at < self._every:
                before.held_back += 1
                return
            self._told.pop(reason, None)
            self._told[reason] = _Told(level, now)  # at the end: the first is the one told longest ago
            forgotten = self._forget()
        for old, told in forgotten:
            _tell_rest(old, told, now)
        if before and before.held_back:
            message += " (and %d more in the last %.0f s)"
            values += (before.held_back, now - before.at)
        logger.log(level, message, *values, exc_info=error)

    def tell_rest(self) -> None:
        """Tell what is held back still, and begin anew: for the end of a client or of an import."""
        now = self._clock.monotonic()
        with self._lock:
            rest, self._told = self._told, {}
        for reason, told in rest.items():
            _tell_rest(reason, told, now)

    def _forget(self) -> list[tuple[str, _Told]]:
        if len(self._told) <= MAX_REASONS:
            return []
        oldest = next(iter(self._told))
        return [(oldest, self._told.pop(oldest))]


def _tell_rest(reason: str, told: _Told, now: float) -> None:
    if told.held_back:
        logger.log(told.level, "%d more in the last %.0f s: %s", told.held_back, now - told.at, reason)
