"""`Speed`: how fast a delivery is now, and how long the rest takes."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mixpress.clock import Clock
    from mixpress.report.report import Progress

SPAN = 20.0
"""Seconds over which the speed is measured: a batch more or less does not show."""
STEP = 0.5
"""Seconds between two samples."""


class Speed:
    """Events and bytes a second, over the last twenty seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._samples: deque[tuple[float, int, int]] = deque([(clock.monotonic(), 0, 0)])
        self._last = self._samples[0]

    def add(self, progress: Progress) -> None:
        """Note how far the delivery is."""
        now = self._clock.monotonic()
        self._last = (now, progress.total + progress.earlier, progress.done)
        if now - self._samples[-1][0] >= STEP:
            self._samples.append(self._last)
        while len(self._samples) > 2 and now - self._samples[1][0] >= SPAN:
            self._samples.popleft()

    @property
    def events(self) -> float:
        """Return events a second; 0.0 if it is not known yet."""
        return self._per_second(1)

    @property
    def bytes(self) -> float:
        """Return bytes a second, of the files as they are stored; 0.0 if it is not known yet."""
        return self._per_second(2)

    def _per_second(self, which: int) -> float:
        seconds = self._last[0] - self._samples[0][0]
        return (self._last[which] - self._samples[0][which]) / seconds if seconds > 0 else 0.0

    def seconds_left(self, size: int | None) -> float | None:
        """Return the seconds until `size` bytes are done; None if that can't be said."""
        speed = self.bytes
        return max(0.0, (size - self._last[2]) / speed) if size is not None and speed > 0 else None
