"""`Outcome`: what became of a write, or of a micro-batch of a stream."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mixpress.cluster.report_sum import sentence, sum_reports
from mixpress.report.as_json import as_members

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress.cluster.report_sum import TaskReport
    from mixpress.report.report import Report

logger = logging.getLogger("mixpress")


@dataclass(frozen=True)
class Outcome:
    """The reports of the tasks that ended, as one."""

    report: Report
    tasks: int
    failed: int
    """Tasks without a report. Each may have sent a part of its rows."""
    committed: bool
    batch: int | None = None
    """The micro-batch of a stream."""
    report_error: str | None = None
    """Why the report is not in its file; None if it is, or has none."""

    @classmethod
    def of(
        cls, tasks: Sequence[TaskReport | None], committed: bool, elapsed: float | None, batch: int | None
    ) -> Outcome:
        """Return the outcome of these tasks; None is one that failed. Without `elapsed` it is that of the
        longest task.
        """
        reports = [task.report for task in tasks if task is not None]
        longest = max((report.elapsed for report in reports), default=0.0)
        report = sum_reports(tasks, longest if elapsed is None else elapsed)
        return cls(report, len(tasks), len(tasks) - len(reports), committed, batch)

    def members(self) -> dict[str, Any]:
        """Return what the file of a report has."""
        batch = {} if self.batch is None else {"batch": self.batch}
        members = as_members(self.report)
        ended = {"ok": self.committed and members["ok"], "committed": self.committed}
        return {**members, **ended, **batch, "tasks": self.tasks, "tasks_failed": self.failed}

    def sentence(self) -> str:
        """Return what happened, on one line."""
        of_batch = "" if self.batch is None else f"batch {self.batch}: "
        if self.committed:
            return f"{of_batch}{sentence(self.report)}"
        return f"{of_batch}the write was aborted. {self.ended()}"

    def ended(self) -> str:
        """Return what a write that was aborted had sent."""
        return (
            f"{self.tasks - self.failed:,} of {self.tasks:,} tasks had ended ({sentence(self.report)}); the others may "
            "have sent a part of their rows. Write all rows again: an event that the server has already adds nothing"
        )


def say(outcome: Outcome) -> None:
    """Log an outcome. Nothing configures the log of the process in which Spark commits: there it goes to the standard
    error, which is that of the driver.
    """
    _say(logging.INFO if outcome.committed else logging.ERROR, outcome.sentence())


def say_report_error(outcome: Outcome) -> None:
    """Log that a report is not in its file, if so. The rows were written: it is no reason to write them again."""
    if outcome.report_error is not None:
        rows = "the rows were written, but " if outcome.committed else ""
        _say(logging.ERROR, f"{rows}{outcome.report_error}")


def _say(level: int, sentence: str) -> None:
    if logger.hasHandlers() and logger.isEnabledFor(level):
        logger.log(level, "%s", sentence)
    else:
        print(f"mixpress: {sentence}", file=sys.stderr, flush=True)
