"""What a lookup table is read from, and how values are written."""

from __future__ import annotations

import csv
import gzip
import io
import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import numpy
import pyarrow
import pytest
from pyarrow import ipc, parquet

from mixpress.errors import LookupTableError
from mixpress.lookup import check, rows, source
from mixpress.lookup.source import read_table

TEXT = b"id,name\na,x\nb,y\n"
NO_OBJECT = "a value of type dict has no form in a lookup table; a table has no objects: make a column of each member"
NOT_UTF8 = "has a byte that is not UTF-8; convert the table: iconv -f WINDOWS-1252 -t UTF-8"
TABLE = pyarrow.table({"id": ["a", "b"], "name": ["x", "y"]})


def parquet_of(table: pyarrow.Table) -> bytes:
    written = io.BytesIO()
    parquet.write_table(table, written)
    return written.getvalue()


def arrow_of(table: pyarrow.Table) -> bytes:
    written = io.BytesIO()
    with ipc.new_file(written, table.schema) as writer:
        writer.write_table(table)
    return written.getvalue()


@pytest.mark.parametrize(
    "given",
    [
        TEXT,
        bytearray(TEXT),
        memoryview(TEXT),
        io.BytesIO(TEXT),
        io.StringIO(TEXT.decode()),
        [{"id": "a", "name": "x"}, {"id": "b", "name": "y"}],
        [["id", "name"], ("a", "x"), ["b", "y"]],
        iter([("id", "name"), ("a", "x"), ("b", "y")]),
        TABLE,
        TABLE.to_reader(),
        TABLE.to_batches()[0],
    ],
    ids=lambda given: type(given).__name__,
)
def test_each_kind_of_source(given: Any) -> None:
    found = read_table(given)
    assert found.csv.replace(b"\r\n", b"\n") == TEXT
    assert (found.rows, found.columns) == (2, ("id", "name"))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_table_of_another_library(library: str) -> None:
    table = pytest.importorskip(library).DataFrame({"id": ["a", "b"], "name": ["x", "y"]})
    assert read_table(table).csv.replace(b"\r\n", b"\n") == TEXT


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", TEXT),
        ("a.csv.gz", gzip.compress(TEXT)),
        ("a.tsv", TEXT.replace(b",", b"\t")),
        ("a.tsv.gz", gzip.compress(b"\xef\xbb\xbf" + TEXT.replace(b",", b"\t"))),
        ("a.parquet", parquet_of(TABLE)),
        ("a.arrow", arrow_of(TABLE)),
    ],
    ids=["csv", "csv.gz", "tsv", "tsv.gz", "parquet", "arrow"],  # gzip holds the time: workers need equal ids
)
@pytest.mark.parametrize("kind", [str, Path])
def test_each_kind_of_file(name: str, content: bytes, kind: Callable[[Path], Any], tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert read_table(kind(tmp_path / name)).csv.replace(b"\r\n", b"\n") == TEXT


def test_the_format_of_a_file_can_be_given(tmp_path: Path) -> None:
    """The comma of this header would make it CSV."""
    (tmp_path / "a").write_bytes(b"id, too\tname\na\tx\n")
    assert read_table(str(tmp_path / "a"), "tsv").columns == ("id, too", "name")
    with pytest.raises(ValueError, match="format is that of a file"):
        read_table(TEXT, "csv")


def test_the_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT)))
    assert read_table("-").csv == TEXT


class Kind(Enum):
    POP = "pop"


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (None, ""),
        (True, "true"),
        (numpy.bool_(False), "false"),
        (12, "12"),
        (2**70, str(2**70)),
        (numpy.int16(-3), "-3"),
        (1.5, "1.5"),
        (1e300, "1e+300"),
        (numpy.float32(0.5), "0.5"),
        (float("nan"), ""),
        (float("inf"), ""),
        (Decimal("1E+3"), "1000"),
        (Decimal("NaN"), ""),
        (datetime(2021, 8, 21, 5, 36, 1, tzinfo=timezone(timedelta(hours=2))), "2021-08-21T03:36:01Z"),
        (datetime(2021, 8, 21, 5, 36, 1), "2021-08-21T05:36:01"),
        (date(2021, 8, 21), "2021-08-21"),
        (time(5, 36), "05:36:00"),
        (timedelta(minutes=1), "60.0"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Kind.POP, "pop"),
        (["Free", 'a"b'], '["Free","a\\"b"]'),
        ({"b", "a"}, '["a","b"]'),
    ],
)
def test_how_a_value_is_written(value: Any, field: str) -> None:
    assert written(value) == field


def test_how_values_of_pandas_are_written() -> None:
    pandas = pytest.importorskip("pandas")
    assert [written(value) for value in (pandas.NaT, pandas.NA)] == ["", ""]
    assert written(pandas.Timestamp("2021-08-21T05:36:01Z")) == "2021-08-21T05:36:01Z"


def written(value: object) -> str:
    """Return the field of a value."""
    text = read_table([{"id": "a", "value": value}]).csv.decode()
    [_, record] = csv.reader(io.StringIO(text, newline=""), strict=True)
    return record[1]


def test_a_column_of_arrow_is_written_like_its_values() -> None:
    table = pyarrow.table(
        {
            "id": [1, 2],
            "at": pyarrow.array([10**9, None], pyarrow.timestamp("ms", "UTC")),
            "plans": [["Free", "Paid"], None],
            "share": pyarrow.array([Decimal("1.50"), None]),
        }
    )
    expected = b'id,at,plans,share\r\n1,1970-01-12T13:46:40Z,"[""Free"",""Paid""]",1.50\r\n2,,,\r\n'
    assert read_table(table).csv == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([{"id": "a", "n": {}}], [f"row 1: value 2: {NO_OBJECT}"]),
        ([{"id": "a", "n": [1]}], ["row 1: value 2: a list in a lookup table must have only texts"]),
        ([{"id": "a", "n": b"x"}], ["row 1: value 2: a value of type bytes has no form in a lookup table"]),
        ([{"id": "a", "n": 1}, {"id": "b", "m": 1}], ["row 2: has the key 'm', which the first row does not have"]),
        ([{"id": "a", "n": 1}, ["b", 1]], ["row 2: must be a dict as the first row is, got a list"]),
        (
            [["id", "n"], "bc", {"id": 1}, [], ["c", 1]],
            [
                "row 1: must be a sequence as the first row is, got a str",
                "row 2: must be a sequence as the first row is, got a dict",
                "row 3: has no values",
            ],
        ),
        ([["id", "n"], ["a"]], ["row 1 (line 2): has 1 value, the header 2"]),
        ([["id", "n"], ["\ud800", 1]], [f"row 1 (line 2): {NOT_UTF8}"]),
        ([], ["header: the table is empty: its first row must be a header"]),
    ],
)
def test_rows_that_break_a_rule(given: Any, expected: list[str]) -> None:
    with pytest.raises(LookupTableError) as caught:
        read_table(given)
    assert [str(problem) for problem in caught.value.problems] == expected


def test_a_key_that_a_dict_does_not_have_is_an_empty_field() -> None:
    assert read_table([{"id": "a", "n": 1}, {"id": "b"}]).csv == b"id,n\r\na,1\r\nb,\r\n"


@pytest.mark.parametrize(
    ("given", "words"),
    [(3, "got an int"), (["id,n", "a,b"], "dicts or sequences, got a str"), (None, "got a NoneType")],
)
def test_a_source_of_another_type(given: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        read_table(given)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(TEXT)[:-4], "cannot read .*/a to its end: the gzip stream ends too early"),
        (b"PK\x03\x04", "/a is zip, which mixpress does not read"),
        (parquet_of(TABLE)[:-30] + b"PAR1", "/a"),
        (arrow_of(TABLE)[:-60], "/a"),
        (b'id\tname\n"a"b\tc\n', "/a is not TSV"),
    ],
    ids=["gzip", "zip", "parquet", "arrow", "tsv"],  # gzip holds the time: workers need equal ids
)
def test_a_file_that_cannot_be_read(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(LookupTableError, match=words) as caught:
        read_table(tmp_path / "a")
    assert (caught.value.kind, caught.value.problems) == ("unreadable", ())


def test_a_table_that_its_library_cannot_give_to_arrow_is_unreadable() -> None:
    with pytest.raises(LookupTableError, match=r"cannot read the ChunkedArray as a table: .*non-struct type") as caught:
        read_table(pyarrow.chunked_array([["a", "b"]]))
    assert caught.value.kind == "unreadable"


def test_a_text_of_csv_is_no_path() -> None:
    with pytest.raises(ValueError, match="give CSV as bytes"):
        read_table("id,name\na,b\n")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / "a")


def test_no_more_is_read_than_a_table_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (check, rows, source):
        monkeypatch.setattr(module, "MAX_BYTES", 1000)
    taken = 0

    def endless() -> Iterator[list[Any]]:
        nonlocal taken
        yield ["id", "n"]
        while True:
            taken += 1
            yield [taken, "x"]

    with pytest.raises(LookupTableError, match="more than 1,000 bytes") as caught:
        read_table(endless())
    assert caught.value.kind == "too-large"
    assert taken < 400


def test_no_more_of_a_packed_file_is_unpacked_than_a_table_may_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (check, source):
        monkeypatch.setattr(module, "MAX_BYTES", 2_000_000)
    (tmp_path / "a").write_bytes(gzip.compress(b"id,n\n" + bytes(50_000_000)))
    read: list[int] = []
    real = source._read_all

    def read_all(file: source.Readable) -> bytes:
        text = real(file)
        read.append(len(text))
        return text

    monkeypatch.setattr(source, "_read_all", read_all)
    with pytest.raises(LookupTableError, match="more than 2,000,000 bytes"):
        read_table(tmp_path / "a", "csv")
    assert read[0] < 4_000_000
