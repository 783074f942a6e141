"""The client's check of a table and the emulator's, which share no code, agree on any table."""

from __future__ import annotations

import csv
import io
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from mixpress.emulator.lookup.check import InvalidTable, Table, read_table
from mixpress.errors import LookupTableError
from mixpress.lookup.check import CheckedTable, check_csv
from mixpress.lookup.source import read_table as read_source

PARTS = ["a", "b", " ", ",", '"', "\n", "\r", "\r\n", "é", "☃", "\0", "\ufeff", "\u2028"]
VALUES = st.lists(st.sampled_from(PARTS), max_size=4).map("".join)


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """Return rows that are mostly as wide as the header, mostly quoted where they must be."""
    width = draw(st.integers(1, 4))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    given = draw(st.lists(st.lists(VALUES, min_size=width, max_size=width), max_size=6))
    rows = [[f"c{place}" for place in range(width)], *given]
    if draw(st.booleans()):
        rows[draw(st.integers(0, len(rows) - 1))].append(draw(VALUES))
    quoted = st.booleans() if draw(st.booleans()) else st.just(True)
    lines = [",".join(as_field(value) if draw(quoted) else value for value in row) for row in rows]
    mark, last = draw(st.sampled_from([b"", b"\xef\xbb\xbf"])), draw(st.sampled_from([b"", b"\n", b"\n\n"]))
    return mark + end.join(lines).encode() + last


def as_field(value: str) -> str:
    doubled = value.replace('"', '""')
    return f'"{doubled}"' if set(value) & set('",\r\n') else value


BYTES = [b"a", b"b", b",", b'"', b"\n", b"\r", b"\r\n", b" ", b"\xff", b"\xc3\xa9"]
ANY = st.one_of(
    tables(),
    st.lists(st.sampled_from(BYTES), max_size=30).map(b"".join),
    st.binary(max_size=30),
)


def ours(text: bytes) -> CheckedTable | LookupTableError:
    try:
        return check_csv(text)
    except LookupTableError as error:
        return error


def theirs(text: bytes) -> Table | InvalidTable:
    try:
        return read_table(text)
    except InvalidTable as error:
        return error


@given(ANY)
@example(b"id,n\n\ra,b\n")
@example(b'id,n\na,""\n')
@example(b'id,n\na,"b"\r')
@example(b'a,b""\n')
def test_both_take_the_same_tables(text: bytes) -> None:
    our, their = ours(text), theirs(text)
    if isinstance(our, CheckedTable):
        assert isinstance(their, Table), (their, text)
        assert (our.csv, our.rows, our.columns) == (their.csv, their.rows, tuple(their.columns))
    else:
        assert isinstance(their, InvalidTable), text
        if their.failed and len(their.failed) < 10 and our.count < 10:
            assert {problem.row for problem in our.problems} == {each["index"] for each in their.failed}


# Without NUL, which the reader of Python 3.10 refuses.
FIELDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(
    st.integers(2, 4).flatmap(
        lambda width: st.lists(st.lists(FIELDS, min_size=width, max_size=width), min_size=1, max_size=6)
    )
)
def test_rows_of_any_texts_arrive_as_they_are(rows: list[list[Any]]) -> None:
    header = [f"c{place}" for place in range(len(rows[0]))]
    for number, row in enumerate(rows):
        row[0] = f"{number}{row[0]}"
    sent = read_source([header, *rows]).csv
    assert read_table(sent).rows == len(rows)
    assert list(csv.reader(io.StringIO(sent.decode(), newline=""), strict=True)) == [header, *rows]
    as_dicts = read_source([dict(zip(header, row, strict=True)) for row in rows])
    assert as_dicts.csv == sent
