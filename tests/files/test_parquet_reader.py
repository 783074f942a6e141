"""Parquet is read by row groups, and what is broken is told with the rows that were read."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from files.reading_tables import Read, opened, read
from mixpress.files import batches
from mixpress.files.opening import Opened
from mixpress.files.parquet_reader import parquet_pieces
from mixpress.files.refusing import INCOMPLETE
from mixpress.files.stopping import Stopping


def table_of(rows: int) -> pa.Table:
    numbers = range(rows)
    return pa.table(
        {
            "event": [f"E{number % 3}" for number in numbers],
            "time": pa.array([1_700_000_000_000 + number for number in numbers], pa.timestamp("ms", "UTC")),
            "distinct_id": [f"u{number}" for number in numbers],
            "n": list(numbers),
        }
    )


def written(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink, **options)
    return sink.getvalue()


def read_data(data: bytes) -> Read:
    return read(opened(data, "events.parquet"), parquet_pieces)


@pytest.fixture
def small_pieces() -> Any:
    with patch.object(batches, "ROWS", 100):
        yield


@pytest.mark.parametrize("group", [7, 100, 150, 1000])
def test_each_row_is_an_event_whatever_the_row_groups(group: int, small_pieces: None) -> None:
    result = read_data(written(table_of(1000), row_group_size=group))
    assert [piece.count() for piece in result.pieces] == [100] * 10
    assert [json.loads(result.events[row])["properties"]["n"] for row in range(1000)] == list(range(1000))
    assert [str(result.places[row]) for row in (0, 999)] == ["events.parquet: row 1", "events.parquet: row 1000"]
    assert result.originals[5]["n"] == 5  # type: ignore[index]
    positions = [piece.position for piece in result.pieces]
    assert positions == sorted(positions)
    assert result.damaged == []


def test_a_local_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    path.write_bytes(written(table_of(50)))
    with open(path, "rb", buffering=0) as file:
        source = Opened(str(path), file, Stopping(), size=path.stat().st_size, path=str(path), seekable=True)
        assert len(read(source, parquet_pieces).events) == 50


def test_columns_of_other_kinds() -> None:
    table = pa.table(
        {
            "event": pa.array(["A", "A"]).dictionary_encode(),
            "time": pa.array([1_700_000_000, 1_700_000_001], pa.timestamp("s", "Europe/Berlin")),
            "distinct_id": [1, 2],
            "items": [[{"sku": "a"}], None],
            "place": [{"city": "B", "zip": None}, None],
        }
    )
    result = read_data(written(table))
    first, second = (json.loads(result.events[row])["properties"] for row in (0, 1))
    assert first["items"] == [{"sku": "a"}]
    assert first["place"] == {"city": "B"}
    assert (first["time"], first["distinct_id"]) == (1_700_000_000_000, "1")
    assert "items" not in second
    assert result.originals[1].keys() == {"event", "time", "distinct_id"}  # type: ignore[attr-defined]


def test_long_texts_that_are_stored_once_are_read_in_small_batches() -> None:
    sizes = []
    iter_batches = parquet.ParquetFile.iter_batches

    def noted(file: Any, size: int, **options: Any) -> Any:
        sizes.append(size)
        return iter_batches(file, size, **options)

    table = pa.table({"event": ["A"] * 1000, "text": ["x" * 100_000] * 1000})
    with patch.object(parquet.ParquetFile, "iter_batches", noted):
        pieces = list(parquet_pieces(opened(written(table), "events.parquet")))
    assert sum(piece.count() for piece in pieces) == 1000
    assert max(sizes) < 100


def test_rows_of_the_footer_that_are_not_there_are_told() -> None:
    iter_batches = parquet.ParquetFile.iter_batches

    def without_the_second(file: Any, size: int, *, row_groups: list[int], **options: Any) -> Any:
        return iter(()) if row_groups == [1] else iter_batches(file, size, row_groups=row_groups, **options)

    with patch.object(parquet.ParquetFile, "iter_batches", without_the_second):
        result = read_data(written(table_of(100), row_group_size=50))
    assert len(result.events) == 50
    assert result.damaged == [
        "cannot read events.parquet after row 50: its footer names 100 rows: the file is damaged; write it again"
    ]


def test_a_digest_is_of_the_footer_and_the_rows(small_pieces: None) -> None:
    one, other = (read_data(written(table_of(rows))).pieces for rows in (300, 301))
    again = read_data(written(table_of(300))).pieces
    assert [piece.digest() for piece in one] == [piece.digest() for piece in again]
    assert len({piece.digest() for piece in [*one, *other]}) == len(one) + len(other)


@pytest.mark.parametrize("length", [0, 3, 11, 12, -1, -4, -100])
def test_a_truncated_file_is_named(length: int) -> None:
    data = written(table_of(100))
    [message] = read_data(data[:length]).damaged
    assert message == f"cannot read events.parquet: its end is not that of a Parquet file: {INCOMPLETE}"


def test_a_broken_footer_is_told() -> None:
    result = read_data(b"PAR1" + b"\xff" * 20 + b"\x10\0\0\0PAR1")
    assert result.damaged[0].startswith("cannot read events.parquet from its first record on: the file is damaged (")
    assert result.damaged[0].endswith("): copy, download or write it again")


def test_the_rows_before_a_broken_page_are_read(small_pieces: None) -> None:
    data = bytearray(written(table_of(1000), row_group_size=250, write_page_checksum=True, compression="none"))
    place = parquet.ParquetFile(io.BytesIO(data)).metadata.row_group(2).column(2).data_page_offset
    data[place + 100] ^= 1
    result = read_data(bytes(data))
    assert sorted(result.events) == list(range(500))
    assert result.damaged[0].startswith("cannot read events.parquet after row 500: ")
    assert "CRC checksum" in result.damaged[0]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4))
def test_a_file_with_changed_bytes_is_read_or_told(changes: list[tuple[float, int]]) -> None:
    data = bytearray(written(table_of(60), write_page_checksum=True, row_group_size=20))
    for place, change in changes:
        data[int(place * len(data))] ^= change
    result = read_data(bytes(data))
    assert len(result.events) == 60 or result.damaged or result.pieces


def test_a_file_without_rows_is_empty() -> None:
    assert read_data(written(table_of(0))) == Read([], {}, {}, {}, [], [], [])


def test_an_encrypted_file_is_named() -> None:
    result = read_data(b"PAR1" + b"\0" * 50 + b"\x20\0\0\0PARE")
    assert result.damaged == ["cannot read events.parquet: it is encrypted: write it without encryption"]


def test_a_server_that_sends_only_whole_files_is_told() -> None:
    class Whole(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise ValueError("The HTTP server doesn't appear to support range requests. Open with block_size=0")

    source = Opened("http://h/a.parquet", Whole(written(table_of(5))), Stopping(), size=9, seekable=True)
    result = read(source, parquet_pieces)
    reason = "its server does not send parts of a file, which Parquet needs: download it first"
    assert result.damaged == [f"cannot read http://h/a.parquet: {reason}"]


def test_a_pipe_is_told() -> None:
    result = read(Opened("stdin", io.BytesIO(written(table_of(5))), Stopping()), parquet_pieces)
    reason = "Parquet is read from its end, which a pipe or a packed file does not allow: save it to a file"
    assert result.damaged == [f"cannot read stdin: {reason}"]


def test_what_arrow_says_of_damage_comes_with_what_to_do(small_pieces: None) -> None:
    data = bytearray(written(table_of(1000), row_group_size=250, write_page_checksum=True, compression="none"))
    place = parquet.ParquetFile(io.BytesIO(data)).metadata.row_group(2).column(2).data_page_offset
    data[place + 100] ^= 1
    [message] = read_data(bytes(data)).damaged
    assert message.startswith("cannot read events.parquet after row 500: the file is damaged (")
    assert message.endswith("): copy, download or write it again")
    assert "\n" not in message
