"""`ReportBuilder`: counts verdicts, or adds up reports, and returns the sum as one `Report`."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

from mixpress.report.report import Confirms, Failure, Report, Tally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mixpress._core import Finding, Truncation
    from mixpress.report.report import Kind

KEPT_FAILURES = 10_000
"""How many failures a report holds; it counts them all."""
KEPT_REASONS = 1000
"""How many different reasons are counted separately."""

Found = TypeVar("Found")

_COUNTS = (
    *("total", "imported", "rejected", "refused", "undelivered", "truncated", "warnings"),
    *("requests", "retries", "throttled", "bytes_raw", "bytes_sent", "unwritten"),
)


class ReportBuilder:
    """A report under construction, in bounded memory. Not thread-safe."""

    def __init__(self, confirms: Confirms) -> None:
        self._confirms: Confirms = confirms
        self._counts: Counter[str] = Counter()
        self._failures: list[Failure] = []
        self._by_reason: dict[str, Tally[Failure]] = {}
        self._cut_by_path: dict[str, Tally[Truncation]] = {}
        self._warned_by_rule: dict[str, Tally[Finding]] = {}

    def count(self, **counts: int) -> None:
        """Add to the counts of these names, which are those of the report."""
        for name, number in counts.items():
            self._counts[name] += number

    def add_findings(self, truncated: Sequence[Truncation], warnings: Sequence[Finding]) -> None:
        """Count what the encoder truncated and warned about."""
        self.count(truncated=len(truncated), warnings=len(warnings))
        for cut in truncated:
            _add(self._cut_by_path, cut.path, Tally(1, cut))
        for warning in warnings:
            _add(self._warned_by_rule, warning.rule, Tally(1, warning))

    def add_failure(self, failure: Failure) -> None:
        """Count an event that was not imported."""
        self._counts[failure.kind] += 1
        _add(self._by_reason, failure.reason, Tally(1, failure))
        if len(self._failures) < KEPT_FAILURES:
            self._failures.append(failure)

    def add_report(self, report: Report) -> None:
        """Add everything that a report counts."""
        self._counts.update({name: getattr(report, name) for name in _COUNTS})
        self._failures += report.failures[: KEPT_FAILURES - len(self._failures)]
        _merge(self._by_reason, report.by_reason)
        _merge(self._cut_by_path, report.cut_by_path)
        _merge(self._warned_by_rule, report.warned_by_rule)

    def counted(self, kind: Kind) -> int:
        """Return how many failures of a kind were added."""
        return self._counts[kind]

    @property
    def imported(self) -> int:
        """Imported events so far."""
        return self._counts["imported"]

    @property
    def verdicts(self) -> int:
        """Events with a verdict so far."""
        return self.imported + self.counted("rejected") + self.counted("refused") + self.counted("undelivered")

    def report(self, *, elapsed: float, pending: int = 0) -> Report:
        """Return the report; the builder is not used after that."""
        return Report(
            **{name: self._counts[name] for name in _COUNTS},
            pending=pending,
            elapsed=elapsed,
            confirms=self._confirms,
            failures=sorted(self._failures, key=attrgetter("index")),
            by_reason=self._by_reason,
            cut_by_path=self._cut_by_path,
            warned_by_rule=self._warned_by_rule,
        )


def _merge(into: dict[str, Tally[Found]], tallies: Mapping[str, Tally[Found]]) -> None:
    for key, tally in tallies.items():
        _add(into, key, tally)


def _add(into: dict[str, Tally[Found]], key: str, tally: Tally[Found]) -> None:
    name = key if key in into or len(into) < KEPT_REASONS else "other"
    before = into.get(name)
    into[name] = Tally(before.count + tally.count, before.example) if before else tally
