"""The reports of tasks are sums of bounded size, and their sum has each count."""

from __future__ import annotations

import pickle
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cluster.rows import orders, write
from mixpress.cluster.report_sum import KEPT, TaskReport, sentence, sum_reports
from mixpress.emulator import Emulator
from mixpress.report.report import Failure, Report, Tally

counts = st.integers(0, 10**9)


def reported(**counts: Any) -> Report:
    return Report(**{"total": 0, "imported": 0} | counts)


def rejected(count: int, **more: Any) -> Report:
    failures = [Failure(n, "rejected", "no", "too-deep") for n in range(count)]
    return reported(total=count, rejected=count, failures=failures, **more)


@given(st.lists(st.one_of(st.none(), st.tuples(counts, counts, counts, counts)), max_size=5))
def test_the_sum_has_the_counts_of_the_tasks_that_ended(tasks: list[tuple[int, int, int, int] | None]) -> None:
    names = ("imported", "rejected", "refused", "retries")
    made = [
        task and TaskReport("t", reported(total=sum(task[:3]), **dict(zip(names, task, strict=True)))) for task in tasks
    ]
    summed = sum_reports(made, elapsed=2.5)
    ended = [task.report for task in made if task]
    for name in ("total", *names):
        assert getattr(summed, name) == sum(getattr(report, name) for report in ended)
    assert summed.elapsed == 2.5


def test_a_task_holds_few_failures_and_counts_all() -> None:
    task = TaskReport("t", rejected(KEPT + 50))
    assert (len(task.report.failures), task.report.rejected) == (KEPT, KEPT + 50)
    summed = sum_reports([task, task], elapsed=0.0)
    assert (len(summed.failures), summed.rejected) == (2 * KEPT, 2 * KEPT + 100)


def test_reasons_are_added_up() -> None:
    tally = Tally(3, Failure(0, "rejected", "no", "too-deep"))
    summed = sum_reports([TaskReport(str(n), rejected(3, by_reason={"too-deep": tally})) for n in range(2)], 0.0)
    assert summed.by_reason["too-deep"].count == 6


def test_the_sum_of_no_tasks_is_empty() -> None:
    assert sum_reports([None], 0.0).total == 0


def test_what_the_server_confirms_is_that_of_a_task_with_rows() -> None:
    empty, batches = reported(), reported(total=1, imported=1, confirms="batches")
    assert sum_reports([TaskReport("0", empty), TaskReport("1", batches)], 0.0).confirms == "batches"


def test_a_sentence_has_each_verdict() -> None:
    assert sentence(reported(total=1007, imported=1000, rejected=4, refused=2, undelivered=1)) == (
        "1,007 rows: 1,000 imported, 4 rejected, 2 refused, 1 undelivered"
    )


def test_the_report_of_a_task_is_pickled(emulator: Emulator) -> None:
    task = write(emulator, [orders(2, user=["u0", "anonymous"])])
    again = pickle.loads(pickle.dumps(task))
    assert again == task
    assert again.report.failures[0].place == task.report.failures[0].place
