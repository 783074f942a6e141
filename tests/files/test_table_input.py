"""A table of any library is an input of an import."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from files.reading_tables import Read, read_pieces
from files.test_parquet_reader import table_of
from mixpress.files import batches
from mixpress.files.batches import regrouped
from mixpress.files.piece import Stopped
from mixpress.files.table_input import TableInput


def read_table(source: Any) -> Read:
    table = TableInput(source)
    return read_pieces(list(table), table.damaged)


def numbers(result: Read) -> list[int]:
    return [json.loads(event)["properties"]["n"] for event in result.events.values()]


def polars_frame() -> Any:
    return pytest.importorskip("polars").from_arrow(table_of(30))


def duckdb_relation() -> Any:
    return pytest.importorskip("duckdb").from_arrow(table_of(30))


def pandas_frame() -> Any:
    return pytest.importorskip("pandas").DataFrame(table_of(30).to_pandas())


SOURCES = {
    "table": lambda: table_of(30),
    "batch": lambda: table_of(30).combine_chunks().to_batches()[0],
    "reader": lambda: table_of(30).to_reader(max_chunksize=7),
    "polars": polars_frame,
    "duckdb": duckdb_relation,
    "pandas": pandas_frame,
}


@pytest.mark.parametrize("source", SOURCES)
def test_tables_of_any_library_are_read(source: str) -> None:
    result = read_table(SOURCES[source]())
    assert numbers(result) == list(range(30))
    assert str(result.places[29]) == "table: row 30"
    assert result.originals[3]["distinct_id"] == "u3"  # type: ignore[index]


@given(st.lists(st.integers(0, 12), max_size=8), st.integers(1, 10), st.integers(60, 2000))
def test_batches_are_regrouped_without_a_change(sizes: list[int], rows: int, size: int) -> None:
    table = table_of(sum(sizes))
    given, start = [], 0
    for length in sizes:
        given += table.slice(start, length).combine_chunks().to_batches()
        start += length
    with patch.object(batches, "ROWS", rows), patch.object(batches, "BYTES", size):
        found = list(regrouped(given))
    assert pa.Table.from_batches(found, table.schema).equals(table)
    assert all(batch.num_rows <= rows for batch in found)


def test_small_batches_of_one_schema_are_joined() -> None:
    one, other = pa.RecordBatch.from_pydict({"a": [1]}), pa.RecordBatch.from_pydict({"b": ["x"]})
    found = list(regrouped([one, one, other, other, one]))
    assert [(batch.schema.names, batch.num_rows) for batch in found] == [(["a"], 2), (["b"], 2), (["a"], 1)]


def test_small_batches_are_joined() -> None:
    with patch.object(batches, "ROWS", 20):
        pieces = list(TableInput(table_of(45).to_reader(max_chunksize=3)))
    assert [piece.count() for piece in pieces] == [20, 20, 5]


def test_batches_that_arrow_cannot_join_are_kept() -> None:
    words = pa.array(["a", "b"]).dictionary_encode()
    other = pa.array(["c", "b"]).dictionary_encode()
    given = [
        pa.record_batch({"event": ["A"], "words": pa.ListArray.from_arrays([0, 2], each)}) for each in (words, other)
    ]
    result = read_table(pa.RecordBatchReader.from_batches(given[0].schema, given))
    assert [json.loads(event)["properties"]["words"] for event in result.events.values()] == [["a", "b"], ["c", "b"]]


def test_what_a_producer_raises_ends_the_rows() -> None:
    def batches_of() -> Iterator[pa.RecordBatch]:
        yield from table_of(10).to_batches()
        raise ValueError("the database went away")

    result = read_table(pa.RecordBatchReader.from_batches(table_of(1).schema, batches_of()))
    assert numbers(result) == list(range(10))
    assert result.damaged == ["cannot read the table after row 10: Invalid: the database went away"]


def test_another_object_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"must have __arrow_c_stream__, .* got list"):
        TableInput([{"event": "A"}])


def test_without_pyarrow_the_extra_is_named() -> None:
    table = table_of(1)
    with (
        patch.dict(sys.modules, {"pyarrow": None}),
        pytest.raises(ImportError, match=r"a table needs pyarrow: pip install 'mixpress\[parquet\]'"),
    ):
        TableInput(table)


def test_it_stops_when_asked() -> None:
    with patch.object(batches, "ROWS", 10):
        table = TableInput(table_of(100))
        pieces = iter(table)
        next(pieces)
        table.stop("Ctrl-C")
        with pytest.raises(Stopped, match="Ctrl-C"):
            next(pieces)
