"""Rate-limit repeated messages in the log `mixpress`, and count the suppressed ones."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mixpress._core import bracket

if TYPE_CHECKING:
    from mixpress.clock import Clock

EVERY = 60.0
"""Seconds in which one reason is logged at most once."""

MAX_REASONS = 100
"""The most reasons to remember: they quote the server, and may differ each time."""

logger = logging.getLogger("mixpress")


@dataclass
class _Entry:
    level: int
    logged: float
    suppressed: int = 0


class RepeatLog:
    """Logs the same reason at most once in `every` seconds, 60 by default, and suppresses repetitions.

    The next message of a suppressed reason ends with their number, as in "pausing for 2.0 s: 503 Service Unavailable
    (and 17 more in the last 75 s)". Any thread may use it; its lock is not held while a handler runs.
    """

    def __init__(self, clock: Clock, every: float = EVERY) -> None:
        self._clock = clock
        self._every = every
        self._lock = threading.RLock()  # reentrant: a signal handler may log a dropped event meanwhile
        self._locked = bracket(self._lock.acquire, self._lock.release)
        self._entries: dict[str, _Entry] = {}

    def tell(self, level: int, reason: str, message: str, *values: object, error: BaseException | None = None) -> None:
        """Log `message % values`, with `error`'s traceback, unless `reason` was logged in the last `every` seconds."""
        if not logger.isEnabledFor(level):
            return
        now = self._clock.monotonic()
        noted = self._locked(self._note, level, reason, now)
        if noted is None:
            return
        before, forgotten = noted
        for old, entry in forgotten:
            _log_suppressed(old, entry, now)
        if before and before.suppressed:
            message += " (and %d more in the last %.0f s)"
            values += (before.suppressed, now - before.logged)
        logger.log(level, message, *values, exc_info=error)

    def _note(self, level: int, reason: str, now: float) -> tuple[_Entry | None, list[tuple[str, _Entry]]] | None:
        """Return the entry before and the forgotten ones if the reason is to be logged now; otherwise count it."""
        before = self._entries.get(reason)
        if before and now - before.logged < self._every:
            before.suppressed += 1
            return None
        self._entries.pop(reason, None)
        self._entries[reason] = _Entry(level, now)  # inserted last, so that the first entry is the oldest
        return before, self._forget()

    def tell_rest(self) -> None:
        """Log the number of suppressed messages of each reason and forget all: at the end of a client or an import."""
        now = self._clock.monotonic()
        for reason, entry in self._locked(self._forget_all).items():
            _log_suppressed(reason, entry, now)

    def _forget_all(self) -> dict[str, _Entry]:
        rest, self._entries = self._entries, {}
        return rest

    def _forget(self) -> list[tuple[str, _Entry]]:
        if len(self._entries) <= MAX_REASONS:
            return []
        oldest = next(iter(self._entries))
        return [(oldest, self._entries.pop(oldest))]


def _log_suppressed(reason: str, entry: _Entry, now: float) -> None:
    if entry.suppressed:
        logger.log(entry.level, "%d more in the last %.0f s: %s", entry.suppressed, now - entry.logged, reason)
