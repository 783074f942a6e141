"""`ImportHistory`: how an import went over time, and what its events were like. A report's charts show it."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from mixpress.clock import REAL
from mixpress.report.measures import DAY_MS, milliseconds, size_class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress.clock import Clock
    from mixpress.report.report import Progress

MAX_SAMPLES = 400
"""When there are so many, every second one goes, and the next ones come half as often."""
FIRST_STEP = 0.25
"""Seconds between two samples at first."""
MAX_DAYS = 20_000
"""Days that are counted one by one: 54 years. Events of further days are not counted."""


class Sample(NamedTuple):
    """The state at one moment, counted from the start."""

    seconds: float
    events: int
    """Events that the server answered."""
    failed: int
    bytes: int
    """Bytes of the files as they are stored."""
    rate_waited: float
    """Seconds that the import waited for the rate limit."""
    retry_waited: float
    """Seconds that it waited for a retry."""


START = Sample(0.0, 0, 0, 0, 0.0, 0.0)


class ImportHistory:
    """Samples of an import, and measures of its events, in bounded memory.

    `add` is the `on_progress` of an import, or is called by it. `add_events` takes the JSON of events, on any thread.
    """

    def __init__(self, clock: Clock = REAL) -> None:
        self.samples: list[Sample] = [START]
        self.days: Counter[int] = Counter()
        """Day since the epoch, in UTC -> events."""
        self.sizes: Counter[int] = Counter()
        """Number of a class of sizes -> events; see `measures.largest_size`."""
        self._clock = clock
        self._started = clock.monotonic()
        self._step = FIRST_STEP
        self._last = START
        self._lock = threading.Lock()

    def add(self, progress: Progress) -> None:
        """Note the state of the import. The time since the call before counts as what this one waits for."""
        last, seconds = self._last, self._clock.monotonic() - self._started
        since = seconds - last.seconds
        retry = since if progress.retry_wait > 0 or progress.paused else 0.0
        rate = since if progress.rate_wait > 0 and not retry else 0.0
        failed = progress.rejected + progress.refused + progress.undelivered
        self._last = Sample(
            seconds,
            progress.imported + progress.refused,
            failed,
            progress.done,
            last.rate_waited + rate,
            last.retry_waited + retry,
        )
        if seconds - self.samples[-1].seconds >= self._step:
            self.samples.append(self._last)
            if len(self.samples) > MAX_SAMPLES:
                self.samples = self.samples[::2]
                self._step *= 2

    def end(self) -> None:
        """Keep the last state as a sample."""
        if self._last is not self.samples[-1]:
            self.samples.append(self._last)

    def add_events(self, texts: Sequence[bytes]) -> None:
        """Count the days and sizes of events, given as the JSON that is sent."""
        sizes = Counter(size_class(len(text)) for text in texts)
        events = json.loads(b"[%b]" % b",".join(texts))  # an update of a profile has no time
        times = [milliseconds(event["properties"].get("time")) for event in events if "properties" in event]
        days = Counter(time // DAY_MS for time in times if time is not None)
        with self._lock:
            self.sizes.update(sizes)
            self.days.update({day: n for day, n in days.items() if day in self.days or len(self.days) < MAX_DAYS})
