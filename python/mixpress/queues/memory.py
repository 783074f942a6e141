"""`MemoryQueue`: tracked events in memory, packed when a batch is full or due."""

from __future__ import annotations

import logging
from collections import deque
from enum import Enum
from operator import methodcaller
from typing import TYPE_CHECKING

from mixpress.errors import QueueFull
from mixpress.queues.event_queue import EventQueue, TrackedJob

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable

    from mixpress._core import Encoder, Rejection, Tallies
    from mixpress.batch import SendableBatch
    from mixpress.clock import Clock
    from mixpress.log import RepeatLog
    from mixpress.queues.event_queue import QueueLimits
    from mixpress.report.report import Report
    from mixpress.report.reporter import Reporter
    from mixpress.report.verdicts import Verdicts
    from mixpress.send.workers import WorkerPool


FINISH = methodcaller("finish")


class Full(Enum):
    """The type of `FULL`."""

    FULL = 0


FULL = Full.FULL
"""What an offer returns where the queue has no room."""


class MemoryQueue(EventQueue):
    """A queue whose events are lost with the process."""

    is_durable = False

    def __init__(
        self,
        encoder: Encoder,
        workers: WorkerPool,
        reporter: Reporter,
        limits: QueueLimits,
        clock: Clock,
        log: RepeatLog,
    ) -> None:
        super().__init__(encoder, workers, reporter, limits, clock, log)
        self._jobs: set[_MemoryJob] = set()
        self._uncompressed: set[_MemoryJob] = set()
        self._finished: deque[SendableBatch] = deque()
        """Batches that become jobs."""
        self._found: Tallies | None = None
        """What was found in the newest of them."""
        self._in_jobs = 0
        """Events of the jobs."""

    def start(self) -> None:
        """Start nothing: the workers start with the first event."""

    def pack(self) -> None:
        """Send the open batch."""
        self._locked(self._pack)

    def tend(self) -> float | None:
        """Send the open batch if it is due; return the seconds until it is, or None without one."""
        return self._locked(self._tend)

    def _tend(self) -> float | None:
        self._write_put_off()
        if not self._unpacked or self._writing.locked():
            return None
        left = self._oldest + self._limits.linger - self._clock.monotonic()
        if left > 0:
            return left
        self._pack()
        return None

    def wait_for_room(self, cancelled: threading.Event) -> None:
        """Wait until the queue is not full, or `cancelled` is set."""
        while not cancelled.is_set() and not self._locked(self._has_room):
            self._wait(None)

    def _has_room(self) -> bool:
        """Return whether the queue is not full; make what waits leave it otherwise."""
        if not self._is_full():
            return True
        self._pack()
        self._settled.clear()
        return False

    def wait_settled(self, ends: float | None, give_up: Callable[[], bool] | None = None) -> bool:
        """Wait until every event that was added before has its verdict; see `EventQueue`."""
        wanted = self._locked(self._all_packed)
        while True:
            self._settled.clear()
            wanted = self._locked(wanted.intersection, self._jobs)
            if not wanted:
                return True
            if (give_up and give_up()) or not self._wait(ends):
                return False

    def _all_packed(self) -> set[_MemoryJob]:
        self._check_reentry()
        self._pack()
        return set(self._jobs)

    def stop(self) -> None:
        """Stop nothing: no thread of the queue creates jobs."""

    def close(self) -> int:
        """Close nothing: no event outlives the process."""
        return 0

    def compress(self, job: _MemoryJob) -> None:
        """Compress a batch. A worker calls this without the lock; if two threads do, the first one counts."""
        self._locked(self._compressed, job, len(job.batch.body))

    def _compressed(self, job: _MemoryJob, size: int) -> None:
        if job in self._uncompressed:
            self._uncompressed.remove(job)
            self._held += size - job.batch.raw_size

    def settled(self, job: _MemoryJob) -> None:
        """Report a batch whose events all have a verdict. Callbacks run before `wait_settled` returns."""
        elapsed = self._clock.monotonic() - job.since
        report = job.verdicts.close(job.batch.count, elapsed, job.cancel_token.reason)
        try:
            self._reporter.on_report(report)
        finally:
            self._locked(self._remove, job, report)
            self._settled.set()

    def _remove(self, job: _MemoryJob, report: Report) -> None:
        self._period.settled.add_report(report)
        size, count = self._size(job), job.batch.count
        self._jobs.discard(job)
        self._uncompressed.discard(job)
        self._held -= size
        self._in_jobs -= count
        self._unsettled = self._unpacked + self._in_jobs

    def _take(self, event: object, *, wait: bool) -> Rejection | None:
        rejection = self._locked(self._offer, event)
        return self._add_to_full(event, wait=wait) if rejection is FULL else rejection

    def _offer(self, event: object) -> Rejection | Full | None:
        """Take an event, or put it off if another is being written; return `FULL` without room. Within the lock."""
        if self._writing.locked():
            self._later.append(event)
            return None
        if (self._unsettled >= self._limits.events or self._held >= self._limits.bytes) and self._is_full():
            return FULL
        rejection = self._alone(self._enter, event)
        if self._later:
            self._write_later()
        return rejection

    def _add_to_full(self, event: object, *, wait: bool) -> Rejection | None:
        """Take an event as the limits say for a full queue."""
        if self._limits.on_full == "drop":
            self._drop()
            return None
        if self._limits.on_full == "raise" or not wait or self._workers.is_worker():
            raise QueueFull(f"the queue is full: {self._unsettled} events wait, {self._held} bytes")
        ends: float | None = None
        if self._limits.block_timeout is not None:
            ends = self._clock.monotonic() + self._limits.block_timeout
        while True:
            if self._locked(self._has_room):
                rejection = self._locked(self._offer, event)
                if rejection is not FULL:
                    return rejection
            if not self._wait(ends):
                raise QueueFull(
                    f"the queue stayed full for {self._limits.block_timeout} s: {self._unsettled} events wait"
                )

    def _drop(self) -> None:
        """Count a dropped event, outside of the lock: a log handler may be slow."""
        self._reporter.totals.add(accepted=1, dropped=1)
        reason = "an event was dropped because the queue is full"
        self._log.tell(logging.WARNING, reason, "%s: %d events wait", reason, self._unsettled)

    def _is_full(self) -> bool:
        if self._held >= self._limits.bytes:
            for job in list(self._uncompressed):
                self.compress(job)
        return self._unsettled >= self._limits.events or self._held >= self._limits.bytes

    def _entered(self, rejection: Rejection | None, event: object) -> None:
        self._unpacked = unpacked = len(self._encoding)
        self._unsettled = unpacked + self._in_jobs
        if rejection is not None:
            self._reject(rejection, event)
        if self._encoding.full:
            self._finish()
            self._launch()
        elif (unpacked == 1 and rejection is None) or not self._workers.called:
            self._open()

    def _all_jobs(self) -> Iterable[_MemoryJob]:
        return self._jobs

    def _count(self) -> None:
        self._unpacked = len(self._encoding)
        self._unsettled = self._unpacked + self._in_jobs

    def _mend(self) -> None:
        launched = {id(job.batch) for job in self._jobs}
        while self._finished and id(self._finished[0]) in launched:
            self._finished.popleft()
        self._uncompressed &= self._jobs
        self._in_jobs = sum(job.batch.count for job in self._jobs)
        self._held = sum(self._size(job) for job in self._jobs)
        if self._encoding.full:
            self._finish()
        self._launch()
        self._count()
        self._workers.put_missing(list(self._jobs))

    def _open(self) -> None:
        """Note the first event of a batch, and let a worker wait until the batch is due."""
        if self._unpacked == 1:
            self._oldest = self._clock.monotonic()
        self._workers.nudge()

    def _pack(self) -> None:
        """Send the open batch. An event that did not fit into it is the first of the next one."""
        if self._writing.locked():
            return
        self._alone(self._mended, self._pack_alone)
        if self._later:
            self._write_later()
            self._alone(self._mended, self._pack_alone)

    def _pack_alone(self) -> None:
        if len(self._encoding):
            self._finish()
        self._launch()

    def _finish(self) -> None:
        """Move the open batch to `_finished`. No exception can come between its end and its arrival there."""
        self._found = self._encoding.tallies()
        self._finished.extend(map(FINISH, (self._encoding,)))

    def _launch(self) -> None:
        """Send the finished batches.

        The gzip of a batch takes milliseconds, so the worker that sends it compresses it. If no worker is free it is
        compressed here: while it waits, it would take about ten times the memory.
        """
        while self._finished:
            batch = self._finished[0]
            verdicts = self._reporter.tracked_verdicts()
            job = _MemoryJob(self, batch, verdicts, self._clock.monotonic())
            verdicts.packed(batch, self._found)
            self._uncompressed.add(job)
            self._jobs.add(job)
            self._finished.popleft()
            self._found = None
            self._held += batch.raw_size
            self._in_jobs += batch.count
            if not self._workers.has_free_worker():
                self.compress(job)
            self._workers.put(job)
        self._count()
        if self._unpacked:
            self._open()

    def _size(self, job: _MemoryJob) -> int:
        """Return the bytes that a batch holds. Reading `body` compresses, which may be wasted."""
        return job.batch.raw_size if job in self._uncompressed else len(job.batch.body)


class _MemoryJob(TrackedJob):
    """A batch in memory under way."""

    verdicts: Verdicts
    _queue: MemoryQueue

    def prepare(self) -> None:
        """Count the events, and compress the batch unless it is given up."""
        super().prepare()
        if not self.cancel_token.is_set():
            self._queue.compress(self)

    def done(self) -> None:
        """Report the batch."""
        self._queue.settled(self)
