"""One import from its first event to its report: read, hand over, wait, close the account. The engine does the rest."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from mixpress.client.run import Convoy
from mixpress.errors import ImportInterrupted, MixpressError
from mixpress.send.backoff import Halt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mixpress.client.engine import Engine
    from mixpress.dead_letter import DeadLetter
    from mixpress.report.report import Failure, Progress, Report

logger = logging.getLogger("mixpress")


class Import:
    """A run of `Client.import_events`. The events are read and encoded in the caller's thread, and sent by the
    engine's.
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
        self._convoy = Convoy(engine, self._halt, self._tick)
        self._started = self._clock.monotonic()

    def run(self) -> Report:
        """Deliver the events. Raises as `Client.import_events` says."""
        try:
            raised = self._feed()
            self._convoy.finish()
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
            self._convoy.put(batch, self._account)
            self._tick()
        return None

    def stop(self) -> None:
        """End it early, from another thread; what was not confirmed is undelivered."""
        self._halt.stop(None)

    def _tick(self) -> None:
        if self._on_progress:
            self._on_progress(self._account.progress(self._batches.total, self._engine.sender.gate.paused()))

    def _abandon(self) -> None:
        self._on_progress = None
        self._convoy.abandon()

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
