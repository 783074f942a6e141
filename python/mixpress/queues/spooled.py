"""`SpooledQueue`: tracked events in a spool. They are in the file when `track` returns, until they have a verdict.

Two threads of the queue maintain the file. One only syncs it in time: also while batches are made, and while all other
threads wait for a server that does not answer. The other makes batches of the events that are due, and takes over what
dead processes left.
"""
# Over 400 lines: every count of the queue is derived in one class, so that a call that is cut short can be mended.

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import suppress
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING

from mixpress import process
from mixpress._core import bracket
from mixpress.errors import SpoolError
from mixpress.flag import Flag
from mixpress.queues.event_queue import EventQueue, TrackedJob
from mixpress.spool.verdicts import SpooledVerdicts

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from mixpress._core import Batch, Encoder, Rejection
    from mixpress.clock import Clock
    from mixpress.log import RepeatLog
    from mixpress.queues.event_queue import QueueLimits
    from mixpress.report.report import Report
    from mixpress.report.reporter import Reporter
    from mixpress.report.verdicts import Verdicts
    from mixpress.send.workers import WorkerPool
    from mixpress.spool.spool import Spool
    from mixpress.spool.stored import StoredBatch

    Result = TypeVar("Result")
    Default = TypeVar("Default")

WITHIN_FILL = (
    "flush or close was called in the middle of a flush, by a signal handler or a __del__, and would wait for itself; "
    "set a flag there and call it after that flush has returned"
)

logger = logging.getLogger("mixpress")

RETRY_AFTER = 60.0
"""Seconds until a batch that was given up after every attempt is sent again."""
RECOVER_EVERY = 5.0
"""Seconds between two searches for events of dead processes."""
IDLE = 3600.0
"""Seconds that the syncing thread waits when nothing needs a sync: the next event wakes it."""
PAUSE = 1.0
"""Seconds until a failed step on the file is repeated."""
JOIN_TIMEOUT = 2.0
"""Seconds that `close` waits for each of the two threads."""
FINISH = methodcaller("finish")
NOT_OWN = -1
"""The `first` of a batch that another process left."""


class SpooledQueue(EventQueue):
    """A queue whose events wait in a file. The limits bound how many of them are in memory, as batches under way. The
    rest stays in the file, so the queue is never full, and `on_full` does not apply.

    `dirty` is the event that the spool sets when a sync becomes due.
    """

    is_durable = True

    def __init__(
        self,
        spool: Spool,
        dirty: threading.Event,
        encoder: Encoder,
        workers: WorkerPool,
        reporter: Reporter,
        limits: QueueLimits,
        clock: Clock,
        log: RepeatLog,
    ) -> None:
        super().__init__(encoder, workers, reporter, limits, clock, log)
        self._spool = spool
        self._dirty, self._wake = dirty, Flag()
        self._filling = threading.RLock()
        self._with_filling = bracket(self._filling.acquire, self._filling.release)
        self._is_filling = threading.Lock()
        """Taken during a fill, by the thread that holds `_filling`."""
        self._with_is_filling = bracket(self._is_filling.acquire, self._is_filling.release)
        self._is_fill_cut = False
        """Whether a fill ended in the middle. The next one looks for what that left."""
        self._unstored: deque[Batch] = deque()
        """Events that are written, each as a batch, and leave this as they are stored in the file."""
        self._jobs: set[SpooledJob] = set()
        self._deferred: list[tuple[float, StoredBatch, int]] = []
        """Batches without an answer: when each is due again, and the `first` of its job."""
        self._unentered: deque[SpooledJob] = deque()
        """Jobs whose verdicts could not be written to the file. Their batches are not sent again by this process."""
        self._packed = self._in_flight = 0
        """How many of the events handed in were packed; and events in jobs."""
        self._gone = self._taken = 0
        """Stored events that do not wait in the file any more; and unsettled events in the batches of this process."""
        self._recovered = float("-inf")
        self._threads: list[threading.Thread] = []
        self._stopped = False

    def start(self) -> None:
        """Start the two threads, which also deliver what other processes left in the file."""
        self._locked(self._start)

    def _start(self) -> None:
        if self.closed:
            return
        process.expect_exit()
        for name, work in (("mixpress-sync", self._run_sync), ("mixpress-spool", self._run_maintenance)):
            if any(thread.name == name and thread.ident is not None for thread in self._threads):
                continue
            thread = threading.Thread(target=work, name=name, daemon=True)
            try:
                thread.start()
            except (RuntimeError, MemoryError) as error:
                logger.debug("no thread could be started: %s", error)  # the next event tries again
            finally:
                if thread.ident is not None:
                    self._threads.append(thread)

    def pack(self) -> None:
        """Send everything in the file, as far as the limits allow."""
        if not self.closed:
            self._guarded(self._fill_all, None)

    def tend(self) -> float | None:
        """Return None: a thread of the queue does what is due."""
        return None

    def wait_for_room(self, cancelled: threading.Event) -> None:
        """Return at once: the file has room."""

    def wait_settled(self, ends: float | None, give_up: Callable[[], bool] | None = None) -> bool:
        """Wait until every event that was added before has its verdict, or was sent in vain; see `EventQueue`."""
        if self.closed:
            return True
        self._locked(self._check_and_catch_up)
        self._spool.sync()
        target = self._with_filling(self._expect_all)
        while True:
            self._settled.clear()
            self._fill(target)
            if self._locked(self._has_settled, target):
                return True
            if (give_up and give_up()) or not self._wait(ends):
                return False

    def _check_and_catch_up(self) -> None:
        self._check_reentry()
        self._catch_up()

    def _expect_all(self) -> int:
        """Make every batch due; return how many events must be packed."""
        self._retry_entering()
        return self._locked(self._make_due)

    def _make_due(self) -> int:
        self._deferred = [(0.0, batch, first) for _, batch, first in self._deferred]
        self._recovered = float("-inf")
        return self._spool.given

    def _has_settled(self, target: int) -> bool:
        return self._packed >= target and not any(job.first < target for job in list(self._jobs))

    def stop(self) -> None:
        """Create no more jobs: a job that is given up from here on stays given up."""
        self._stopped = True
        wait = bracket(partial(self._filling.acquire, True, JOIN_TIMEOUT), self._filling.release)
        with suppress(RuntimeError):  # after the timeout there is nothing to release
            wait(bool)  # a thread that was creating a job has finished

    def close(self) -> int:
        """Leave the remaining events in the file, for the process that opens it next; return how many."""
        self._stopped = self.closed = True
        with suppress(SpoolError, ValueError):  # of a file that an earlier call has closed
            self._locked(self._catch_up)
        self._dirty.set()
        self._wake.set()
        for thread in list(self._threads):
            if not self._workers.forked:
                thread.join(JOIN_TIMEOUT)
        self._with_filling(self._retry_entering)
        self._guarded(self._spool.close, None)
        if self._unentered:
            again = sum(job.verdicts.batch.count - job.verdicts.left_count for job in self._unentered)
            logger.warning(
                "%d events that the server has could not be taken out of the spool %s, and will be sent again",
                again,
                self._spool.path,
            )
        if self.unsettled:
            logger.warning("%d events stay in the spool %s", self.unsettled, self._spool.path)
        return self.unsettled

    @property
    def unsettled(self) -> int:
        """Events without a verdict."""
        return self._unpacked_now() + self._taken

    @property
    def counted(self) -> int:
        """Events without a verdict that the totals have."""
        return self._taken - sum(job.batch.count for job in self._all_jobs() if not job.counted)

    def _unpacked_now(self) -> int:
        self._unpacked = self._spool.appended - self._gone
        return self._unpacked

    def settled(self, job: SpooledJob) -> None:
        """Report a job whose events have a verdict, or stay in the file to be sent again."""
        is_entered = self._guarded(job.verdicts.enter, None) is not None
        settled = job.stored.count - job.verdicts.left_count
        now = self._clock.monotonic()
        try:
            report = job.entered.close(settled, now - job.since, job.cancel_token.reason)
            if settled:
                self._reporter.on_report(report)
        finally:
            self._locked(self._remove, job, settled, report, is_entered)
            self._settled.set()
            self._wake.set()

    def _put_off(self, event: object) -> None:
        super()._put_off(event)
        self._wake.set()

    def _take(self, event: object, *, wait: bool) -> Rejection | None:  # noqa: ARG002 - the file has room
        return self._locked(self._offer, event)

    def _offer(self, event: object) -> Rejection | None:
        """Take an event, or put it off if another is being written. Within the lock."""
        if self._writing.locked():
            self._later.append(event)
            return None
        rejection = self._alone(self._enter, event)
        if self._later:
            self._write_later()
        return rejection

    def _entered(self, rejection: Rejection | None, event: object) -> None:
        if rejection is not None:
            self._spool.skip()
            self._reject(rejection, event)
            return
        self._store()
        if self._unpacked == 1:
            self._oldest = self._clock.monotonic()
            self._wake.set()
        elif self._spool.is_full and not self._is_crowded():
            self._wake.set()
        if len(self._threads) < 2:
            self._start()

    def _store(self) -> None:
        """Store the event in the file. A call that is cut short leaves it in `_encoding`, in `_unstored` or stored."""
        found = self._encoding.tallies()
        if found is not None and (found.truncated or found.warnings):
            self._period.rejected.packed(None, found)
        self._unstored.extend(map(FINISH, (self._encoding,)))
        try:
            self._spool.append(self._unstored[0].events()[0], then=self._unstored.popleft)
        except Exception:
            self._unstored.clear()
            self._spool.skip()
            raise
        self._unpacked_now()

    def _mend(self) -> None:
        while self._unstored:
            self._spool.append(self._unstored[0].events()[0], then=self._unstored.popleft)
        if len(self._encoding):
            self._store()
        self._spool.recount()
        self._unpacked_now()
        self._start()
        self._dirty.set()
        self._wake.set()

    def _all_jobs(self) -> list[TrackedJob]:
        return list(self._jobs)

    def _run_sync(self) -> None:
        while not self.closed:
            self._dirty.clear()
            due: float | None = PAUSE
            try:
                due = self._guarded(self._spool.sync_if_due, PAUSE)
            except Exception:
                logger.exception("the spool %s could not be synced", self._spool.path)
            if self._spool.log_is_long:
                self._wake.set()
            self._clock.wait(self._dirty, IDLE if due is None else due)

    def _run_maintenance(self) -> None:
        while not self.closed:
            self._wake.clear()
            due = PAUSE
            try:
                due = self._guarded(self._maintain, PAUSE)
            except Exception:
                logger.exception("the spool %s could not be maintained", self._spool.path)
            self._clock.wait(self._wake, due)

    def _maintain(self) -> float:
        """Do what is due; return the seconds until the next time."""
        self._locked(self._write_put_off)
        wants = [self._spool.renew(), RECOVER_EVERY]
        self._fill(self._locked(self._due))
        if self._unentered:
            wants.append(PAUSE)
        if self._unpacked and not self._is_crowded():
            wants.append(max(0.0, self._linger_left()))
        return min(wants)

    def _due(self) -> int:
        """Return how many events must be packed now."""
        return self._spool.given if self._unpacked and self._linger_left() <= 0 else 0

    def _linger_left(self) -> float:
        return self._oldest + self._limits.linger - self._clock.monotonic()

    def _fill_all(self) -> None:
        self._fill(self._spool.given)

    def _fill(self, target: int) -> None:
        """Create jobs: of retries that are due, of the first `target` events, of full batches, of abandoned events."""
        self._with_filling(self._fill_alone, target)

    def _fill_alone(self, target: int) -> None:
        if self._is_filling.locked():
            raise RuntimeError(WITHIN_FILL)
        self._with_is_filling(self._fill_whole, target)

    def _fill_whole(self, target: int) -> None:
        if self._is_fill_cut:
            self._mend_fill()
        self._is_fill_cut = True
        self._retry_entering()
        if not self._stopped:
            self._locked(self._put_deferred)
        self._make_batches(target)
        self._is_fill_cut = False

    def _make_batches(self, target: int) -> None:
        self._pack_own(target)
        self._recover()

    def _pack_own(self, target: int) -> None:
        while not self._stopped and not self._is_crowded() and (self._packed < target or self._spool.is_full):
            batch = self._spool.pack()
            self._locked(self._put_packed, batch, target)
            if batch is None:
                break

    def _mend_fill(self) -> None:
        """Count again what there is, and put each batch that the call that was cut short had leased."""
        leased = self._spool.leased()
        self._spool.recount()
        self._locked(self._mend_jobs, leased)

    def _mend_jobs(self, leased: StoredBatch | None) -> None:
        known = {job.stored.id for job in [*self._jobs, *self._unentered]}
        self._deferred = [one for one in self._deferred if one[1].id not in known]
        known.update(batch.id for _, batch, _ in self._deferred)
        unentered = sum(job.verdicts.left_count for job in self._unentered)
        deferred = sum(batch.count for _, batch, _ in self._deferred)
        self._in_flight = sum(job.stored.count for job in self._jobs)
        self._taken = self._in_flight + unentered + deferred
        bodies = [batch.body for _, batch, _ in self._deferred]
        bodies += [job.stored.body for job in [*self._jobs, *self._unentered]]
        self._held = sum(map(len, bodies))
        self._gone = self._spool.appended - self._spool.waiting[0]
        self._unpacked_now()
        if leased is not None and leased.id not in known:
            self._taken += leased.count
            self._put(leased, NOT_OWN, is_new=True)
        self._spool.received()
        self._workers.put_missing(list(self._jobs))

    def _put_packed(self, batch: StoredBatch | None, target: int) -> None:
        self._oldest = self._clock.monotonic()
        if batch is None:
            self._packed = max(self._packed, target)
            self._count_lost()
            return
        self._packed = batch.indexes[-1] + 1
        self._gone += batch.count
        self._taken += batch.count
        self._unpacked_now()
        self._put(batch, batch.indexes[0], is_new=True)

    def _count_lost(self) -> None:
        """Stop counting events that are no longer in the file, within the lock. Another process took them over, because
        this one did not renew its lease in time, and counts them now; or they were unreadable, and are in quarantine.
        """
        lost = self._unpacked_now() - self._spool.waiting[0]
        if lost:
            self._gone += lost
            self._unpacked_now()
            logger.warning("%d events of the spool %s went to another process or to quarantine", lost, self._spool.path)

    def _recover(self) -> None:
        now = self._clock.monotonic()
        if now < self._recovered + RECOVER_EVERY:
            return
        while not self._stopped and not self._is_crowded():
            batch = self._spool.take()
            if batch is None:
                self._recovered = now
                return
            self._locked(self._put_recovered, batch)

    def _put_recovered(self, batch: StoredBatch) -> None:
        self._taken += batch.count
        self._put(batch, NOT_OWN, is_new=True)

    def _due_again(self) -> list[tuple[float, StoredBatch, int]]:
        """Return the deferred batches that are sent now."""
        now = self._clock.monotonic()
        return [one for one in self._deferred if one[0] <= now]

    def _put_deferred(self) -> None:
        for one in self._due_again():
            _, batch, first = one
            self._held -= len(batch.body)
            self._put(batch, first, is_new=False)
            self._deferred = [other for other in self._deferred if other is not one]

    def _is_crowded(self) -> bool:
        """Return whether memory has as many events, or bytes, as the limits allow."""
        return self._in_flight >= self._limits.events or self._held >= self._limits.bytes

    def _put(self, batch: StoredBatch, first: int, *, is_new: bool) -> None:
        verdicts = self._reporter.tracked_verdicts()
        if is_new:
            verdicts.packed(batch)
        job = self._job(batch, verdicts, first, counted=not is_new)
        self._jobs.add(job)
        self._spool.received()
        self._held += len(batch.body)
        self._in_flight += batch.count
        self._workers.put(job)

    def _job(self, batch: StoredBatch, verdicts: Verdicts, first: int, *, counted: bool) -> SpooledJob:
        spooled = SpooledVerdicts(self._spool, batch, verdicts, final=False)
        return SpooledJob(self, spooled, verdicts, first, self._clock.monotonic(), counted=counted)

    def _remove(self, job: SpooledJob, settled: int, report: Report, is_entered: bool) -> None:
        self._period.settled.add_report(report)
        self._jobs.remove(job)
        self._taken -= settled
        self._in_flight -= job.stored.count
        if is_entered:
            self._defer(job)
        else:
            self._unentered.append(job)

    def _defer(self, job: SpooledJob) -> None:
        """Retry later what no answer came for, and forget the rest. Within the lock."""
        due = self._clock.monotonic() + RETRY_AFTER
        left = job.verdicts.left
        self._held += sum(len(part.body) for part in left) - len(job.stored.body)
        self._deferred = [*((due, part, job.first) for part in left), *self._deferred]

    def forget_sent(self, verdicts: SpooledVerdicts) -> None:
        """Remove the mark of a batch that the server has not taken."""
        self._guarded(verdicts.not_taken, None)

    def _retry_entering(self) -> None:
        """Enter the verdicts that the file did not accept when they came. They are counted already: events with a
        verdict are not sent again, and events without one wait until their row is written. Requires `_filling`.
        """
        while self._unentered:
            job = self._unentered[0]
            before = job.verdicts.left_count
            if self._guarded(job.verdicts.enter, None) is None:
                return
            self._locked(self._entered_late, job, before - job.verdicts.left_count)

    def _entered_late(self, job: SpooledJob, gone: int) -> None:
        self._unentered.popleft()
        self._defer(job)
        self._taken -= gone  # another process took the batch over, and counts what had no verdict
        self._reporter.totals.add(accepted=-gone)

    def _guarded(self, step: Callable[[], Result], default: Default) -> Result | Default:
        """Return what `step` returns; log a `SpoolError` and return `default`, as the step will be repeated."""
        try:
            return step()
        except SpoolError as error:
            self._log.tell(logging.ERROR, str(error), "%s", error)
        except ValueError:  # the spool was closed meanwhile
            if not self.closed:
                raise
        return default


class SpooledJob(TrackedJob):
    """A stored batch under way. `first` is the number of its first event in this process, or `NOT_OWN`.

    `entered` are the verdicts for the report; `verdicts` also enters them in the file.
    """

    verdicts: SpooledVerdicts
    _queue: SpooledQueue

    def __init__(
        self,
        queue: SpooledQueue,
        verdicts: SpooledVerdicts,
        entered: Verdicts,
        first: int,
        since: float,
        *,
        counted: bool,
    ) -> None:
        super().__init__(queue, verdicts.batch, verdicts, since, counted=counted)
        self.stored = verdicts.batch
        self.entered = entered
        self.first = first

    def not_taken(self) -> None:
        """Remove the mark that a request is under way."""
        self._queue.forget_sent(self.verdicts)

    def done(self) -> None:
        """Report the batch, and enter its verdicts in the file."""
        self._queue.settled(self)
