"""`EventQueue`: what the queue in memory and the queue in a spool have in common."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from mixpress import process
from mixpress.flag import Flag

if TYPE_CHECKING:
    from collections.abc import Callable

    from mixpress._core import Encoder, Rejection
    from mixpress.clock import Clock
    from mixpress.log import RepeatLog
    from mixpress.report.report import Failure, Report
    from mixpress.report.reporter import Reporter
    from mixpress.report.stats import Stats
    from mixpress.send.workers import WorkerPool

Result = TypeVar("Result")
OnFull = Literal["block", "raise", "drop"]

POLL = 0.2
"""Seconds between two checks of a state whose change is not signalled."""


@dataclass(frozen=True)
class QueueLimits:
    """How many events may wait, how long they wait for others, and what a full queue does.

    `events` and `bytes` bound what has no verdict yet. The bytes are those of the bodies, before gzip until a batch is
    compressed; one open batch comes on top. An event waits up to `linger` seconds for others.
    """

    events: int = 100_000
    bytes: int = 64_000_000
    linger: float = 1.0
    on_full: OnFull = "block"
    block_timeout: float | None = None


class EventQueue(ABC):
    """Checks and writes each tracked event at once, and turns the events into batches for the workers.

    Thread-safe and reentrant: any thread may call it, also from within a call that it makes itself. Callbacks are
    called outside of every lock.
    """

    is_durable: bool
    """Whether its events outlive the process."""
    closed = False
    on_late: Callable[[], object] = staticmethod(lambda: None)
    """Called after each event that was tracked at the exit of the process."""

    def __init__(
        self,
        encoder: Encoder,
        workers: WorkerPool,
        reporter: Reporter,
        limits: QueueLimits,
        clock: Clock,
        log: RepeatLog,
    ) -> None:
        self._workers = workers
        self._reporter = reporter
        self._limits = limits
        self._clock = clock
        self._log = log
        self._lock = threading.RLock()
        self._settled = Flag()
        """Set whenever a batch has its verdicts."""
        self._encoding = encoder.builder()
        self._is_writing = False
        self._is_cut = False
        """Whether a call ended in the middle, by an exception of the event or out of a signal handler. The next call
        counts again what there is."""
        self._later: deque[object] = deque()
        """Events that were tracked while another was written, by its own code, a signal handler or a `__del__`."""
        self._unpacked = 0
        """Events in no batch yet; the oldest since `_oldest`."""
        self._oldest = 0.0
        self._unsettled = 0
        self._held = 0
        """Bytes of the bodies in memory."""
        self._rejected = reporter.tracked_verdicts()
        self._untold: deque[Failure] = deque()
        """Rejections that `on_failure` was not called with yet."""
        self._report = reporter.builder()
        self._since = clock.monotonic()

    def add(self, event: object, *, wait: bool = True) -> Rejection | None:
        """Take an event, or return why it is rejected.

        A full queue acts as its limits say; with `wait=False` it raises `QueueFull` instead of blocking.
        """
        rejection = self._add(event, wait=wait)
        if self._untold:
            self._tell_rejections()
        if process.state.ending is not None:
            self.on_late()
        return rejection

    def report(self) -> Report:
        """Return what was settled since the last report."""
        with self._lock:
            self._check_reentry()
            now = self._clock.monotonic()
            report, self._report = self._report, self._reporter.builder()
            rejected, self._rejected = self._rejected, self._reporter.tracked_verdicts()
            since, self._since = self._since, now
            pending = self._unsettled
        report.add_report(rejected.close(rejected.count, 0.0, ""))
        return report.report(pending=pending, elapsed=now - since)

    def stats(self) -> Stats:
        """Return what became of all events of the client, those in the open batch included."""
        with self._lock:
            return self._reporter.totals.stats(self._unpacked)

    @property
    def unsettled(self) -> int:
        """Events without a verdict."""
        return self._unsettled

    @abstractmethod
    def start(self) -> None:
        """Start what does not wait for the first event."""

    @abstractmethod
    def pack(self) -> None:
        """Send the events that wait for others."""

    @abstractmethod
    def tend(self) -> float | None:
        """Do what a worker must do in time; return the seconds until the next is due, or None."""

    @abstractmethod
    def wait_for_room(self, cancelled: threading.Event) -> None:
        """Wait until the queue is not full, or `cancelled` is set."""

    @abstractmethod
    def wait_settled(self, ends: float | None, give_up: Callable[[], bool] | None = None) -> bool:
        """Wait until every event that was added before has its verdict.

        Return False if the clock reaches `ends`, or `give_up` returns True, before that.
        """

    @abstractmethod
    def stop(self) -> None:
        """Create no more jobs, except by calls of `add` and `pack`."""

    @abstractmethod
    def close(self) -> int:
        """Close a durable queue; return how many events remain in it."""

    @abstractmethod
    def _add(self, event: object, *, wait: bool) -> Rejection | None:
        """Make room for an event, and write it."""

    @abstractmethod
    def _enter(self, event: object) -> Rejection | None:
        """Write an event and count it. Runs in `_alone`."""

    @abstractmethod
    def _mend(self) -> None:
        """Count again what there is, and go on with what a call that was cut short left. Runs in `_alone`."""

    def _write(self, event: object) -> Rejection | None:
        """Write an event, and those that were tracked meanwhile. Within the lock, with nothing else being written."""
        rejection = self._alone(self._enter, event)
        while self._later:
            self._alone(self._enter, self._later.popleft())
        return rejection

    def _alone(self, step: Callable[..., Result], *values: object) -> Result:
        """Return what `step` returns. Events that are tracked meanwhile are put off; so the step may be interrupted by
        a `__del__` at any allocation. An exception leaves `_is_cut` set.
        """
        try:
            self._is_writing = True
            if self._is_cut:
                self._mend()
            self._is_cut = True
            result = step(*values)
            self._is_cut = False
        finally:
            self._is_writing = False
        return result

    def _check_reentry(self) -> None:
        """Raise `RuntimeError` inside a call of `track` of this thread, which the caller waits for. In the lock."""
        if self._is_writing:
            raise RuntimeError(
                "flush or close was called in the middle of track, by a signal handler, a __del__ or the event's "
                "own code, and would wait for itself; set a flag there and call it after track has returned"
            )

    def _reject(self, rejection: Rejection, event: object) -> None:
        """Enter the verdict on an event that breaks a rule, within the lock."""
        self._untold.append(self._rejected.reject(rejection, event))

    def _tell_rejections(self) -> None:
        """Call `on_failure`, outside of the lock. Two threads may do so at the same time."""
        with suppress(IndexError):
            while True:
                self._reporter.on_failure(self._untold.popleft())

    def _wait(self, ends: float | None) -> bool:
        """Wait until a batch is settled, or for a moment; return False once the clock has reached `ends`."""
        self._workers.help_on(ends)
        if self._workers.forked:
            raise RuntimeError("forked during this call; retry on the child's client")
        if ends is None:
            self._settled.wait(POLL)
            return True
        left = ends - self._clock.monotonic()
        if left <= 0:
            return False
        self._clock.wait(self._settled, min(left, POLL))
        return True
