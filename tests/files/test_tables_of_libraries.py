"""import_table with the real tables of each library: the emulator holds the rows that were given."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import dataset

from mixpress import Client, Mapping, ProjectToken
from mixpress.emulator import Emulator
from support.clients import ACCOUNT

NOON = dt.datetime(2026, 1, 5, 12, tzinfo=dt.timezone.utc)
MAPPING = Mapping(event="Paid", time_column="at", distinct_id_column="user", insert_id_from=("order",))
PROFILES = Mapping(profiles=True, distinct_id_column="user", drop=("at",))

ROWS: list[dict[str, Any]] = [
    {
        "at": NOON + dt.timedelta(hours=number),
        "user": f"user-{number}",
        "order": number,
        "plan": ["pro", None, "free"][number % 3],
        "amount": Decimal(number) / 4 if number % 2 else None,
        "count": number if number % 3 else None,
        "new": [True, None, False][number % 3],
        "day": dt.date(2026, 1, 5 + number),
        "tags": ["a", "b"][: number % 3] if number % 4 else None,
        "place": {"city": "Köln", "zip": number},
    }
    for number in range(12)
]
WRONG = 7
"""The row without a user, in the tables that have one."""


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of a row's event."""
    kept = {name: value for name, value in row.items() if value is not None and name not in ("at", "user")}
    day = f"{row['day'].isoformat()}T00:00:00"
    changed = {"amount": float(kept["amount"])} if "amount" in kept else {}
    time = int(row["at"].timestamp() * 1000)
    return {**kept, **changed, "day": day, "time": time, "distinct_id": row["user"]}


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    kinds = {"amount": pa.decimal128(9, 2), "count": pa.int64(), "at": pa.timestamp("us", "UTC")}
    table = pa.Table.from_pylist(rows)
    return table.cast(pa.schema([pa.field(one.name, kinds.get(one.name, one.type)) for one in table.schema]))


def dictionaries(rows: list[dict[str, Any]]) -> pa.Table:
    """Return a table whose chunks have a dictionary each, with other words in it."""
    halves = [table_of(rows[:5]), table_of(rows[5:])]
    return pa.concat_tables(
        [half.set_column(3, "plan", half["plan"].combine_chunks().dictionary_encode()) for half in halves]
    )


def polars_frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema_overrides={"plan": pl.Categorical, "amount": pl.Decimal(9, 2)})


def duckdb_relation(rows: list[dict[str, Any]]) -> duckdb.DuckDBPyRelation:
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'Asia/Tokyo'")
    connection.register("given", table_of(rows))
    return connection.sql("select * replace (plan::enum('pro', 'free') as plan) from given order by \"order\"")


def pandas_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return a frame with categories, types with nulls, a zone other than UTC, objects, and an index without a name."""
    frame = pd.DataFrame(rows).astype({"plan": "category", "count": "Int64", "new": "boolean"})
    frame["at"] = frame["at"].dt.tz_convert("Europe/Berlin")
    return frame.set_axis([f"label {number}" for number in range(len(rows))])


TABLES: dict[str, Callable[[list[dict[str, Any]]], Any]] = {
    "pyarrow Table": table_of,
    "pyarrow Table of dictionaries": dictionaries,
    "pyarrow RecordBatchReader": lambda rows: table_of(rows).to_reader(max_chunksize=5),
    "pyarrow dataset": lambda rows: dataset.dataset(table_of(rows)),
    "pyarrow scanner": lambda rows: dataset.dataset(table_of(rows)).scanner(batch_size=5),
    "pyarrow ChunkedArray of structs": lambda rows: pa.chunked_array(
        [table_of(rows).to_struct_array().combine_chunks()]
    ),
    "Polars DataFrame": polars_frame,
    "Polars DataFrame of a query": lambda rows: polars_frame(rows).lazy().filter(pl.col("order") >= 0).collect(),
    "DuckDB relation": duckdb_relation,
    "DuckDB reader": lambda rows: duckdb_relation(rows).to_arrow_reader(5),
    "pandas DataFrame": pandas_frame,
    "pandas DataFrame of Arrow types": lambda rows: table_of(rows).to_pandas(types_mapper=pd.ArrowDtype),
    "pandas DataFrame with an index": lambda rows: pandas_frame(rows).set_index("user"),
    "pandas DataFrame with two": lambda rows: pandas_frame(rows).set_index(["user", "at"]),
}
every_table = pytest.mark.parametrize("library", TABLES)


@every_table
def test_the_rows_of_a_table_arrive_as_events(library: str) -> None:
    with Emulator() as server, Client(ACCOUNT, base_url=server.url) as client:
        report = client.import_table(TABLES[library](ROWS), mapping=MAPPING)
        assert (report.total, report.imported, report.damaged) == (len(ROWS), len(ROWS), ())
        held = sorted((event["properties"] for event in server.events("Paid")), key=lambda one: one["order"])
    for properties in held:
        assert properties.pop("$insert_id")
    assert held == [expected(row) for row in ROWS]


def test_a_row_has_the_same_id_in_the_tables_of_all_libraries() -> None:
    with Emulator() as server, Client(ACCOUNT, base_url=server.url) as client:
        for make in TABLES.values():
            assert client.import_table(make(ROWS), mapping=MAPPING).imported == len(ROWS)
        assert server.count() == len(ROWS)


@every_table
def test_the_rows_of_a_table_arrive_as_profiles(library: str) -> None:
    with Emulator() as server, Client(ProjectToken("a-token"), base_url=server.url) as client:
        report = client.import_table(TABLES[library](ROWS), mapping=PROFILES)
        assert (report.total, report.imported) == (len(ROWS), len(ROWS))
        held = [server.profile(row["user"]) for row in ROWS]
    own = ("time", "distinct_id")
    assert held == [{name: value for name, value in expected(row).items() if name not in own} for row in ROWS]


@every_table
def test_a_rejected_row_is_named_by_its_number_and_kept_in_the_dead_letter(library: str, tmp_path: Path) -> None:
    rows = [{**row, "user": None if row["order"] == WRONG else row["user"]} for row in ROWS]
    letter = tmp_path / "failed.ndjson"
    with Emulator() as server, Client(ACCOUNT, base_url=server.url) as client:
        report = client.import_table(TABLES[library](rows), mapping=MAPPING, dead_letter=letter)
    assert (report.imported, report.rejected) == (len(ROWS) - 1, 1)
    [failure] = report.failures
    assert (str(failure.place), failure.rule) == (f"table: row {WRONG + 1}", "distinct-id-missing")
    [line] = [json.loads(line) for line in letter.read_text().splitlines()]
    assert (line["row"], line["event"]["order"], line["event"]["place"]) == (WRONG + 1, WRONG, ROWS[WRONG]["place"])


def test_an_index_without_a_name_is_no_property() -> None:
    frame = pandas_frame(ROWS)
    with Emulator() as server, Client(ACCOUNT, base_url=server.url) as client:
        assert client.import_table(frame[frame["order"] % 2 == 1], mapping=MAPPING).imported == len(ROWS) // 2
        assert {name for event in server.events() for name in event["properties"]} <= {
            *ROWS[0], "time", "distinct_id", "$insert_id",
        }  # fmt: skip


@pytest.mark.parametrize(
    "note", [b"{", b"[]", b"{}", b'{"index_columns": 1}', b'{"index_columns": ["__index_level_7__", "order", {}]}']
)
def test_a_note_of_pandas_that_does_not_fit_the_table_is_ignored(note: bytes) -> None:
    table = table_of(ROWS).replace_schema_metadata({"pandas": note})
    with Client(ACCOUNT, base_url="http://127.0.0.1:9") as client:
        assert client.import_table(table, mapping=MAPPING, dry_run=True).imported == len(ROWS)


def test_times_of_pandas_without_a_zone_are_in_that_of_the_mapping() -> None:
    frame = pd.DataFrame({"at": [pd.Timestamp("2026-07-01 12:00"), pd.NaT], "user": ["u", "v"], "order": [1, 2]})
    mapping = Mapping(**{**MAPPING.changed(), "time_zone": "Europe/Berlin"})
    with Emulator() as server, Client(ACCOUNT, base_url=server.url) as client:
        report = client.import_table(frame, mapping=mapping)
        assert (report.imported, [failure.index for failure in report.failures]) == (1, [1])
        [event] = server.events()
    assert event["properties"]["time"] == int(dt.datetime(2026, 7, 1, 10, tzinfo=dt.timezone.utc).timestamp() * 1000)


# What cannot be read


class Frame:
    """Stands in for a class of a library that is not installed here."""


def named(package: str, name: str) -> Any:
    return type(name, (Frame,), {"__module__": f"{package}.somewhere"})()


@pytest.mark.parametrize(
    ("table", "remedy"),
    [
        (pl.LazyFrame({"a": [1]}), r"a LazyFrame of polars .*: pass frame\.collect\(\)"),
        (duckdb.connect(), r"a DuckDBPyConnection of duckdb .*: pass the relation of connection\.sql\(query\)"),
        (named("pyspark", "DataFrame"), r"a DataFrame of pyspark .*: write it with mixpress\.spark\.write\(frame"),
        (named("ray", "Dataset"), r"a Dataset of ray .*: write it with dataset\.write_datasink\(MixpressDatasink\("),
        (named("dask", "DataFrame"), r"a DataFrame of dask .*: import each of its partitions: .*map_partitions"),
        ([{"user": "u"}], r"the table must have __arrow_c_stream__, .*, got list"),
    ],
)
def test_an_object_without_rows_of_arrow_says_what_to_pass(table: Any, remedy: str) -> None:
    with Client(ACCOUNT, base_url="http://127.0.0.1:9") as client, pytest.raises(TypeError, match=remedy):
        client.import_table(table)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (pd.DataFrame({"mixed": [1, "a"]}), "DataFrame as a table: .*Conversion failed for column mixed"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), r"DataFrame as a table: .*[Dd]uplicate column names"),
        (pd.Series([1], name="a"), "Series as a table: .*non-struct type"),
        (pl.DataFrame({"big": pl.Series([1], dtype=pl.Int128)}), "DataFrame as a table: .*_pli128"),
    ],
)
def test_a_table_that_its_library_cannot_export_is_an_error(table: Any, reason: str) -> None:
    with Client(ACCOUNT, base_url="http://127.0.0.1:9") as client, pytest.raises(ValueError, match=reason):
        client.import_table(table)


def test_a_query_that_fails_while_it_is_read_is_named_in_the_report() -> None:
    rows = 50_000
    failing = f"case when n = {rows - 1} then error('no more') else 1700000000 + n end as time"
    relation = duckdb.connect().sql(f"select {failing}, 'u' as distinct_id from range({rows}) rows(n)")
    with Client(ACCOUNT, base_url="http://127.0.0.1:9") as client:
        report = client.import_table(relation, mapping=Mapping(event="E"), dry_run=True)
    [damage] = report.damaged
    assert damage == f"cannot read the table after row {report.total:,}: Invalid Input Error: no more"
    assert report.imported == report.total < rows
