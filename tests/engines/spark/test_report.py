"""The file of the report is checked before a task starts, and does not fail a write whose rows have arrived."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from engines.spark.conftest import numbers
from mixpress import Report
from mixpress.cluster.job import WriteJob
from mixpress.cluster.report_sum import TaskReport
from mixpress.emulator import Emulator
from mixpress.spark import write
from mixpress.spark.report_place import check_report
from mixpress.spark.writers import BatchWriter, StreamWriter, TaskMessage


@pytest.fixture
def at_a_file(tmp_path: Path) -> str:
    """A path that no report can have: its folder is a file."""
    (tmp_path / "file").touch()
    return str(tmp_path / "file" / "report.json")


@pytest.fixture
def at_a_folder(tmp_path: Path) -> str:
    """A path that a report can't have any more: it is a folder."""
    (tmp_path / "report.json").mkdir()
    return str(tmp_path / "report.json")


def test_a_report_that_can_not_be_written_fails_the_write_before_a_task_starts(
    registered: SparkSession, orders: DataFrame, emulator: Emulator, at_a_file: str
) -> None:
    folder = Path(at_a_file).parent
    message = f"the report can't be written to {at_a_file}: {folder} is a file; report must be a file in a folder that"
    with pytest.raises(ValueError, match=message):
        write(orders, base_url=emulator.url, report=at_a_file)
    writer = orders.write.format("mixpress").mode("append").options(base_url=emulator.url, report=at_a_file)
    with pytest.raises(AnalysisException, match=message):
        writer.save()
    assert emulator.requests() == []


def test_a_stream_whose_reports_can_not_be_written_ends_before_a_task_starts(
    registered: SparkSession, emulator: Emulator, at_a_file: str, tmp_path: Path
) -> None:
    rates = registered.readStream.format("rate").load().selectExpr("'E' event", "timestamp time", "'u' distinct_id")
    options = {"checkpointLocation": str(tmp_path / "at"), "base_url": emulator.url, "report": at_a_file}
    query = rates.writeStream.format("mixpress").options(**options).start()
    with pytest.raises(Exception, match="report must be a folder that the driver can write to"):
        query.awaitTermination()
    assert emulator.requests() == []


def test_the_check_makes_the_folder_and_leaves_nothing_in_it(tmp_path: Path) -> None:
    check_report(f"{tmp_path}/made/report.json")
    check_report(str(tmp_path / "reports"), is_folder=True)
    check_report("memory://reports/report.json")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["made", "reports"]


@pytest.mark.parametrize("path", ["", "nope://host/report.json", "made/"])
def test_a_path_without_a_file_and_a_store_that_there_is_not_are_refused(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="the report can't be written to"):
        check_report(path)


def test_rows_are_written_and_the_report_is_returned_though_its_file_failed_meanwhile(
    orders: DataFrame, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "report.json"
    lock = threading.Lock()

    def before(request: object) -> None:
        with lock:
            path.mkdir(exist_ok=True)

    with Emulator(before=before) as server:
        with caplog.at_level(logging.ERROR, logger="mixpress"):
            assert write(orders, base_url=server.url, report=str(path)).imported == 60
        assert numbers(server) == list(range(60))
    assert [record.getMessage() for record in caplog.records] == [
        f"the rows were written, but the report can't be written to {path}: {os.strerror(21)}"
    ]


def committed(path: str, *, batch: int | None = None, is_committed: bool = True) -> None:
    """Call what Spark calls when the tasks of a write, or of a micro-batch, have ended."""
    job = WriteJob.of(report=path)
    writer: Any = BatchWriter(job, "id", 0.0, None) if batch is None else StreamWriter(job)
    call = writer.commit if is_committed else writer.abort
    call([TaskMessage(TaskReport("partition 0", Report(20, 20)))], *([] if batch is None else [batch]))


@pytest.mark.parametrize("batch", [None, 3])
def test_commit_says_on_the_standard_error_that_the_report_failed_and_does_not_raise(
    at_a_folder: str,
    batch: int | None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in the process in which Spark commits. Pytest has handlers at the root."""
    monkeypatch.setattr(logging.getLogger("mixpress"), "propagate", False)
    file = at_a_folder if batch is None else f"{at_a_folder}/batch-00000003.json"
    Path(file).mkdir(exist_ok=True)
    committed(at_a_folder, batch=batch)
    said = capsys.readouterr().err.splitlines()
    assert said[1:] == [f"mixpress: the rows were written, but the report can't be written to {file}: Is a directory"]
    committed(at_a_folder, batch=batch, is_committed=False)
    assert capsys.readouterr().err.splitlines()[1:] == [
        f"mixpress: the report can't be written to {file}: Is a directory"
    ]
