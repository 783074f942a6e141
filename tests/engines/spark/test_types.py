"""What becomes of each type of column of Spark."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from mixpress import Report
from mixpress.emulator import Emulator
from mixpress.spark import write

SENT: dict[str, tuple[str, Any]] = {
    "boolean": ("true", True),
    "tinyint": ("7Y", 7),
    "bigint": ("9223372036854775807L", 9223372036854775807),
    "float": ("cast(1.5 as float)", 1.5),
    "NaN": ("double('NaN')", None),
    "decimal": ("cast(1234567890123456.78 as decimal(38, 2))", 1234567890123456.78),
    "string": ("'žluťoučký'", "žluťoučký"),
    "date": ("date '2026-03-29'", "2026-03-29T00:00:00"),
    "timestamp": ("timestamp '2026-03-29 04:30:00'", "2026-03-29T02:30:00"),
    "timestamp without zone": ("timestamp_ntz '2026-03-29 04:30:00'", "2026-03-29T04:30:00"),
    "array": ("array(1, null, 3)", [1, None, 3]),
    "array of structs": ("array(named_struct('sku', 'a', 'n', 2))", [{"sku": "a", "n": 2}]),
    "map": ("map('a', 1, 'b', 2)", {"a": 1, "b": 2}),
    "struct": ("named_struct('a', 1, 'b', named_struct('c', 'd'))", {"a": 1, "b": {"c": "d"}}),
    "collated string": ("'a' collate UNICODE", "a"),
}
"""Expression of Spark -> the property. The session's zone is Europe/Berlin."""

LEFT_OUT = {"void": "null", "string": "cast(null as string)", "struct": "cast(null as struct<a int>)"}

REFUSED = {
    "binary": ("binary('a')", r"base64\(x\) or hex\(x\)"),
    "interval of days": ("interval '1' day", r"cast\(x as string\)"),
    "interval of months": ("interval '1' month", r"cast\(x as string\)"),
    "time": ("time '12:00:00'", r"cast\(x as string\)"),
    "variant": ("parse_json('{}')", r"to_json\(x\)"),
    "map with other keys": ("map(1, 'a')", r"transform_keys\(x, "),
}


def rows(spark: SparkSession, *columns: str) -> DataFrame:
    of_api = ("'E' event", "timestamp '2026-01-01 01:00:00' time", "'u' distinct_id")
    return spark.range(1).selectExpr(*of_api, *columns)


def written(frame: DataFrame, server: Emulator, **options: Any) -> tuple[Report, dict[str, Any]]:
    report = write(frame, base_url=server.url, **options)
    [event] = server.events()
    return report, event["properties"]


def test_values_arrive_as_json_has_them(spark: SparkSession, emulator: Emulator) -> None:
    columns = [f"{expression} as `{name}`" for name, (expression, _) in SENT.items()]
    report, properties = written(rows(spark, *columns), emulator)
    assert report.imported == 1
    assert {name: properties[name] for name in SENT} == {name: value for name, (_, value) in SENT.items()}


def test_nulls_are_left_out(spark: SparkSession, emulator: Emulator) -> None:
    columns = [f"{expression} as `{name}`" for name, expression in LEFT_OUT.items()]
    _, properties = written(rows(spark, *columns), emulator)
    assert not set(LEFT_OUT) & set(properties)


@pytest.mark.parametrize(
    ("column", "options", "milliseconds"),
    [
        ("timestamp '2026-03-29 04:30:00'", {}, 1774751400000),
        ("timestamp_ntz '2026-03-29 04:30:00'", {}, 1774758600000),
        ("timestamp_ntz '2026-03-29 04:30:00'", {"time_zone": "Europe/Berlin"}, 1774751400000),
        ("date '2026-03-29'", {}, 1774742400000),
        ("1774751400L", {}, 1774751400000),
        ("'2026-03-29T04:30:00+02:00'", {}, 1774751400000),
    ],
)
def test_any_type_with_a_time_can_be_the_time(
    spark: SparkSession, emulator: Emulator, column: str, options: dict[str, Any], milliseconds: int
) -> None:
    _, properties = written(rows(spark, f"{column} at").drop("time"), emulator, time_column="at", **options)
    assert properties["time"] == milliseconds


@pytest.mark.parametrize("name", REFUSED)
def test_a_type_without_a_form_in_json_is_named_before_a_task_starts(spark: SparkSession, name: str) -> None:
    expression, remedy = REFUSED[name]
    with pytest.raises(ValueError, match=rf"the column 'x' is .*: write {remedy}"):
        write(rows(spark, f"{expression} x"), base_url="http://127.0.0.1:9")


def test_a_field_within_a_column_is_named_too(spark: SparkSession) -> None:
    frame = rows(spark, "array(named_struct('a', 1, 'raw', binary('x'))) items")
    with pytest.raises(ValueError, match=r"the column 'items\.raw' is binary, .* base64\(items\.raw\)"):
        write(frame, base_url="http://127.0.0.1:9")


@pytest.mark.parametrize("options", [{"drop": ["raw"]}, {"keep": ["n"]}])
def test_a_column_that_is_not_sent_may_have_any_type(
    spark: SparkSession, emulator: Emulator, options: dict[str, Any]
) -> None:
    _, properties = written(rows(spark, "1 n", "binary('x') raw"), emulator, **options)
    assert (properties["n"], "raw" in properties) == (1, False)


def test_the_format_names_the_column_too(registered: SparkSession) -> None:
    writer = rows(registered, "binary('a') x").write.format("mixpress").mode("append")
    with pytest.raises(Exception, match="the column 'x' is binary"):
        writer.option("base_url", "http://127.0.0.1:9").save()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rename": {"s.nope": "a"}}, "no column 's.nope', which rename names; the fields of 's' are a, deep, m"),
        ({"keep": ["s.deep.nope"]}, "no column 's.deep.nope', which keep names; the fields of 's.deep' are b"),
        ({"drop": ["s.a.nope"]}, "no column 's.a.nope', which drop names; the fields of 's.a' are none"),
        ({"rename": {"s.m.k": "K"}}, "no column 's.m.k', which rename names; the fields of 's.m' are none"),
        ({"time_column": "s.nope"}, "no column 's.nope', which time_column names"),
    ],
)
def test_a_name_that_a_struct_does_not_have_is_named_before_a_task_starts(
    registered: SparkSession, options: dict[str, Any], message: str
) -> None:
    frame = rows(registered, "named_struct('a', 1, 'deep', named_struct('b', 2), 'm', map('k', 3)) s")
    with pytest.raises(ValueError, match=message):
        write(frame, base_url="http://127.0.0.1:9", **options)
    of_api = frame.selectExpr("event", "struct(time, distinct_id, s) properties")
    with pytest.raises(ValueError, match=message):
        write(of_api, base_url="http://127.0.0.1:9", **options)


def test_names_that_structs_have_are_used(spark: SparkSession, emulator: Emulator) -> None:
    frame = rows(spark, "named_struct('a', 1, 'deep', named_struct('b', 2)) s", "4 `s.x`")
    names = {"s.a": "A", "s.deep.b": "B", "s.x": "X"}
    _, properties = written(frame, emulator, rename=names)
    assert {name: properties.get(name) for name in names.values()} == {"A": 1, "B": 2, "X": 4}


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("'u' distinct_id", "the frame has the column 'distinct_id' more than once: give each another name"),
        ("array(named_struct('a', 1, 'a', 2)) s", "the struct 's' has the field 'a' more than once"),
    ],
)
def test_two_columns_of_one_name_are_named_before_a_task_starts(
    registered: SparkSession, column: str, message: str
) -> None:
    frame = rows(registered, column)
    with pytest.raises(ValueError, match=message):
        write(frame, base_url="http://127.0.0.1:9")
    with pytest.raises(AnalysisException, match=message):
        frame.write.format("mixpress").mode("append").option("base_url", "http://127.0.0.1:9").save()
