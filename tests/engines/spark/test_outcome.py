"""What the process that commits says and leaves."""

from __future__ import annotations

import logging

import pytest

from mixpress import Report
from mixpress.cluster.report_sum import TaskReport
from mixpress.spark.outcome import Outcome, say


def outcome(*imported: int | None, committed: bool, batch: int | None = None) -> Outcome:
    """Return the outcome of tasks that imported so many rows; None for one that failed."""
    tasks = [
        None if rows is None else TaskReport(f"partition {number}", Report(rows, rows, elapsed=float(number)))
        for number, rows in enumerate(imported)
    ]
    return Outcome.of(tasks, committed, None, batch)


def test_tasks_that_ended_are_summed_up_and_those_that_failed_are_counted() -> None:
    found = outcome(20, None, 22, committed=False, batch=3)
    members = found.members()
    assert (found.report.imported, found.report.elapsed) == (42, 2.0)
    assert {name: members[name] for name in ("ok", "committed", "batch", "tasks", "tasks_failed", "imported")} == {
        "ok": False,
        "committed": False,
        "batch": 3,
        "tasks": 3,
        "tasks_failed": 1,
        "imported": 42,
    }


def test_a_write_without_rows_is_well() -> None:
    assert outcome(committed=True).members()["ok"]


def test_without_a_configured_log_the_sentence_goes_to_the_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the process in which Spark commits. Pytest has handlers at the root."""
    monkeypatch.setattr(logging.getLogger("mixpress"), "propagate", False)
    say(outcome(20, 22, committed=True))
    assert capsys.readouterr().err == "mixpress: 42 rows: 42 imported, 0 rejected, 0 refused, 0 undelivered\n"
    say(outcome(20, None, committed=False, batch=3))
    said = capsys.readouterr().err
    assert said.startswith("mixpress: batch 3: the write was aborted. 1 of 2 tasks had ended (20 rows: 20 imported, ")
    assert said.endswith("Write all rows again: an event that the server has already adds nothing\n")


def test_with_a_configured_log_it_goes_there(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO, logger="mixpress"):
        say(outcome(42, committed=True))
        say(outcome(None, committed=False))
    assert [record.levelname for record in caplog.records] == ["INFO", "ERROR"]
    assert capsys.readouterr().err == ""
