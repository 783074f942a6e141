"""CSV is read as Python's csv module reads it, in pieces, and a bad record costs only itself."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import event as note
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet

from files.csv_twin import event_of, kind_of, rows_of, value
from files.reading_tables import NO_RULES, Read, opened, read, read_pieces
from mixpress import Encoder
from mixpress.files import csv_reader
from mixpress.files.csv_reader import csv_pieces
from mixpress.files.files import Files
from mixpress.files.mapped import MappedColumns
from mixpress.files.mapper import mapper_of
from mixpress.files.mapping import Mapping
from mixpress.files.opening import Opened
from mixpress.files.piece import Stopped
from mixpress.files.stopping import Stopping

HEADER = b"event,time,distinct_id,plan,n\n"
ROW = b"Paid,1700000000,u-1,pro,1\n"


def read_data(data: bytes) -> Read:
    return read(opened(data), csv_pieces)


def properties(result: Read, record: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.events[record])["properties"]
    return {name: found[name] for name in found if name != "$insert_id"}


cells = st.one_of(
    st.sampled_from(
        ["", "1", "-7", "007", "+1", "1.5", "2.50", "1e5", "1e999", "-0", "true", "FALSE", "NaN", "inf", "NA", "\\N"]
    ),
    st.sampled_from(["9223372036854775807", "9223372036854775808", "123456789012345678.5", "1.", ".5", " 1", "1_0"]),
    st.text(alphabet='ab",;\t\r\n é"' + ("\0" if sys.version_info >= (3, 11) else ""), max_size=6),
)


@st.composite
def csv_text(draw: st.DrawFn, delimiter: str) -> bytes:
    """Text that a program wrote, with each value quoted or not."""

    def spelled(cell: str) -> str:
        must = any(char in cell for char in f'{delimiter}\r\n"')
        return '"' + cell.replace('"', '""') + '"' if must or draw(st.booleans()) else cell

    rows = draw(st.lists(st.lists(cells, min_size=3, max_size=3) | st.lists(cells, max_size=5), max_size=12))
    ends = st.sampled_from(["\n", "\r\n", "\r"])
    text = "".join(delimiter.join(map(spelled, row)) + draw(ends) for row in rows)
    return text.rstrip("\r\n").encode() if draw(st.booleans()) else text.encode()


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, str]:
    delimiter = draw(st.sampled_from(",;\t|"))
    broken = st.text(alphabet=f'a{delimiter}"\r\n1', max_size=80).map(str.encode)
    body = draw(csv_text(delimiter) | broken)
    bom = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    header = delimiter.join(["event", "x", "n"]) + draw(st.sampled_from(["\n", "\r\n", "\r"]))
    return bom + header.encode() + body, delimiter


@given(files(), st.integers(20, 80))
@example((b"event,x,n\r\na,b,1\r\n", ","), 20)
@example((b'event,x,n\n"a","b""\n",1', ","), 20)
def test_any_text_is_read_as_by_the_csv_module(file: tuple[bytes, str], window: int) -> None:
    data, delimiter = file
    with patch.object(csv_reader, "WINDOW", window):
        result = read(opened(data), lambda file: csv_pieces(file, delimiter))
    (header, *rows), is_open = rows_of(data, delimiter)
    names = header.fields
    assert bool(result.damaged) == is_open
    assert [place[1:3] for place in result.places] == [(row.line, row.offset) for row in rows]
    ragged = {record for record, row in enumerate(rows) if len(row.fields) != len(names)}
    assert {record: problem.rule for record, problem in result.problems.items()} == dict.fromkeys(ragged, "ragged-row")
    first = [row.fields for row in rows[: result.pieces[0].count()] if len(row.fields) == len(names)] if rows else []
    kinds = [kind_of(name, [fields[i] for fields in first]) for i, name in enumerate(names)]
    expected = {
        record: {
            name: found
            for name, text, kind in zip(names, row.fields, kinds, strict=True)
            if (found := value(text, kind) if text else None) is not None
        }
        for record, row in enumerate(rows)
        if record not in ragged
    }
    for record, original in expected.items():
        assert repr(result.originals[record]) == repr(original)
        encoded = Encoder(compression=None, insert_id="derive", limits=NO_RULES).encode([event_of(original)])
        events = [event for batch in encoded.batches for event in batch.events()]
        assert [result.events[record]] == events
    note(f"pieces: {min(len(result.pieces), 3)}")


@given(files(), st.integers(20, 80))
def test_pieces_are_contiguous_and_cut_at_the_same_places(file: tuple[bytes, str], window: int) -> None:
    data, delimiter = file
    with patch.object(csv_reader, "WINDOW", window):
        spans = [
            [(piece.start, piece.end, piece.count(), piece.digest()) for piece in csv_pieces(opened(data), delimiter)]
            for _ in range(2)
        ]
    assert spans[0] == spans[1]
    assert all(one[1] == other[0] for one, other in zip(spans[0], spans[0][1:], strict=False))


def test_values_have_the_types_of_their_columns() -> None:
    result = read_data(b"event,a,b,c,d,e\nX,1,1.5,true,007,\nX,,2,False,1,\n")
    assert properties(result) == {"a": 1, "b": 1.5, "c": True, "d": "007"}
    assert properties(result, 1) == {"b": 2.0, "c": False, "d": "1"}


def test_what_programs_write_for_no_number_is_left_out() -> None:
    result = read_data(b"event,a,b,c,d\nX,1,NA,true,NA\nNA,NA,1.5,\\N,NULL\n")
    assert [properties(result, row) for row in (0, 1)] == [{"a": 1, "c": True, "d": "NA"}, {"b": 1.5, "d": "NULL"}]
    assert json.loads(result.events[1])["event"] == "NA"


def test_ids_stay_texts() -> None:
    assert properties(read_data(b"event,time,distinct_id\nX,1700000000,12\n")) == {
        "time": 1700000000000,
        "distinct_id": "12",
    }


def test_a_later_value_that_does_not_fit_keeps_its_text() -> None:
    with patch.object(csv_reader, "WINDOW", 64):
        result = read_data(HEADER + ROW * 3 + b"Paid,1700000000,u-1,pro,12a\nPaid,1700000000,u-1,pro,1.5\n" + ROW)
    values = [properties(result, record)["n"] for record in range(6)]
    assert values == [1, 1, 1, "12a", 1.5, 1]
    assert len(result.pieces) > 1


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_recognised(delimiter: str) -> None:
    data = b'event,time,distinct_id,note\nX,1700000000,u,"a;b|c"\nX,1700000000,u,"d,e"\n'
    result = read_data(data.replace(b",", delimiter.encode()))
    assert properties(result)["distinct_id"] == "u"
    assert result.problems == {}


def test_one_column_needs_no_delimiter() -> None:
    assert len(read_data(b"event\nA\nB\n").events) == 2


@pytest.mark.parametrize("data", [b"", b"\n\n", HEADER, HEADER.rstrip(), b"\xef\xbb\xbf" + HEADER])
def test_a_file_without_records_is_empty(data: bytes) -> None:
    assert read_data(data) == Read([], {}, {}, {}, [], [], [])


def test_a_ragged_row_costs_itself() -> None:
    result = read_data(HEADER + ROW + b"Paid,1700000000,u-1\n" + b"\n" + b"Paid,1700000000,u-1,a,1,x,y\n" + ROW)
    assert list(result.events) == [0, 3]
    assert {record: problem.message.partition(":")[0] for record, problem in result.problems.items()} == {
        1: "row has 3 values, the header 5",
        2: "row has 7 values, the header 5",
    }
    assert [str(place) for place in result.places][1:3] == ["events.csv:3", "events.csv:5"]
    assert result.originals[1] == "Paid,1700000000,u-1"


def test_a_quote_that_never_closes_costs_what_follows() -> None:
    result = read_data(HEADER + ROW + b'Paid,1700000000,"u-1,pro,1\n' + ROW * 5)
    assert len(result.events) == 1
    assert result.damaged == [
        "cannot read events.csv after line 2: a quote opened on line 3 is not closed: close or double it"
    ]


def test_the_search_for_a_closing_quote_has_a_limit() -> None:
    with patch.object(csv_reader, "WINDOW", 64), patch.object(csv_reader, "LONGEST", 256):
        result = read_data(HEADER + ROW + b'Paid,1700000000,"u-1,pro,1\n' + ROW * 50)
    assert len(result.events) == 1
    assert "a quote opened on line 3 is not closed within" in result.damaged[0]


def test_a_row_that_is_too_long_ends_the_file() -> None:
    with patch.object(csv_reader, "WINDOW", 64), patch.object(csv_reader, "LONGEST", 256):
        result = read_data(HEADER + ROW + b"x" * 5000 + ROW)
    assert len(result.events) == 1
    assert "the next row is longer than" in result.damaged[0]


def test_a_long_field_is_read_over_several_windows() -> None:
    text = "é,\n" * 700_000
    with patch.object(csv_reader, "WINDOW", 1 << 16):
        result = read_data(HEADER + ROW + f'Paid,1700000000,u-1,"{text}",1\n'.encode() + ROW)
    assert result.originals[1] == {"event": "Paid", "time": 1700000000, "distinct_id": "u-1", "plan": text, "n": 1}
    assert result.places[2].line == 3 + 700_000 + 1


def test_a_record_in_latin_1_is_told_with_the_remedy() -> None:
    result = read_data(HEADER + ROW + "Paid,1700000000,u-1,été,1\n".encode("latin-1") + ROW)
    assert list(result.events) == [0, 2]
    problem = result.problems[1]
    assert (problem.rule, problem.field) == ("not-utf8", "plan")
    assert "0xE9" in problem.message
    assert "iconv -f ISO-8859-1 -t UTF-8" in problem.message


def test_bytes_that_are_not_utf8_in_a_ragged_row() -> None:
    result = read_data(HEADER + b"Paid,\xe9,\n" + ROW)
    assert result.problems[0].rule == "ragged-row"
    assert list(result.events) == [1]


def test_a_nul_is_a_character() -> None:
    assert properties(read_data(HEADER + b"Paid,1700000000,u-1,a\0b,1\n"))["plan"] == "a\0b"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("event,né\nX,1\n".encode("latin-1"), "its header has the byte 0xE9, which is not UTF-8"),
        (b"event,a,a\nX,1,2\n", "columns 2 and 3 of its header are both 'a': rename one"),
        (b'event,"time\nX,1\nX,1\n', "a quote in its header is not closed"),
        (b"Paid,1700000000,u-1\n" * 3, "it has no header: column 2 of its first row is '1700000000': add a header"),
        (b"Paid,2024-01-01 10:00:00,u-1\n" * 3, "it has no header: column 2 of its first row is '2024-01-01 10:00:00'"),
    ],
)
def test_a_file_without_a_usable_header_is_refused_with_the_remedy(data: bytes, reason: str) -> None:
    result = read_data(data)
    assert result.pieces == []
    (damage,) = result.damaged
    assert damage.startswith(f"cannot read events.csv: {reason}")


def test_a_column_without_a_name_has_its_position() -> None:
    assert properties(read_data(b",event,2024\n0,X,5\n")) == {"column_1": 0, "2024": 5}


def test_a_column_of_the_mapping_that_is_missing_is_told_for_each_row() -> None:
    result = read(opened(b"event,b\nX,2\n", "second.csv"), csv_pieces, mapper_of(Mapping(time_column="ts")))
    assert (
        result.problems[0].message == "there is no column 'ts', which time_column names; the columns are 'event', 'b'"
    )
    assert str(result.places[0]) == "second.csv:2"


def test_columns_that_cannot_be_used_are_a_problem_of_each_row() -> None:
    data = opened(b"time,a\n1,2\n")
    mapper = mapper_of(None)
    two_times = MappedColumns(pa.record_batch({"time": [1], "b": [2]}), "X", {"time": "b"}, range(1), [])
    with patch.object(mapper, "columns", lambda batch: two_times):
        result = read(data, csv_pieces, mapper)
    assert (result.events, result.problems[0].rule) == ({}, "unusable-table")
    assert "time" in result.problems[0].message


def test_the_rows_of_a_slow_pipe_are_read_as_they_come() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as source, open(writing, "wb", buffering=0) as sink:
        pieces = csv_pieces(Opened("stdin", source, Stopping(), is_live=True))
        sink.write(HEADER + ROW + ROW[:5])
        assert next(pieces).count() == 1
        sink.write(ROW[5:])
        assert next(pieces).count() == 1
        sink.close()
        assert list(pieces) == []


def test_a_request_to_stop_keeps_the_rows_that_came() -> None:
    stopping = Stopping()
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as source, open(writing, "wb", buffering=0) as sink:
        pieces = csv_pieces(Opened("stdin", source, stopping, is_live=True))
        sink.write(HEADER + ROW + ROW[:5])
        assert next(pieces).count() == 1
        stopping.stop("Ctrl-C")
        with pytest.raises(Stopped, match="Ctrl-C"):
            next(pieces)


@pytest.mark.parametrize("name", ["events.csv", "events.csv.gz", "events.tsv", "events.parquet", "events.arrow"])
def test_files_are_read_in_the_format_that_their_content_shows(name: str, tmp_path: Path) -> None:
    data = HEADER + ROW * 3
    path = tmp_path / "events.bin"
    table = pa.table({"event": ["Paid"] * 3, "time": [1700000000] * 3, "distinct_id": ["u-1"] * 3})
    sink = io.BytesIO()
    if name == "events.parquet":
        parquet.write_table(table, sink)
    elif name == "events.arrow":
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    else:
        data = data.replace(b",", b"\t") if name == "events.tsv" else data
        sink.write(gzip.compress(data) if name.endswith(".gz") else data)
    path.write_bytes(sink.getvalue())
    other = tmp_path / "more.ndjson"
    other.write_bytes(b'{"event":"Paid","properties":{"time":1700000000,"distinct_id":"u-2"}}\n')
    files = Files([str(tmp_path)])
    result = read_pieces(list(files), files.damaged)
    assert [json.loads(event)["properties"]["distinct_id"] for event in result.events.values()] == ["u-1"] * 3 + ["u-2"]
    assert (result.damaged, files.unusable) == ([], False)


def test_a_column_that_is_missing_in_the_second_file_names_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"event,ts\nPaid,1700000000\n")
    (tmp_path / "b.csv").write_bytes(b"ts2,event\n1700000000,Paid\n")
    files = Files([str(tmp_path)])
    result = read_pieces(list(files), files.damaged, mapper_of(Mapping(time_column="ts")))
    assert list(result.events) == [0]
    assert result.problems[1].message.startswith("there is no column 'ts'")
    assert result.places[1].file.endswith("b.csv")


def test_a_packed_file_that_is_cut_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "events.csv.gz"
    rows = b"".join(b"Paid,1700000000,u-%d,%d,1\n" % (row, row * 7919 % 10007) for row in range(10_000))
    path.write_bytes(gzip.compress(HEADER + rows)[:20_000])
    files = Files([str(path)])
    result = read_pieces(list(files), files.damaged)
    assert len(result.events) > 100
    assert result.damaged[0].startswith(f"cannot read {path} after line {len(result.events) + 1:,}: ")


class Failing(io.RawIOBase):
    """A file whose disk fails behind some bytes."""

    def __init__(self, data: bytes) -> None:
        self._left = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if data := self._left.read(size):
            return data
        raise OSError(5, "Input/output error")


def test_what_was_read_before_a_disk_failed_is_kept() -> None:
    source = Opened("events.csv", Failing(HEADER + ROW * 3 + b"Paid,17000"), Stopping())  # type: ignore[arg-type]
    result = read(source, csv_pieces)
    assert len(result.events) == 3
    assert result.damaged == ["cannot read events.csv after line 4: Input/output error"]


def test_a_digest_changes_with_the_content_and_can_be_of_a_part() -> None:
    (one,), (longer,) = (list(csv_pieces(opened(HEADER + ROW * count))) for count in (2, 3))
    assert one.digest() != longer.digest()
    assert one.digest() == longer.digest(one.end)
