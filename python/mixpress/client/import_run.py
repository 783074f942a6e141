"""`ImportRun`: one import, from its first event to its report."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mixpress.client.run import Run
from mixpress.errors import ImportInterrupted, MixpressError
from mixpress.report.report import ConservationError
from mixpress.send.job import CancelToken
from mixpress.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mixpress._core import Rejections
    from mixpress.client.engine import Engine
    from mixpress.dead_letter import DeadLetter
    from mixpress.report.report import Failure, Progress, Report

logger = logging.getLogger("mixpress")


def import_events(
    engine: Engine,
    events: Iterable[object],
    on_progress: Callable[[Progress], object] | None = None,
    *,
    explain: Callable[[Failure], Failure] | None = None,
    cancel_token: CancelToken | None = None,
) -> Report:
    """Import events through an engine; see `Client.import_events`.

    `explain` may replace the failure of a rejected event. Cancelling `cancel_token`, from another thread, ends the
    import early.
    """
    refuse_one(events)
    with engine.running() as dead_letter:
        run = ImportRun(
            engine, events, dead_letter=dead_letter, on_progress=on_progress, explain=explain, cancel_token=cancel_token
        )
        return run.run()


def refuse_one(events: object, what: str = "events") -> None:
    """Raise `TypeError` for a single event, or a text, in place of an iterable of events."""
    if isinstance(events, Mapping | str | bytes | bytearray):
        raise TypeError(f"{what} must be an iterable of {what}, got one {type(events).__name__}: put it in a list")


class ReadingRun(Run):
    """A run whose events come from the caller: an error of theirs ends it early, with a report."""

    _what = "events"
    """What it reads, in messages."""

    def _after_error(self, error: BaseException) -> Exception:
        if isinstance(error, Exception):
            return error
        self._add_note(error)
        raise error

    def _close(self) -> Report:
        report = super()._close()
        logger.info(
            "%d %s: %d imported, %d rejected, %d refused, %d undelivered",
            *(report.total, self._what, report.imported, report.rejected, report.refused, report.undelivered),
        )
        return report

    def _with_report(self, cause: Exception, report: Report) -> Exception:
        if isinstance(cause, MixpressError) and cause is self.cancel_token.error:
            return super()._with_report(cause, report)
        error = ImportInterrupted(
            f"the import ended early, after {counted(report.total, self._what[:-1])} ({report.imported} imported, "
            f"{report.failed} failed): {type(cause).__name__}: {cause}"
        )
        error.report = report
        error.__cause__ = cause
        return error

    def _add_note(self, error: BaseException) -> None:
        """Note on a Ctrl-C what was imported until then, from Python 3.11 on."""
        try:
            report = self._close()
        except ConservationError as miscount:  # the interrupt may have hit the counting itself
            logger.warning("the import was interrupted, and its counts are incomplete: %s", miscount)
            return
        if sys.version_info >= (3, 11):
            error.add_note(
                f"mixpress: {report.imported} of {counted(report.total, self._what[:-1])} read until then were imported"
            )


class ImportRun(ReadingRun):
    """A call of `Client.import_events`. The events are read and encoded in the caller's thread."""

    def __init__(
        self,
        engine: Engine,
        events: Iterable[object],
        *,
        dead_letter: DeadLetter | None,
        on_progress: Callable[[Progress], object] | None,
        explain: Callable[[Failure], Failure] | None,
        cancel_token: CancelToken | None,
    ) -> None:
        engine.workers.refuse_worker("import_events")
        verdicts = engine.reporter.verdicts(dead_letter, explain)
        super().__init__(
            engine.workers,
            engine.sender,
            verdicts,
            engine.clock,
            cancel_token or CancelToken(),
            dead_letter=dead_letter,
            on_progress=on_progress,
        )
        remembered = verdicts.remember(iter(events))
        self._batches = engine.options.encoder.iter_batches(remembered, on_rejections=self._reject)

    @property
    def _total(self) -> int:
        return self._batches.total

    def _reject(self, rejections: Rejections) -> None:
        self.check_fork()
        self._verdicts.reject_all(rejections)

    def _feed(self) -> Exception | None:
        while not self.cancel_token.is_set():
            try:
                batch = next(self._batches, None)
            except Exception as error:  # noqa: BLE001 - raised by the caller's iterable; what it gave is delivered first
                return error
            self.check_fork()
            self._verdicts.packed(batch, self._batches.tallies())
            if batch is None:
                return None
            self._put(batch, self._verdicts)
        return None
