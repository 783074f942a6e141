"""One import from its first event to its report: read, hand over, wait, close the account. The engine does the rest."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from mixpress.errors import ImportInterrupted, MixpressError
from mixpress.gate import Halt
from mixpress.parcel import Parcel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mixpress._core import Batch
    from mixpress.dead_letter import DeadLetter
    from mixpress.engine import Engine
    from mixpress.report import Failure, Progress, Report

logger = logging.getLogger("mixpress")


TICK = 0.2
"""Seconds between two calls of `on_progress` while the caller's thread has to wait."""
GRACE = 1.0
"""Seconds for threads to end that have nothing to do any more."""


class Import:
    """A run of `Client.import_events`. The events are read and encoded in the caller's thread, and sent by the
    engine's. Of twice as many batches as it has threads, none is waiting to be packed: that bounds the memory.
    """

    def __init__(
        self,
        events: Iterable[object],
        engine: Engine,
        *,
        dead_letter: DeadLetter | None,
        on_progress: Callable[[Progress], object] | None,
        explain: Callable[[Failure], Failure] | None,
    ) -> None:
        engine.refuse_inside("an import")
        self._engine = engine
        self._account = engine.open_account(dead_letter, explain)
        self._batches = engine.settings.encoder.iter_batches(
            self._account.remember(events), on_rejected=self._account.reject
        )
        self._clock = engine.settings.clock
        self._dead_letter = dead_letter
        self._on_progress = on_progress
        self._halt = Halt()
        self._on_way = 0
        self._most = 2 * engine.settings.concurrency
        self._settled = threading.Condition()
        self._started = self._clock.monotonic()

    def run(self) -> Report:
        """Deliver the events. Raises as `Client.import_events` says."""
        try:
            raised = self._feed()
            self._wait(0)
            self._engine.pool.rest(GRACE)
            self._tick()
        except BaseException as error:
            self._abandon()
            if not isinstance(error, Exception):
                self._leave_note(error)
                raise
            raised = error
        report = self._close()
        self._raise(report, raised)
        return report

    def _feed(self) -> Exception | None:
        """Hand every batch to the engine. What the events' own code raises is returned, for the end."""
        while not self._halt.is_set():
            try:
                batch = next(self._batches, None)
            except Exception as error:  # noqa: BLE001 - whatever it is, what was read before it is delivered
                return error
            self._account.packed(batch, self._batches.truncated, self._batches.warnings)
            if batch is None:
                return None
            self._offer(batch)
            self._tick()
        return None

    def _offer(self, batch: Batch) -> None:
        self._wait(self._most - 1)
        with self._settled:
            self._on_way += 1
        self._engine.pool.put(Parcel(batch, self._account, self._halt, self._done))

    def _wait(self, most: int) -> None:
        """Wait until no more batches are on their way than that."""
        while True:
            with self._settled:
                if self._on_way <= most:
                    return
                self._settled.wait(TICK)
            if self._engine.pool.forked:
                raise RuntimeError("the process was forked by what this import runs; the parent goes on with it")
            self._tick()

    def _done(self, _parcel: Parcel) -> None:
        with self._settled:
            self._on_way -= 1
            self._settled.notify_all()

    def stop(self) -> None:
        """End it early, from another thread; what was not confirmed is undelivered."""
        self._halt.stop(None)

    def _tick(self) -> None:
        if self._on_progress:
            self._on_progress(self._account.progress(self._batches.total, self._engine.sender.gate.paused()))

    def _abandon(self) -> None:
        self._on_progress = None
        self._halt.stop(None)
        for parcel in self._engine.pool.withdraw(self._halt):
            self._account.undeliver(parcel.batch, self._halt.reason)
            self._done(parcel)
        self._engine.hang_up()
        if not self._engine.pool.forked:
            self._wait(0)
            self._engine.pool.rest(GRACE)

    def _close(self) -> Report:
        elapsed = self._clock.monotonic() - self._started
        report = self._account.close(self._batches.total, elapsed, self._halt.reason)
        logger.info(
            "%d events: %d imported, %d rejected, %d refused, %d undelivered",
            *(report.total, report.imported, report.rejected, report.refused, report.undelivered),
        )
        return report

    def _raise(self, report: Report, raised: Exception | None) -> None:
        """The most telling of what went wrong, if anything did."""
        unwritten = self._dead_letter.error(report) if self._dead_letter else None
        cause = self._halt.error or raised
        if cause is None:
            if unwritten:
                raise unwritten
            return
        if unwritten:
            logger.error("%s", unwritten)
        if isinstance(cause, MixpressError) and cause is self._halt.error:
            cause.report = report
            raise cause
        raise _interrupted(report, cause) from cause

    def _leave_note(self, error: BaseException) -> None:
        """Ctrl-C passes through as it is; what was done until then is noted on it, from Python 3.11 on."""
        with suppress(AssertionError, AttributeError):  # an interrupt may have hit the account itself
            report = self._close()
            error.add_note(  # type: ignore[attr-defined, unused-ignore]
                f"mixpress: {report.imported} of the {report.total} events read until then were imported"
            )


def _interrupted(report: Report, cause: Exception) -> ImportInterrupted:
    error = ImportInterrupted(
        f"the import ended early, after {report.total} events ({report.imported} imported, "
        f"{report.failed} failed): {type(cause).__name__}: {cause}"
    )
    error.report = report
    return error
