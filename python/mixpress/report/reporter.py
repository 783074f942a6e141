"""`Reporter`: what a client counts, writes to its failure sink and passes to its callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpress.report.builder import ReportBuilder
from mixpress.report.callbacks import GuardedCallback
from mixpress.report.stats import Totals
from mixpress.report.verdicts import Verdicts

if TYPE_CHECKING:
    from collections.abc import Callable

    from mixpress.report.report import Confirms, Failure, Report
    from mixpress.report.verdicts import FailureSink


class Reporter:
    """Owns the totals, the failure sink and the callbacks of one client.

    `confirms` is what the server confirms, `token` what the encoder writes into each event. `failure_sink` receives the
    failures of tracked events.
    """

    def __init__(
        self,
        *,
        confirms: Confirms,
        token: str | None,
        failure_sink: FailureSink | None,
        on_report: Callable[[Report], object] | None,
        on_failure: Callable[[Failure], object] | None,
    ) -> None:
        self.totals = Totals()
        self._confirms: Confirms = confirms
        self._token = token
        self.failure_sink = failure_sink
        self._on_report = GuardedCallback("on_report", on_report)
        self.on_failure = GuardedCallback("on_failure", on_failure)

    def tracked_verdicts(self) -> Verdicts:
        """Return the verdicts of some tracked events."""
        return self.verdicts(self.failure_sink)

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
