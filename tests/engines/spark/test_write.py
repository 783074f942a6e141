"""A DataFrame is written by the format `mixpress`, and by `mixpress.spark.write`, which returns the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from engines.spark.conftest import numbers
from mixpress.emulator import Emulator
from mixpress.spark import write


def test_each_row_of_each_partition_arrives_once(orders: DataFrame, emulator: Emulator) -> None:
    report = write(orders, base_url=emulator.url)
    assert (report.total, report.imported, report.failed) == (60, 60, 0)
    assert numbers(emulator) == list(range(60))
    assert report.elapsed > 0
    assert write(orders, base_url=emulator.url).imported == 60
    assert emulator.count() == 60


def test_an_empty_frame_has_an_empty_report(orders: DataFrame, emulator: Emulator) -> None:
    assert write(orders.where("number < 0"), base_url=emulator.url).total == 0


def test_the_format_takes_options_as_texts_and_leaves_the_report_in_a_file(
    registered: SparkSession, orders: DataFrame, emulator: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "made" / "report.json"
    options = {"Base_URL": emulator.url, "event_column": "event", "rename": '{"price": "Price"}', "report": str(path)}
    orders.write.format("mixpress").mode("append").options(**options).save()
    assert numbers(emulator) == list(range(60))
    [first] = [event for event in emulator.events() if event["properties"]["number"] == 5]
    assert first["properties"]["Price"] == 1.25
    found = json.loads(path.read_text())
    assert (found["ok"], found["committed"], found["total"], found["imported"]) == (True, True, 60, 60)
    assert (found["tasks"], found["tasks_failed"]) == (3, 0)
    assert [one.name for one in path.parent.iterdir()] == ["report.json"]


def test_rejected_rows_are_in_the_report_with_their_partition(orders: DataFrame, emulator: Emulator) -> None:
    bad = orders.selectExpr("*", "if(number % 30 = 0, 'null', distinct_id) user").drop("distinct_id")
    report = write(bad, base_url=emulator.url, distinct_id_column="user")
    assert (report.imported, report.rejected) == (58, 2)
    assert [str(one.place) for one in report.failures] == ["partition 0: row 1", "partition 1: row 11"]


def test_failed_rows_are_read_back_as_rows_of_the_frame_and_written_again(
    spark: SparkSession, orders: DataFrame, emulator: Emulator, tmp_path: Path
) -> None:
    folder = tmp_path / "failed"
    bad = orders.selectExpr("*", "if(number % 30 = 0, 'null', distinct_id) user").drop("distinct_id")
    write(bad, base_url=emulator.url, distinct_id_column="user", dead_letter=str(folder), mapping=None)
    failed = spark.read.json(str(folder))
    assert {row.rule for row in failed.collect()} == {"distinct-id-disallowed"}

    kept = spark.read.schema(f"event struct<{columns_of(bad)}>, message string").json(str(folder))
    repaired = kept.select("event.*").selectExpr("* except (user)", "concat('user-', number % 7) user")
    assert repaired.schema == bad.schema.__class__(repaired.schema.fields)
    assert write(repaired, base_url=emulator.url, distinct_id_column="user").imported == 2
    assert numbers(emulator) == list(range(60))
    again = {event["properties"]["number"]: event["properties"] for event in emulator.events()}[30]
    assert (again["price"], again["time"]) == (7.5, 1700000030000)


def columns_of(frame: DataFrame) -> str:
    return ", ".join(f"{field.name} {field.dataType.simpleString()}" for field in frame.schema)


def test_a_frame_of_profiles_sets_them_and_a_second_write_changes_nothing(
    spark: SparkSession, emulator: Emulator
) -> None:
    users = spark.createDataFrame([("u-1", "pro", 3), ("u-2", "free", None)], "id string, plan string, seats int")
    for _ in range(2):
        assert write(users, base_url=emulator.url, profiles=True, distinct_id_column="id").imported == 2
        first, second = emulator.profile("u-1"), emulator.profile("u-2")
        assert first is not None
        assert second is not None
        assert (first["plan"], first["seats"], second["plan"]) == ("pro", 3, "free")
        assert "seats" not in second


def test_a_frame_of_groups_sets_their_profiles(spark: SparkSession, emulator: Emulator) -> None:
    companies = spark.createDataFrame([("acme", 17)], "name string, seats int")
    write(companies, base_url=emulator.url, groups="company", group_id_column="name")
    profile = emulator.group("company", "acme")
    assert profile is not None
    assert profile["seats"] == 17


@pytest.mark.parametrize("options", [{"operation": "add"}, {"operation": "append"}])
def test_updates_that_would_count_twice_need_a_word(
    spark: SparkSession, emulator: Emulator, options: dict[str, str]
) -> None:
    users = spark.createDataFrame([("u-1", 3)], "id string, seats int")
    with pytest.raises(ValueError, match="counts twice when the engine repeats a task"):
        write(users, base_url=emulator.url, profiles=True, distinct_id_column="id", **options)
