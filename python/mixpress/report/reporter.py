"""`Reporter`: what a client counts, writes to its failure sink and passes to its callbacks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mixpress.report.builder import ReportBuilder
from mixpress.report.callbacks import GuardedCallback
from mixpress.report.report import Tally
from mixpress.report.stats import Totals
from mixpress.report.verdicts import Verdicts

if TYPE_CHECKING:
    from collections.abc import Callable

    from mixpress.report.report import Confirms, Failure, Report
    from mixpress.report.verdicts import FailureSink


class Reporter:
    """Owns the totals, the failure sink and the callbacks of one client.

    `confirms` is what the server confirms, `token` what the encoder writes into each event. `failure_sink` receives the
    failures of tracked events. `endpoint` is that of updates, by which their failures differ from those of events.
    """

    def __init__(
        self,
        *,
        confirms: Confirms,
        token: str | None,
        failure_sink: FailureSink | None,
        on_report: Callable[[Report], object] | None,
        on_failure: Callable[[Failure], object] | None,
        endpoint: str | None = None,
    ) -> None:
        self.totals = Totals()
        self._confirms: Confirms = confirms
        self._token = token
        self.failure_sink = failure_sink
        self._on_report = GuardedCallback("on_report", on_report)
        self._on_failure = GuardedCallback("on_failure", on_failure)
        self._endpoint = endpoint

    def tracked_verdicts(self) -> Verdicts:
        """Return the verdicts of some tracked events."""
        return self.verdicts(self.failure_sink)

    def verdicts(
        self,
        sink: FailureSink | None,
        explain: Callable[[Failure], Failure] | None = None,
        *,
        dry_run: bool = False,
    ) -> Verdicts:
        """Return verdicts that count for the client, unless nothing is sent; `sink` receives their failures."""
        totals = Totals() if dry_run else self.totals
        return Verdicts(totals, self._confirms, sink, explain=explain, token=self._token)

    def builder(self) -> ReportBuilder:
        """Return an empty report."""
        return ReportBuilder(self._confirms)

    def on_failure(self, failure: Failure) -> None:
        """Pass the failure of a tracked event to the callback."""
        self._on_failure(self._named(failure))

    def on_report(self, report: Report) -> None:
        """Pass a report on a batch of tracked events, and its failures, to the callbacks."""
        for failure in report.failures:
            self.on_failure(failure)
        self._on_report(self.named(report))

    def named(self, report: Report) -> Report:
        """Return a report whose failures have the endpoint of updates, if it is on updates."""
        if self._endpoint is None or not report.failed:
            return report
        tallies = {key: Tally(one.count, self._named(one.example)) for key, one in report.by_reason.items()}
        return replace(report, failures=[self._named(failure) for failure in report.failures], by_reason=tallies)

    def _named(self, failure: Failure) -> Failure:
        return failure if self._endpoint is None else replace(failure, endpoint=self._endpoint)
