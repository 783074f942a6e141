"""`DrainRun`: deliver what is in a spool, until nothing is left that could be delivered now."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from mixpress.client.run import Run, RunJob
from mixpress.errors import SpoolError
from mixpress.send.job import CancelToken
from mixpress.spool.verdicts import SpooledVerdicts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mixpress.client.engine import Engine
    from mixpress.dead_letter import DeadLetter
    from mixpress.report.report import Failure, Progress, Report
    from mixpress.report.verdicts import FailureSink
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
    """Deliver the events of a spool that no other process has, through an engine. `failed`: also batches that were
    given up before. No more batches are taken once `stopped` returns True; those taken are delivered.

    Raises `AuthError`, `TransportError`, `DeadLetterError` or `SpoolError`, with a `.report` on the events taken until
    then.
    """
    with engine.running() as dead_letter:
        run = DrainRun(engine, spool, dead_letter=dead_letter, on_progress=on_progress, failed=failed, stopped=stopped)
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
        sink: FailureSink | None = RefusedOnly(dead_letter) if dead_letter else None
        super().__init__(
            engine.workers,
            engine.sender,
            engine.reporter.verdicts(sink),
            engine.clock,
            CancelToken("the delivery stopped"),
            dead_letter=dead_letter,
            on_progress=on_progress,
        )
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
        while not self.cancel_token.is_set() and not self._stopped():
            batch: StoredBatch | None = None
            with self.cancelling():
                batch = self._spool.take(early=True, failed=self._failed)
            if batch is None:
                return
            batch = replace(batch, indexes=range(self._taken, self._taken + batch.count))
            self._taken += batch.count
            self._verdicts.packed(batch)
            self._put_job(_DrainJob(self, SpooledVerdicts(self._spool, batch, self._verdicts)))

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


class _DrainJob(RunJob):
    """A stored batch of a drain."""

    def __init__(self, run: DrainRun, verdicts: SpooledVerdicts) -> None:
        super().__init__(run, verdicts.batch, verdicts)
        self._drain = run
        self._spooled = verdicts

    def done(self) -> None:
        """Enter the verdicts in the file, and let the run go on."""
        try:
            with self._drain.cancelling():
                self._spooled.enter()
        finally:
            super().done()


class RefusedOnly:
    """A dead letter without the undelivered events, which stay in the spool."""

    def __init__(self, dead_letter: DeadLetter) -> None:
        self._dead_letter = dead_letter

    def write(self, failure: Failure, event: object) -> bool:
        """Append one line for an event that the server refused."""
        return failure.kind == "undelivered" or self._dead_letter.write(failure, event)
