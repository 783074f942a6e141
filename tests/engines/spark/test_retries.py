"""Tasks fail in the middle of a write and are repeated by Spark: the server holds each row once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from pyspark.errors import PythonException
from pyspark.sql import DataFrame, SparkSession

from engines.spark.conftest import numbers, orders_of
from engines.spark.upstream import ROWS, failing
from mixpress import EngineError
from mixpress.emulator import Emulator
from mixpress.spark import write


SMALL = 60


@pytest.fixture
def two_partitions(spark: SparkSession) -> DataFrame:
    """A small partition, and a large one that fails."""
    return orders_of(spark, range(2 * ROWS), 2).where(f"number < {SMALL} or number >= {ROWS}")


@pytest.mark.parametrize("how", ["raise", "exit"])
def test_a_task_that_fails_after_it_sent_rows_is_repeated_and_adds_none(
    two_partitions: DataFrame, emulator: Emulator, how: str
) -> None:
    failing_once = failing(emulator.url, ROWS, how)
    report = write(two_partitions.mapInArrow(failing_once, two_partitions.schema), base_url=emulator.url)
    assert (report.total, report.imported) == (SMALL + ROWS, SMALL + ROWS)
    assert emulator.count() == SMALL + ROWS
    assert sum(request.events for request in emulator.requests()) > SMALL + ROWS


@pytest.mark.parametrize("fault", ["429", "503", "reset", "drop-reply"])
def test_rows_without_an_answer_are_written_by_the_next_attempt(
    orders: DataFrame, emulator: Emulator, fault: str
) -> None:
    emulator.fail_next(fault, 2)
    report = write(orders, base_url=emulator.url, attempts=1)
    assert (report.total, report.imported, report.undelivered) == (60, 60, 0)
    assert numbers(emulator) == list(range(60))
    assert len(emulator.requests()) == 5


def test_a_write_that_is_given_up_says_why_and_what_was_sent(
    spark: SparkSession, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.faults = "429"
    orders = orders_of(spark, range(40), 2).where("number >= 20")  # one task has no rows
    path = tmp_path / "report.json"
    with pytest.raises(EngineError) as caught:
        write(orders, base_url=emulator.url, attempts=1, report=str(path))
    message = str(caught.value)
    assert message.startswith("partition 1: 20 rows: 0 imported, 0 rejected, 0 refused, 20 undelivered; given up after 1")
    assert "1 of 2 tasks had ended" in message
    assert "Traceback" not in message
    assert len(emulator.requests()) == 4
    assert caught.value.report is not None
    assert caught.value.report.total == 0
    found = json.loads(path.read_text())
    assert (found["ok"], found["committed"], found["tasks"], found["tasks_failed"]) == (False, False, 2, 1)


def test_what_a_function_of_the_frame_raises_is_raised_as_spark_raises_it(
    two_partitions: DataFrame, emulator: Emulator, tmp_path: Path
) -> None:
    always = failing(emulator.url, ROWS, "raise", attempts=4)
    path = tmp_path / "report.json"
    with pytest.raises(PythonException, match="the plan of this user is unknown"):
        write(two_partitions.mapInArrow(always, two_partitions.schema), base_url=emulator.url, report=str(path))
    found = json.loads(path.read_text())
    assert (found["ok"], found["imported"], found["tasks"], found["tasks_failed"]) == (False, SMALL, 2, 1)


def test_the_failed_rows_of_a_repeated_task_are_in_the_dead_letter_once(
    orders: DataFrame, emulator: Emulator, tmp_path: Path
) -> None:
    bad = orders.selectExpr("* except (distinct_id)", "if(number % 10 = 0, 'null', distinct_id) distinct_id")
    emulator.fail_next("503", 2)
    report = write(bad, base_url=emulator.url, attempts=1, dead_letter=str(tmp_path))
    assert (report.imported, report.rejected) == (54, 6)
    files = sorted(tmp_path.iterdir())
    assert Counter(len(file.read_text().splitlines()) for file in files) == {2: 3}
    assert [file.name[:10] for file in files] == ["part-00000", "part-00001", "part-00002"]
