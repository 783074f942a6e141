"""Arrow's IPC format is read as a stream, and the rows before damage are kept."""

from __future__ import annotations

import io
import json
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from files.reading_tables import Read, opened, read
from files.test_parquet_reader import table_of
from mixpress.files import batches
from mixpress.files.arrow_reader import arrow_pieces
from mixpress.files.opening import Opened
from mixpress.files.stopping import Stopping

KINDS = {"stream": pa.ipc.new_stream, "file": pa.ipc.new_file}


def written(table: pa.Table, kind: str, chunk: int = 100, **options: Any) -> bytes:
    sink = io.BytesIO()
    with KINDS[kind](sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=chunk)
    return sink.getvalue()


def read_data(data: bytes) -> Read:
    return read(opened(data, "events.arrow"), arrow_pieces)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
def test_each_row_is_an_event(kind: str, compression: str | None) -> None:
    with patch.object(batches, "ROWS", 70):
        result = read_data(written(table_of(1000), kind, compression=compression))
    assert [json.loads(result.events[row])["properties"]["n"] for row in range(1000)] == list(range(1000))
    assert [piece.count() for piece in result.pieces] == [70] * 14 + [20]
    assert str(result.places[999]) == "events.arrow: row 1000"
    assert result.damaged == []


@pytest.mark.parametrize("kind", KINDS)
def test_it_may_come_from_a_pipe(kind: str) -> None:
    result = read(Opened("stdin", io.BytesIO(written(table_of(50), kind)), Stopping()), arrow_pieces)
    assert (len(result.events), result.damaged) == (50, [])


@pytest.mark.parametrize("kind", KINDS)
def test_dictionaries_that_change(kind: str) -> None:
    column = pa.chunked_array([pa.array(words).dictionary_encode() for words in (["A", "B"], ["A", "B", "C"])])
    table = pa.table({"event": column, "time": [1_700_000_000] * 5, "distinct_id": ["u"] * 5})
    result = read_data(written(table, kind, emit_dictionary_deltas=True))
    assert [json.loads(event)["event"] for event in result.events.values()] == ["A", "B", "A", "B", "C"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_rows_before_a_cut_are_read(kind: str) -> None:
    data = written(table_of(1000), kind)
    result = read_data(data[: len(data) // 2])
    rows = len(result.events)
    assert rows in range(100, 900)
    assert result.damaged[0].startswith(f"cannot read events.arrow after row {rows:,}: ")


@given(st.data())
def test_a_file_cut_anywhere_is_told(data: st.DataObject) -> None:
    whole = written(table_of(30), "file", chunk=10)
    cut = data.draw(st.integers(1, len(whole) - 1))
    result = read_data(whole[:cut])
    assert list(result.events) == list(range(len(result.events)))
    assert len(result.damaged) == 1


@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4))
def test_a_file_with_changed_bytes_is_read_or_told(changes: list[tuple[float, int]]) -> None:
    data = bytearray(written(table_of(60), "file", chunk=20))
    for place, change in changes:
        data[int(place * len(data))] ^= change
    result = read_data(bytes(data))
    assert result.pieces or result.damaged


def test_a_position_outside_of_its_buffer_is_found() -> None:
    offsets = pa.py_buffer(b"".join(offset.to_bytes(4, "little") for offset in (0, 1 << 30, 3)))
    column = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"abc")])
    sink = io.BytesIO()
    good = pa.record_batch({"event": ["A"]})
    with pa.ipc.new_stream(sink, good.schema) as writer:
        writer.write_batch(good)
    data = sink.getvalue()
    assert read_data(data).damaged == []
    bad = pa.RecordBatch.from_arrays([column], ["event"])
    with patch.object(pa.ipc, "open_stream") as open_stream:
        batch_reader = pa.RecordBatchReader.from_batches(good.schema, [good, bad])
        open_stream.return_value.__enter__.return_value = batch_reader
        result = read_data(data)
    assert len(result.events) == 1
    assert result.damaged[0].startswith("cannot read events.arrow after row 1: ")


@pytest.mark.parametrize("data", [b""])
def test_an_empty_file_is_empty(data: bytes) -> None:
    assert read_data(data) == Read([], {}, {}, {}, [], [], [])


def test_the_first_version_of_feather_is_named() -> None:
    assert "it is Feather of version 1" in read_data(b"FEA1" + b"\0" * 50).damaged[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_digest_is_of_the_rows(kind: str) -> None:
    (one,), (again,) = (read_data(written(table_of(30), kind, chunk=chunk)).pieces for chunk in (10, 30))
    (longer,) = read_data(written(table_of(31), kind)).pieces
    assert one.digest() == again.digest()
    assert one.digest() != longer.digest()


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_named_with_what_to_do(kind: str) -> None:
    data = written(table_of(1000), kind)
    [message] = read_data(data[: len(data) // 2]).damaged
    assert message.endswith(": copy, download or write it again")
    assert "\n" not in message
