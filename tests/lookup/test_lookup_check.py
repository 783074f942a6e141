"""The check of a lookup table's CSV: each rule, with the row and the line that break it."""

from __future__ import annotations

import csv
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import pytest

from mixpress.emulator.lookup.check import InvalidTable, read_table
from mixpress.errors import LookupTableError
from mixpress.lookup import check
from mixpress.lookup.check import check_csv
from mixpress.lookup.keys import Keys
from mixpress.lookup.limits import MAX_BYTES
from support.work import lines_run

LONE_CR = "ends with CR alone; a row must end with LF or CRLF"
NOT_UTF8 = "has a byte that is not UTF-8; convert the table: iconv -f WINDOWS-1252 -t UTF-8"
BLANK = "its first value is blank; it is the id of the row"
BARE_QUOTE = 'has a quote within a value that is not quoted; write "5"" pipe" for 5" pipe'
AFTER_QUOTE = (
    "has text after a closing quote; a quote within a quoted value must be doubled; the rows after it were not read"
)


def problems(text: bytes) -> list[str]:
    with pytest.raises(LookupTableError) as caught:
        check_csv(text)
    assert caught.value.kind == "invalid"
    assert caught.value.count >= len(caught.value.problems) > 0
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (b"id,name\n", 0),
        (b"id,name\na,b", 1),
        (b"id,name\r\na,b\r\n", 1),
        (b"id,name\n\na,b\n\r\n\nc,d\n", 2),
        (b'id,name\n"a","x, ""y""\r\nz"\nb,\n', 2),
        ("id,name\né,☃\n".encode(), 1),
        (b'"id","name"\n"a b",b\n', 1),
    ],
)
def test_a_table_that_breaks_no_rule_is_sent_as_it_is(text: bytes, rows: int) -> None:
    checked = check_csv(text)
    assert (checked.csv, checked.rows, checked.columns) == (text, rows, ("id", "name"))


@pytest.mark.parametrize(
    "text",
    [b'[{"id":"x","v":1}]', b'{"id":"x","v":1}\n', b'\n[\n {\n "id": 1}]', b'[["a", "b"]]', b'\xef\xbb\xbf{"a":1}'],
)
def test_json_is_named_as_what_it_is(text: bytes) -> None:
    with pytest.raises(LookupTableError, match=r"it is JSON, .* write it as CSV, or .* pass its rows") as caught:
        check_csv(text)
    assert (caught.value.kind, caught.value.problems) == ("unreadable", ())


@pytest.mark.parametrize("text", [b"{id},[n]\na,b\n", b"[[x]],n\na,b\n", b'"{""a"": 1}",n\na,b\n', b"[,]\na,b\n"])
def test_a_header_with_brackets_is_a_header(text: bytes) -> None:
    assert check_csv(text).rows == 1


@pytest.mark.parametrize(
    ("encoding", "name"), [("utf-16", "UTF-16"), ("utf-16-le", "UTF-16LE"), ("utf-16-be", "UTF-16BE")]
)
def test_utf_16_is_converted_from_its_own_encoding(encoding: str, name: str) -> None:
    with pytest.raises(LookupTableError, match=rf"iconv -f {name} -t UTF-8") as caught:
        check_csv("id,n\na,é\n".encode(encoding))
    assert caught.value.kind == "unreadable"


def test_a_header_that_is_no_csv_is_not_called_empty() -> None:
    assert problems(b'"id"x,n\na,b\n') == [f"header (line 1): {AFTER_QUOTE}"]


def test_a_byte_order_mark_is_not_sent() -> None:
    assert check_csv(b"\xef\xbb\xbfid,n\na,b\n").csv == b"id,n\na,b\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", ["header: the table is empty: its first row must be a header"]),
        (b"\n\n", ["header: the table is empty: its first row must be a header"]),
        (b"id\na\n", ["header (line 1): has 1 column; a table needs at least 2, separated by commas"]),
        (b"id;n\na;b\n", ["header (line 1): has 1 column; a table needs at least 2, separated by commas"]),
        (b"id, \na,b\n", ["header (line 1): the name of column 2 is blank"]),
        (b"id,n,id\na,b,c\n", ["header (line 1): the name 'id' of column 3 is that of an earlier column"]),
        (
            b"id,n\na,b\nc\nd,e,f\n",
            ["row 2 (line 3): has 1 value, the header 2", "row 3 (line 4): has 3 values, the header 2"],
        ),
        (b"id,n\n ,b\n,c\n", [f"row 1 (line 2): {BLANK}", f"row 2 (line 3): {BLANK}"]),
        (b'id,n\na,"1\n2"\nb,2\na,3\n', ["row 3 (line 5): its id 'a' is that of row 1"]),
        (b"id,n\n\xff,b\nc,d\n", [f"row 1 (line 2): {NOT_UTF8}"]),
        (b'id,n\na,5" pipe\n', [f"row 1 (line 2): {BARE_QUOTE}"]),
        (b'id,n\na,"b" c\nd,e\n', [f"row 1 (line 2): {AFTER_QUOTE}"]),
        (b'id,n\na,"b\nc,d\n', ["row 1 (line 2): has a quote that is never closed; the rows after it were not read"]),
        (b"id,n\ra,b\r", [f"header (line 1): {LONE_CR}", f"row 1 (line 2): {LONE_CR}"]),
        (b"id,n\n\ra,b\n", [f"row 1 (line 2): {LONE_CR}"]),
    ],
)
def test_each_rule_names_the_row_and_its_line(text: bytes, expected: list[str]) -> None:
    assert problems(text) == expected


def test_ten_problems_are_listed_and_all_are_counted() -> None:
    rows = [b"id,n", *[b"a,b"] * 8, *[b"x"] * 8]
    with pytest.raises(LookupTableError) as caught:
        check_csv(b"\n".join(rows))
    assert [problem.row for problem in caught.value.problems] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert caught.value.count == 15
    assert str(caught.value).startswith("the table was not sent: 15 problems, the first 10:\n  row 2 (line 3): its id")


def test_a_value_in_a_message_is_cut() -> None:
    [message] = problems(b"id,n\n" + b"a" * 1000 + b",1\n" + b"a" * 1000 + b",2\n")
    assert len(message) < 150


def test_a_value_that_the_reader_does_not_take_is_a_problem() -> None:
    before = csv.field_size_limit(131_072)  # Python's; it is one for the whole process
    try:
        [message] = problems(b"id,n\na," + b"b" * 131_073 + b"\n")
    finally:
        csv.field_size_limit(before)
    assert message.startswith("row 1 (line 2): has a value of more than 131,072 characters")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_largest_table_is_one_hundred_megabytes(mark: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "MAX_BYTES", 20)
    text = b"id,name\na,b\nc,d\ne,fg"
    assert MAX_BYTES == 100_000_000
    assert check_csv(mark + text).rows == 3
    with pytest.raises(LookupTableError, match="more than 20 bytes") as caught:
        check_csv(mark + text + b"1")
    assert (caught.value.kind, caught.value.problems) == ("too-large", ())


def test_the_progress_is_told_every_ten_thousand_rows() -> None:
    told: list[tuple[int, int]] = []
    check_csv(b"id,n\n" + b"".join(b"%d,\n" % number for number in range(25_000)), lambda *now: told.append(now))
    assert [rows for rows, _ in told] == [10_000, 20_000]
    assert 0 < told[0][1] < told[1][1]


def test_two_keys_of_one_hash_are_not_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixpress.lookup.keys.hash", lambda _key: 7, raising=False)
    assert check_csv(b"id,n\na,1\nb,2\n").rows == 2
    assert problems(b"id,n\na,1\nb,2\na,3\n") == ["row 3 (line 4): its id 'a' is that of row 1"]


HOSTILE = [
    b"%d,b\n",
    b"\n",
    b"a,b\n",
    b",\n",
    b'"%d","a""b"\n',
    b'"%d,\n',
    b"\xff%d,\n",
    b"x\r",
    b'%d","',
    b'%d"\n',
    b"\0\n",
    b'"",',
    b'"""",',
    b'""',
    b",",
]


def check_theirs(text: bytes) -> None:
    with suppress(InvalidTable):
        read_table(text)


def check_ours(text: bytes) -> None:
    with suppress(LookupTableError):
        check_csv(text)


@pytest.mark.parametrize("check", [check_ours, check_theirs])
@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_tables_cost_linear_work(check: Callable[[bytes], None], part: bytes) -> None:
    def work(times: int) -> int:
        text = b"id,n\n" + b"".join(part % number if b"%" in part else part for number in range(times))
        return lines_run(lambda: check(text))

    work(100)
    assert work(4000) <= 2.2 * work(2000) + 5000


@pytest.mark.parametrize("check", [check_ours, check_theirs])
@pytest.mark.parametrize("part", [part for part in HOSTILE if b"%" not in part])
def test_hostile_tables_cost_linear_memory(check: Callable[[bytes], None], part: bytes) -> None:
    """At most about a hundred bytes for each byte: a list of its empty values, and an id for each of its rows."""

    def peak(times: int) -> int:
        text = b"id,n\n" + part * times
        tracemalloc.start()
        try:
            check(text)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)
    assert peak(20_000) < 100 * len(part) * 20_000 + 200_000


def test_the_keys_of_a_large_table_take_little_memory() -> None:
    """As a dict or a set of texts they would take about 100 bytes each."""
    keys = Keys()
    tracemalloc.start()
    try:
        for row in range(50_000):
            keys.add(row, f"key-{row}")
        keys.add(50_000, "key-77")
        assert keys.repeated(10) == ([(50_000, 77)], 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 25 * 50_000
