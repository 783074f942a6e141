"""Check the CSV of a lookup table against RFC 4180 and the API's rules, before it is sent."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mixpress.errors import LookupProblem, LookupTableError
from mixpress.lookup.keys import Keys
from mixpress.lookup.limits import LISTED, MAX_BYTES, MIN_COLUMNS
from mixpress.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

BOM = b"\xef\xbb\xbf"
SHOWN = 60
"""Characters of a value in a message."""
PROGRESS_ROWS = 10_000
"""Rows between two calls of `on_progress`."""

_HEAD = 1024
"""Bytes by which a text that is no CSV in UTF-8 is recognised."""
_JSON = re.compile(rb'\s*(?:\[\s*)*[\[{]\s*"')
"""The start of JSON. It breaks RFC 4180, as a value with a quote must start with one."""
_UTF_16 = (
    (re.compile(rb"\xff\xfe|\xfe\xff"), "UTF-16"),
    (re.compile(rb"[^\0]\0", re.S), "UTF-16LE"),
    (re.compile(rb"\0[^\0]", re.S), "UTF-16BE"),
)
_LONE_CR = "ends with CR alone; a row must end with LF or CRLF"
_FIELD = re.compile(r'(?:"[^"]*(?:""[^"]*)*"|[^",\r\n]*)(?:,|\r?\n|\Z)')


@dataclass(frozen=True)
class CheckedTable:
    """The CSV of a table that breaks no rule."""

    csv: bytes = field(repr=False)
    rows: int
    """Without the header."""
    columns: tuple[str, ...]


class Problems:
    """Collects problems: the first 10, and the number of all."""

    def __init__(self) -> None:
        self.first: list[LookupProblem] = []
        self.count = 0

    def add(self, row: int, message: str, line: int | None = None) -> None:
        """Note a problem. Rows come in their order."""
        self.count += 1
        if len(self.first) < LISTED:
            self.first.append(LookupProblem(row, message, line))

    def merge(self, others: list[LookupProblem], count: int) -> None:
        """Add problems of another pass."""
        self.first = sorted([*self.first, *others], key=lambda problem: problem.row)[:LISTED]
        self.count += count

    def check(self) -> None:
        """Raise `LookupTableError` if there is one."""
        if self.count:
            raise LookupTableError(summary(self.first, self.count), "invalid", self.first, self.count)


def summary(problems: list[LookupProblem], count: int) -> str:
    """Return the message of an error: how many rows break a rule, and the first ones, a line each."""
    first = f", the first {len(problems)}" if count > len(problems) else ""
    head = f"the table was not sent: {counted(count, 'problem')}{first}"
    return "\n  ".join([f"{head}:", *map(str, problems)])


def too_large() -> LookupTableError:
    """Return the error for a table above 100 MB."""
    return LookupTableError(
        f"the table was not sent: its CSV has more than {MAX_BYTES:,} bytes, the API's limit before gzip; leave out "
        "columns that no report needs, such as long URLs and texts",
        "too-large",
    )


def check_csv(text: bytes, on_progress: Callable[[int, int], object] | None = None) -> CheckedTable:
    """Return a table of CSV in UTF-8, which is sent as it is, without a byte order mark.

    Rows are separated by LF or CRLF, and empty lines are skipped. `on_progress` is called with the rows and the bytes
    that were checked. Raises `LookupTableError` with the rows that break a rule.
    """
    if len(text) > MAX_BYTES + len(BOM):
        raise too_large()
    text = text.removeprefix(BOM)
    if len(text) > MAX_BYTES:
        raise too_large()
    _check_format(text)
    problems = Problems()
    reading = _Reading(text, problems)
    header = next(reading.rows(), None)
    if header is None and not problems.count:
        problems.add(0, "the table is empty: its first row must be a header")
    if header is None:
        problems.check()
    columns = tuple(header or ())
    _check_header(columns, problems)
    keys = Keys()
    for row in reading.rows():
        _check_row(reading, row, len(columns), keys)
        if on_progress is not None and reading.row % PROGRESS_ROWS == 0:
            on_progress(reading.row, reading.bytes)
    problems.merge(*_repeated_keys(text, keys))
    problems.check()
    return CheckedTable(text, reading.row, columns)


def _check_format(text: bytes) -> None:
    """Raise `LookupTableError` for a text that is JSON or UTF-16, whose rows would have misleading problems."""
    if _JSON.match(text, 0, _HEAD):
        raise LookupTableError(
            "the table was not sent: it is JSON, which is not read as a lookup table; write it as CSV, or parse it and "
            "pass its rows, as in replace(id, json.load(file))",
            "unreadable",
        )
    for mark, name in _UTF_16:
        if mark.match(text):
            raise LookupTableError(
                f"the table was not sent: it is {name}, not UTF-8; convert it: iconv -f {name} -t UTF-8", "unreadable"
            )


class _Lines:
    """The lines of a table, with those of the record that is being read."""

    def __init__(self, text: bytes) -> None:
        # The bytes that are not UTF-8 become surrogates, so that only their rows are problems.
        self._file = io.TextIOWrapper(io.BytesIO(text), "utf-8", "surrogateescape", newline="")
        self.record: list[str] = []
        self.number = 0
        self.bytes = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._file:
            self.record.append(line)
            self.number += 1
            self.bytes += len(line)  # of characters, which is near enough for a progress
            yield line


class _Reading:
    """Reads the records of a table, and notes those that are not RFC 4180."""

    def __init__(self, text: bytes, problems: Problems) -> None:
        self.row = -1
        self.line = 0
        self._lines = _Lines(text)
        self._reader = csv.reader(self._lines, strict=True)
        self._problems = problems

    @property
    def bytes(self) -> int:
        return self._lines.bytes

    def rows(self) -> Iterator[list[str]]:
        """Yield the records from the next one on. What follows an open quote is not read."""
        while True:
            self._lines.record.clear()
            line = self._lines.number + 1
            try:
                row = next(self._reader, None)
            except csv.Error as error:
                self.row += 1
                self.note(f"{_reason(error)}; the rows after it were not read", line)
                return
            if row is None:
                return
            if row:  # an empty line is skipped
                self.row += 1
                self.line = line
                self._check_text(row, line)
                yield row
            elif self._lines.record[-1] == "\r":
                self.row += 1
                self.note(_LONE_CR, line)

    def note(self, message: str, line: int | None = None) -> None:
        """Note a problem of the current row."""
        self._problems.add(self.row, message, line or self.line)

    def _check_text(self, row: list[str], number: int) -> None:
        first = self._lines.record[0]
        if first.isascii() and '"' not in first and not first.endswith("\r"):
            return  # a single line without quotes, as most are
        for line in self._lines.record:
            if not line.isascii() and not _is_utf8(line):
                self.note("has a byte that is not UTF-8; convert the table: iconv -f WINDOWS-1252 -t UTF-8", number)
                break
        if self._lines.record[-1].endswith("\r"):
            self.note(_LONE_CR, number)
        elif any('"' in value for value in row) and not _is_quoted("".join(self._lines.record)):
            self.note('has a quote within a value that is not quoted; write "5"" pipe" for 5" pipe', number)


def _reason(error: csv.Error) -> str:
    if "unexpected end" in str(error):
        return "has a quote that is never closed"
    if "expected after" in str(error):
        return "has text after a closing quote; a quote within a quoted value must be doubled"
    if "field larger" in str(error):
        return f"has a value of more than {csv.field_size_limit():,} characters"
    return f"is not CSV: {error}"


def _is_quoted(record: str) -> bool:
    """Return whether each value with a quote is quoted, which Python's reader does not require.

    It goes on value by value: one expression for all of them would take memory for each.
    """
    at = 0
    while at < len(record):
        found = _FIELD.match(record, at)
        if found is None:
            return False
        at = found.end()
    return True


def _is_utf8(line: str) -> bool:
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_header(columns: Collection[str], problems: Problems) -> None:
    if len(columns) < MIN_COLUMNS:
        problems.add(
            0, f"has {counted(len(columns), 'column')}; a table needs at least {MIN_COLUMNS}, separated by commas", 1
        )
    seen: set[str] = set()
    for place, name in enumerate(columns, 1):
        if not name.strip():
            problems.add(0, f"the name of column {place} is blank", 1)
        elif name in seen:
            problems.add(0, f"the name {quoted(name)} of column {place} is that of an earlier column", 1)
        seen.add(name)


def _check_row(reading: _Reading, row: list[str], width: int, keys: Keys) -> None:
    if len(row) != width:
        reading.note(f"has {counted(len(row), 'value')}, the header {width}")
    elif not row[0].strip():
        reading.note("its first value is blank; it is the id of the row")
    else:
        keys.add(reading.row, row[0])


def _repeated_keys(text: bytes, keys: Keys) -> tuple[list[LookupProblem], int]:
    """Return the problems of repeated keys. The table is read again, for the keys of the first ones."""
    repeated, count = keys.repeated(LISTED)
    if not repeated:
        return [], 0
    wanted = {row for pair in repeated for row in pair}
    reading = _Reading(text, Problems())
    found = {}
    for row in reading.rows():
        if reading.row in wanted:
            found[reading.row] = (row[0], reading.line)
    equal = [pair for pair in repeated if found[pair.row][0] == found[pair.first][0]]
    problems = [
        LookupProblem(number, f"its id {quoted(found[number][0])} is that of row {first:,}", found[number][1])
        for number, first in equal
    ]
    return problems, count - len(repeated) + len(equal)


def quoted(text: str) -> str:
    """Return a value for a message, in quotes and cut."""
    return repr(text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…")
