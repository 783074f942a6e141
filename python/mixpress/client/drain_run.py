"""`DrainRun`: deliver what is in a spool, until nothing is left that could be delivered now. `UpdateDrainRun`: the same
for updates of profiles, in their order.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mixpress.client.run import Run, RunJob
from mixpress.errors import MixpressError, SpoolError
from mixpress.queues.spooled_updates import INTERRUPTED
from mixpress.send.job import CancelToken
from mixpress.spool.verdicts import SpooledVerdicts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mixpress.client.engine import Engine
    from mixpress.dead_letter import DeadLetter
    from mixpress.report.report import Progress, Report
    from mixpress.spool.spool import Spool
    from mixpress.spool.stored import StoredBatch


def drain_spool(
    engine: Engine,
    spool: Spool,
    on_progress: Callable[[Progress], object] | None = None,
    *,
    failed: bool = False,
    stopped: Callable[[], bool] = bool,
) -> Report:
    """Deliver the events, or updates, of a spool that no other process has, through an engine. `failed`: also batches
    that were given up before. No more batches are taken once `stopped` returns True; those taken are delivered.

    Raises `AuthError`, `TransportError`, `DeadLetterError` or `SpoolError`, with a `.report` on the events taken until
    then.
    """
    kind = DrainRun if engine.options.endpoint is None else UpdateDrainRun
    with engine.running() as dead_letter:
        run = kind(engine, spool, dead_letter=dead_letter, on_progress=on_progress, failed=failed, stopped=stopped)
        return run.run()


class DrainRun(Run):
    """Every batch without an owner is taken in the caller's thread. Undelivered events stay in the file, and are not
    taken again in the same run. The indexes in the report number the events in the order in which they are taken.
    """

    def __init__(
        self,
        engine: Engine,
        spool: Spool,
        *,
        dead_letter: DeadLetter | None,
        on_progress: Callable[[Progress], object] | None,
        failed: bool,
        stopped: Callable[[], bool],
    ) -> None:
        engine.workers.refuse_worker("drain")
        super().__init__(
            engine.workers,
            engine.sender,
            engine.reporter.verdicts(dead_letter),
            engine.clock,
            CancelToken("the delivery stopped"),
            dead_letter=dead_letter,
            on_progress=on_progress,
        )
        self._engine = engine
        self._spool = spool
        self._failed = failed
        self._stopped = stopped
        self._taken = 0

    def run(self) -> Report:
        """Deliver the batches, then release those that stay in the file."""
        try:
            return super().run()
        finally:
            with suppress(SpoolError):
                self._spool.release()

    @property
    def _total(self) -> int:
        return self._taken

    def _feed(self) -> None:
        while (batch := self._taken_by(partial(self._spool.take, early=True, failed=self._failed))) is not None:
            self._put_job(self._job(batch))

    def _taken_by(self, take: Callable[[], StoredBatch | None]) -> StoredBatch | None:
        """Return the next batch; None at the end."""
        batch: StoredBatch | None = None
        if not self.cancel_token.is_set() and not self._stopped():
            with self.cancelling():
                batch = take()
        if batch is None:
            return None
        batch = replace(batch, indexes=range(self._taken, self._taken + batch.count))
        self._taken += batch.count
        self._verdicts.packed(batch)
        return batch

    def _job(self, batch: StoredBatch) -> _DrainJob:
        return _DrainJob(self, SpooledVerdicts(self._spool, batch, self._verdicts))

    def _close(self) -> Report:
        elapsed = self._clock.monotonic() - self._started
        return self._verdicts.close(self._total, elapsed, self.cancel_token.reason, kept=True)

    def _tick(self) -> None:
        with self.cancelling():
            self._spool.tend()
        super()._tick()

    @contextmanager
    def cancelling(self) -> Iterator[None]:
        """Cancel the run if the spool fails."""
        try:
            yield
        except SpoolError as error:
            self.cancel_token.cancel(error)


class UpdateDrainRun(DrainRun):
    """One batch is under way at a time, since the file keeps no order between the parts of a batch and the batches
    after it. A batch without an answer ends the drain, so that no later one overtakes it.
    """

    def _feed(self) -> None:
        self._enter_sent()
        super()._feed()

    def _enter_sent(self) -> None:
        """Enter that no answer came to the requests that were under way when a process ended."""
        while (batch := self._taken_by(self._spool.take_sent)) is not None:
            job = self._job(batch)
            if self._engine.repeatable(batch):
                self._put_job(job)
                continue
            job.prepare()
            job.verdicts.undeliver(batch, INTERRUPTED, final=True)
            job.done()

    def _taken_by(self, take: Callable[[], StoredBatch | None]) -> StoredBatch | None:
        self._wait(0)
        return super()._taken_by(take)

    def _job(self, batch: StoredBatch) -> _DrainJob:
        verdicts = SpooledVerdicts(self._spool, batch, self._verdicts, repeatable=self._engine.repeatable)
        verdicts.on_left = self._end_in_order
        return _DrainJob(self, verdicts)

    def _end_in_order(self) -> None:
        self.cancel_token.cancel(
            MixpressError(
                "the drain ended at the first updates without an answer, so that no later one overtakes them; they "
                f"stay in the spool {self._spool.path}, and the next drain goes on from there"
            )
        )


class _DrainJob(RunJob):
    """A stored batch of a drain."""

    def __init__(self, run: DrainRun, verdicts: SpooledVerdicts) -> None:
        super().__init__(run, verdicts.batch, verdicts)
        self._drain = run
        self._spooled = verdicts

    def not_taken(self) -> None:
        """Remove the mark that a request is under way."""
        self._spooled.not_taken()

    def done(self) -> None:
        """Enter the verdicts in the file, and let the run go on."""
        try:
            with self._drain.cancelling():
                self._spooled.enter()
        finally:
            super().done()
