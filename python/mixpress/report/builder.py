"""Reports added up: each batch of tracked events has one of its own, and a flush gives their sum."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

from mixpress.report.report import Confirms, Failure, Report, Tally
from mixpress.report.verdicts import KEPT_FAILURES, KEPT_REASONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mixpress._core import Finding, Truncation

Found = TypeVar("Found")

_SUMMED = (
    *("total", "imported", "rejected", "refused", "undelivered", "truncated", "warnings"),
    *("requests", "retries", "throttled", "bytes_raw", "bytes_sent", "unwritten"),
)


class Ledger:
    """A sum of reports, in memory bounded as that of one. Not for two threads at once."""

    def __init__(self, confirms: Confirms) -> None:
        self._confirms: Confirms = confirms
        self._sums: Counter[str] = Counter()
        self._failures: list[Failure] = []
        self._by_reason: dict[str, Tally[Failure]] = {}
        self._cut_by_path: dict[str, Tally[Truncation]] = {}
        self._warned_by_rule: dict[str, Tally[Finding]] = {}

    def add(self, report: Report) -> None:
        """Add what a report says."""
        self._sums.update({name: getattr(report, name) for name in _SUMMED})
        self._failures += report.failures[: KEPT_FAILURES - len(self._failures)]
        _merge(self._by_reason, report.by_reason)
        _merge(self._cut_by_path, report.cut_by_path)
        _merge(self._warned_by_rule, report.warned_by_rule)

    def report(self, *, pending: int, elapsed: float) -> Report:
        """The sum."""
        return Report(
            **{name: self._sums[name] for name in _SUMMED},
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
        name = key if key in into or len(into) < KEPT_REASONS else "other"
        before = into.get(name)
        into[name] = Tally(before.count + tally.count, before.example) if before else tally
