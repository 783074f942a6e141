"""The specification of a lookup table's CSV: RFC 4180, and the rules of the API's documentation."""

from __future__ import annotations

import csv
import io
import re
from typing import NamedTuple, TypedDict

MAX_BYTES = 100_000_000
"""Of a table's CSV, unpacked. "413 error if a Lookup Table exceeds 100MB uncompressed", read as 100,000,000."""
MAX_LISTED = 10
"""Rows of a refusal. "We will return at most the first 10 rows that failed validation"."""

WRONG_NUMBER = "invalid row: wrong number of fields"
BLANK = "invalid row: primary key is required and cannot be blank"

_LONE_CR = re.compile(r"\r(?!\n)")
_QUOTED = re.compile(r'"[^"]*"')


class FailedRow(TypedDict):
    """A row in a 400 reply. The header has the index 0; whether the real server counts it is not documented."""

    index: int
    message: str


class Table(NamedTuple):
    """A table that can be stored."""

    csv: bytes
    """In UTF-8, without a byte order mark."""
    rows: int
    """Without the header."""
    columns: list[str]


class InvalidTable(Exception):  # noqa: N818 - a state of the request, not an error of the emulator
    """A table that is refused: its first rows that break a rule, or none if it is no CSV."""

    def __init__(self, sentence: str, failed: list[FailedRow]) -> None:
        super().__init__(sentence)
        self.failed = failed


def read_table(body: bytes) -> Table:
    """Return the table of a body. Raises `InvalidTable`."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidTable(f"the CSV is not UTF-8: byte {error.start} of the body", []) from error
    check_quotes(text)
    failed: list[FailedRow] = []
    firsts: dict[str, int] = {}
    columns: list[str] = []
    index = -1
    try:
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            if not row:
                continue  # an empty line
            index += 1
            problem = _find_header_problem(row) if index == 0 else _find_problem(row, index, len(columns), firsts)
            if index == 0:
                columns = row
            if problem is not None:
                failed.append({"index": index, "message": problem})
            if len(failed) == MAX_LISTED:
                break
    except csv.Error as error:
        raise InvalidTable(f"the CSV is invalid after row {index}: {error}", []) from error
    if index < 0:
        raise InvalidTable("the CSV is empty: its first row must be a header", [])
    if failed:
        raise InvalidTable("some data points in the request failed validation", failed)
    return Table(body.removeprefix(b"\xef\xbb\xbf"), index, columns)


def _find_header_problem(names: list[str]) -> str | None:
    if len(names) < 2:
        return "invalid header: must have at least 2 columns"
    if not all(map(str.strip, names)):
        return "invalid header: names cannot be blank"
    if len(set(names)) < len(names):
        return "invalid header: names must be unique"
    return None


def _find_problem(row: list[str], index: int, width: int, firsts: dict[str, int]) -> str | None:
    if len(row) != width:
        return WRONG_NUMBER
    key = row[0]
    if not key.strip():
        return BLANK
    first = firsts.setdefault(key, index)
    return None if first == index else f"invalid row: row indexes {first} and {index} have the same primary key"


def check_quotes(text: str) -> None:
    """Raise `InvalidTable` for quotes and line ends that RFC 4180 does not allow, which Python's reader takes.

    The text is read from quoted part to quoted part. Before one there must be the end of a value, or of another part
    at once: then the quote was doubled. After it, a value must end.
    """
    last = 0
    for part in _QUOTED.finditer(text):
        start, end = part.span()
        _check_ends(text, last, start)
        if start and start != last and text[start - 1] not in ",\n":
            raise _bare_quote(text, start)
        if end < len(text) and text[end] not in ',\r\n"':
            raise _bare_quote(text, end)
        last = end
    _check_ends(text, last, len(text))
    if text.count('"') % 2:
        raise InvalidTable("the CSV is invalid: a quote is never closed", [])


def _check_ends(text: str, start: int, end: int) -> None:
    """Raise `InvalidTable` for a CR without LF in a part that is not quoted."""
    found = _LONE_CR.search(text, start, end)
    if found is not None:
        line = text.count("\n", 0, found.start()) + 1
        raise InvalidTable(f"the CSV is invalid: a row ends with CR alone, near line {line}", [])


def _bare_quote(text: str, at: int) -> InvalidTable:
    return InvalidTable(f"the CSV is invalid: a bare quote near line {text.count(chr(10), 0, at) + 1}", [])
