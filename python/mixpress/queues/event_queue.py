"""`EventQueue`: what the queue in memory and the queue in a spool have in common."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from mixpress import process
from mixpress._core import bracket, in_bracket, together
from mixpress.flag import Flag
from mixpress.send.job import CancelToken, Job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mixpress._core import Encoder, Rejection
    from mixpress.batch import SendableBatch
    from mixpress.clock import Clock
    from mixpress.log import RepeatLog
    from mixpress.report.builder import ReportBuilder
    from mixpress.report.report import Failure, Report
    from mixpress.report.reporter import Reporter
    from mixpress.report.stats import Stats
    from mixpress.report.verdicts import Verdicts, VerdictSink
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


class Period(NamedTuple):
    """What the next report is made of: one object, so that one step replaces it."""

    settled: ReportBuilder
    """The batches whose events have their verdicts."""
    rejected: Verdicts
    """The verdicts on events that broke a rule."""
    since: float


class TrackedJob(Job):
    """A batch of tracked events under way.

    `counted`: whether the totals have its events. Until the worker counts them, `stats` counts them as waiting: the
    call that makes the job may be cut short.
    """

    def __init__(
        self, queue: EventQueue, batch: SendableBatch, verdicts: VerdictSink, since: float, *, counted: bool = False
    ) -> None:
        super().__init__(batch, verdicts, CancelToken("given up"), patient=True)
        self._queue = queue
        self.since = since
        self.counted = counted

    def prepare(self) -> None:
        """Count the events."""
        self._queue.accept(self)


class EventQueue(ABC):
    """Checks and writes each tracked event at once, and turns the events into batches for the workers.

    Thread-safe and reentrant: any thread may call it, also from within a call that it makes itself. Callbacks are
    called outside of every lock. An exception out of a signal handler may end a call at any line.
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
        self._locked = bracket(self._lock.acquire, self._lock.release)
        self._writing = threading.Lock()
        """Taken while an event is written, by the thread that holds `_lock`."""
        self._alone = bracket(self._writing.acquire, self._writing.release)
        """Runs a step in which events that are tracked are put off: a `__del__` may do so at any allocation."""
        self._settled = Flag()
        """Set whenever a batch has its verdicts."""
        self._encoding = encoder.builder()
        self._is_cut = False
        """Whether a call ended in the middle, by an exception of the event or out of a signal handler. The next call
        counts again what there is."""
        self._later: deque[object] = deque()
        """Events that were tracked while another was written, or while their thread held another lock: by the own code
        of an event, a signal handler or a `__del__`."""
        self._unpacked = 0
        """Events in no batch yet; the oldest since `_oldest`."""
        self._oldest = 0.0
        self._unsettled = 0
        self._held = 0
        """Bytes of the bodies in memory."""
        self._untold: deque[Failure] = deque()
        """Rejections that `on_failure` was not called with yet."""
        self._period = self._new_period()

    def add(self, event: object, *, wait: bool = True) -> Rejection | None:
        """Take an event, or return why it is rejected.

        A full queue acts as its limits say; with `wait=False` it raises `QueueFull` instead of blocking.
        """
        if in_bracket() and not self._lock._is_owned():  # type: ignore[attr-defined]
            self._put_off(event)
            return None
        rejection = self._take(event, wait=wait)
        if self._untold:
            self._tell_rejections()
        if process.state.ending is not None:
            self.on_late()
        return rejection

    def _put_off(self, event: object) -> None:
        """Take an event of a `__del__` or a signal handler that came while this thread holds another lock of ours.

        It can't wait for the lock of the queue: the thread that has it may wait for that other one.
        """
        self._later.append(event)
        self._workers.wake_all()

    def _write_put_off(self) -> None:
        """Write the events that were put off, if no call of this thread does so anyway. Within the lock."""
        if self._later and not self._writing.locked():
            self._catch_up()

    def report(self) -> Report:
        """Return what was settled since the last report."""
        return self._locked(self._take_report)

    def _take_report(self) -> Report:
        self._check_reentry()
        self._catch_up()
        following, period = self._new_period(), self._period
        report = self._reporter.builder()
        report.add_report(period.settled.report(elapsed=0.0))
        report.add_report(period.rejected.close(period.rejected.count, 0.0, ""))
        made = self._reporter.named(report.report(pending=self.unsettled, elapsed=following.since - period.since))
        keep, give = partial(setattr, self, "_period", following), partial(max, (made,))
        return together(keep, give)[1]  # type: ignore[no-any-return] # no line between: the report would be lost there

    def _new_period(self) -> Period:
        return Period(self._reporter.builder(), self._reporter.tracked_verdicts(), self._clock.monotonic())

    def stats(self) -> Stats:
        """Return what became of all events of the client, those in the open batch included."""
        stats = self._locked(self._take_stats)
        if self._later:
            self._locked(self._write_put_off)
        return stats

    def _take_stats(self) -> Stats:
        if not self._writing.locked():
            self._catch_up()
        uncounted = sum(job.batch.count for job in self._all_jobs() if not job.counted)
        return self._reporter.totals.stats(self._unpacked + uncounted)

    def accept(self, job: TrackedJob) -> None:
        """Count the events of a job in the totals, once."""
        self._locked(self._accept, job)

    def _accept(self, job: TrackedJob) -> None:
        if not job.counted:
            counts = {"accepted": job.batch.count}
            together(partial(self._reporter.totals.append, counts), partial(setattr, job, "counted", True))

    @property
    def unsettled(self) -> int:
        """Events without a verdict."""
        return self._unsettled

    @property
    def counted(self) -> int:
        """Events without a verdict that the totals have, of a queue that leaves them to the next one."""
        return 0

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
    def _take(self, event: object, *, wait: bool) -> Rejection | None:
        """Implement `add`: take an event, or put it off if another is being written."""

    @abstractmethod
    def _entered(self, rejection: Rejection | None, event: object) -> None:
        """Count an event that the encoder was given. Runs in `_alone`."""

    @abstractmethod
    def _mend(self) -> None:
        """Count again what there is, and go on with what a call that was cut short left. Runs in `_alone`."""

    @abstractmethod
    def _all_jobs(self) -> Iterable[TrackedJob]:
        """Return the jobs whose events are unsettled."""

    def _write_later(self) -> None:
        while self._later:
            self._alone(self._mended, self._enter_later)

    def _enter_later(self) -> None:
        """Write the first of the events that were put off. It leaves them in the same step as it enters the batch."""
        event = self._later[0]
        try:
            rejection = together(partial(self._encoding.add, event), self._later.popleft)[0]
        except Exception:
            self._later.popleft()
            raise
        self._entered(rejection, event)

    def _enter(self, event: object) -> Rejection | None:
        """Write an event and count it. An exception leaves `_is_cut` set. Runs in `_alone`."""
        if self._is_cut:
            self._mend()
        self._is_cut = True
        rejection = self._encoding.add(event)
        self._entered(rejection, event)
        self._is_cut = False
        return rejection

    def _mended(self, step: Callable[..., Result], *values: object) -> Result:
        """Return what `step` returns. An exception leaves `_is_cut` set. Runs in `_alone`."""
        if self._is_cut:
            self._mend()
        self._is_cut = True
        result = step(*values)
        self._is_cut = False
        return result

    def _catch_up(self) -> None:
        """Go on with what a call that was cut short left. Within the lock, with nothing being written."""
        if self._is_cut:
            self._alone(self._mend_alone)
        self._write_later()

    def _mend_alone(self) -> None:
        self._mend()
        self._is_cut = False

    def _check_reentry(self) -> None:
        """Raise `RuntimeError` inside a call of `track` of this thread, which the caller waits for. In the lock."""
        if self._writing.locked():
            raise RuntimeError(
                "flush or close was called in the middle of track, by a signal handler, a __del__ or the event's "
                "own code, and would wait for itself; set a flag there and call it after track has returned"
            )

    def _reject(self, rejection: Rejection, event: object) -> None:
        """Enter the verdict on an event that breaks a rule, within the lock."""
        self._untold.append(self._period.rejected.reject(rejection, event))

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
