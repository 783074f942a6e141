"""`Reporter`: what a client counts, writes to its dead letter and passes to its callbacks."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from mixpress.dead_letter import DeadLetter
from mixpress.report.builder import ReportBuilder
from mixpress.report.callbacks import GuardedCallback
from mixpress.report.stats import Totals
from mixpress.report.verdicts import Verdicts

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from mixpress.report.report import Confirms, Failure, Report
    from mixpress.report.verdicts import FailureSink


class Reporter:
    """Owns the totals, the failure sink and the callbacks of one client.

    `confirms` is what the server confirms, `token` what the encoder writes into each event. `dead_letter` is a path;
    `failure_sink` receives the failures of tracked events if there is no dead letter.
    """

    def __init__(
        self,
        *,
        confirms: Confirms,
        token: str | None,
        dead_letter: str | os.PathLike[str] | None,
        failure_sink: FailureSink | None,
        on_report: Callable[[Report], object] | None,
        on_failure: Callable[[Failure], object] | None,
    ) -> None:
        self.totals = Totals()
        self._confirms: Confirms = confirms
        self._token = token
        self._dead_letter = dead_letter
        self._sink = failure_sink
        self._on_report = GuardedCallback("on_report", on_report)
        self.on_failure = GuardedCallback("on_failure", on_failure)

    def open_sink(self) -> None:
        """Open the dead letter of the tracked events, if the client has one. `DeadLetterError` if that fails."""
        if self._dead_letter is not None:
            self._sink = DeadLetter(self._dead_letter)

    @contextmanager
    def dead_letter(self) -> Iterator[DeadLetter | None]:
        """Open the dead letter for one run; None if the client has none. `DeadLetterError` if that fails."""
        if self._dead_letter is None:
            yield None
            return
        with closing(DeadLetter(self._dead_letter)) as opened:
            yield opened

    def tracked_verdicts(self) -> Verdicts:
        """Return the verdicts of some tracked events."""
        return self.verdicts(self._sink)

    def verdicts(self, sink: FailureSink | None, explain: Callable[[Failure], Failure] | None = None) -> Verdicts:
        """Return verdicts that count for the client; `sink` receives their failures."""
        return Verdicts(self.totals, self._confirms, sink, explain=explain, token=self._token)

    def builder(self) -> ReportBuilder:
        """Return an empty report."""
        return ReportBuilder(self._confirms)

    def on_report(self, report: Report) -> None:
        """Pass a report on a batch of tracked events, and its failures, to the callbacks."""
        for failure in report.failures:
            self.on_failure(failure)
        self._on_report(report)
