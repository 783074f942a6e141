"""`Run`: deliver a sequence of batches and return one report. An import and the drain of a spool are runs."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from mixpress.errors import MixpressError
from mixpress.flag import Flag
from mixpress.send.job import Job

if TYPE_CHECKING:
    from collections.abc import Callable

    from mixpress.batch import SendableBatch
    from mixpress.clock import Clock
    from mixpress.dead_letter import DeadLetter
    from mixpress.report.report import Progress, Report
    from mixpress.report.verdicts import Verdicts, VerdictSink
    from mixpress.send.job import CancelToken
    from mixpress.send.sender import Sender
    from mixpress.send.workers import WorkerPool

logger = logging.getLogger("mixpress")

TICK = 0.2
"""Seconds between two reports of progress while the caller's thread waits."""
GRACE = 1.0
"""Seconds for idle workers to exit."""


class Run(ABC):
    """Batches are created in the caller's thread and sent by the workers.

    At most twice as many batches as there are workers are under way, which bounds the memory. `on_progress` is called
    in the caller's thread.
    """

    def __init__(
        self,
        workers: WorkerPool,
        sender: Sender,
        verdicts: Verdicts,
        clock: Clock,
        cancel_token: CancelToken,
        *,
        dead_letter: DeadLetter | None,
        on_progress: Callable[[Progress], object] | None,
    ) -> None:
        self._workers = workers
        self._sender = sender
        self._verdicts = verdicts
        self._clock = clock
        self._dead_letter = dead_letter
        self._on_progress = on_progress
        self._started = clock.monotonic()
        self._under_way: set[RunJob] = set()
        self._settled = Flag()
        self.cancel_token = cancel_token

    def run(self) -> Report:
        """Deliver the batches, and return the report or raise the error that ended the run, with its `.report`."""
        try:
            raised = self._feed()
            self._wait(0)
            self._workers.join_idle(GRACE)
            self._tick()
        except BaseException as error:
            if self._workers.forked:  # nothing of the parent's is touched: a thread of it may have held a lock
                raise
            self._abandon()
            raised = self._after_error(error)
        report = self._close()
        self._raise(report, raised)
        return report

    @abstractmethod
    def _feed(self) -> Exception | None:
        """Put every batch. An exception that is to be raised after their delivery is returned."""

    @property
    @abstractmethod
    def _total(self) -> int:
        """Events read so far."""

    def _after_error(self, error: BaseException) -> Exception:
        """Raise an error that ended the run, or return it to be raised with a report."""
        raise error

    def _with_report(self, cause: Exception, report: Report) -> Exception:
        """Return the exception to raise for `cause`."""
        if isinstance(cause, MixpressError):
            cause.report = report
        return cause

    def _put(self, batch: SendableBatch, verdicts: VerdictSink, profiles: frozenset[int] | None = None) -> None:
        """Send a batch once there is room for it; of updates, with hashes of their profiles."""
        job = RunJob(self, batch, verdicts)
        job.profiles = profiles
        self._put_job(job)

    def _put_job(self, job: RunJob) -> None:
        self._wait(2 * self._workers.size - 1)
        self._add_job(job)
        self._tick()

    def _add_job(self, job: RunJob) -> None:
        self._under_way.add(job)
        self._workers.put(job)

    def accept(self, batch: SendableBatch) -> None:
        """Count the events of a batch, on the worker that sends it: the caller's thread may be interrupted."""
        self._verdicts.accept(batch)

    def job_done(self, job: RunJob) -> None:
        """Count a job that is done."""
        self._under_way.discard(job)
        self._settled.set()

    def _wait(self, most: int) -> None:
        """Wait until at most `most` jobs are under way."""
        while True:
            self.check_fork()
            self._settled.clear()
            if len(self._under_way) <= most:
                return
            self._workers.help_on(None)
            self._settled.wait(TICK)
            self._tick()

    def check_fork(self) -> None:
        """Raise `RuntimeError` in a child that was forked during this call."""
        if self._workers.forked:
            raise RuntimeError("forked during this call; the call continues in the parent")

    def _tick(self) -> None:
        if self._on_progress:
            self._on_progress(self._progress())

    def _progress(self) -> Progress:
        return self._verdicts.progress(self._total, self._sender.backoff.paused())

    def _abandon(self) -> None:
        """Give up the jobs that wait, cut off those under way, and wait for both."""
        self._on_progress = None
        self.cancel_token.cancel(None)
        self._workers.withdraw(self.cancel_token)
        for job in list(self._under_way):
            if not job.started:  # one that the interrupt kept from the workers, too
                job.give_up(None)
        self._sender.hang_up()
        self._wait_cut_off()
        self._workers.join_idle(GRACE)

    def _wait_cut_off(self) -> None:
        """Wait for the jobs that were cut off. A request that had no socket yet is cut off once it has one."""
        while self._under_way:
            self._settled.clear()
            if self._under_way and not self._settled.wait(TICK):
                self._sender.hang_up()

    def _close(self) -> Report:
        return self._verdicts.close(self._total, self._clock.monotonic() - self._started, self.cancel_token.reason)

    def _raise(self, report: Report, raised: Exception | None) -> None:
        """Raise the most significant error, if there was one."""
        unwritten = self._dead_letter.error(report) if self._dead_letter else None
        cause = self.cancel_token.error or raised
        if cause is None:
            if unwritten:
                raise unwritten
            return
        if unwritten:
            logger.error("%s", unwritten)
        raise self._with_report(cause, report)


class RunJob(Job):
    """A batch of a run."""

    def __init__(self, run: Run, batch: SendableBatch, verdicts: VerdictSink) -> None:
        super().__init__(batch, verdicts, run.cancel_token)
        self._run = run

    def prepare(self) -> None:
        """Count the events."""
        self._run.accept(self.batch)

    def done(self) -> None:
        """Let the run go on."""
        self._run.job_done(self)
