"""`TaskReport`: what one task did, in bounded size, and the report of all tasks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mixpress.report.builder import ReportBuilder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mixpress.report.report import Report

KEPT = 100
"""Failures that the report of a task holds: a job of 10,000 tasks sends all reports to one driver. It counts them all,
and a dead letter has them all."""


@dataclass(frozen=True)
class TaskReport:
    """What one task wrote."""

    task: str
    """Its name, such as `partition 3`."""
    report: Report

    def __post_init__(self) -> None:
        object.__setattr__(self, "report", replace(self.report, failures=list(self.report.failures[:KEPT])))


def sum_reports(tasks: Iterable[TaskReport | None], elapsed: float) -> Report:
    """Return the report of all tasks. None is a task that failed, and counts nothing.

    The index of a failure is that of its row in its task, which its place names. Tasks without rows did not learn what
    the server confirms.
    """
    reports = [task.report for task in tasks if task is not None]
    builder = ReportBuilder(next((report.confirms for report in reports if report.total), "events"))
    for report in reports:
        builder.add_report(report)
    return builder.report(elapsed=elapsed)


def sentence(report: Report) -> str:
    """Return what a report says, on one line."""
    kinds = [f"{getattr(report, kind):,} {kind}" for kind in ("rejected", "refused", "undelivered")]
    return f"{report.total:,} rows: {report.imported:,} imported, {', '.join(kinds)}"
