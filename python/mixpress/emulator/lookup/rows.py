"""Pages of a lookup table's rows: where each row of its CSV starts, and which rows a search selects."""

from __future__ import annotations

import csv
from array import array
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_POSITION = "I"  # 4 bytes: a table has at most 100 MB


class RowPage(NamedTuple):
    """Some rows of a table, in its order."""

    columns: list[str]
    numbers: Sequence[int]
    """Of the rows in their table. Row 1 is the first one after the header."""
    rows: Iterator[dict[str, str]]
    """Texts by the name of their column. A row is parsed when it is reached."""
    total: int
    """Number of all rows that the search selects."""


class RowIndex:
    """The start of each row of one CSV, and the rows of the last search. It keeps no CSV: 4 to 8 bytes a row.

    The CSV, which `read_table` accepted, is passed to each call, since a copy here would double the memory of a table.
    """

    def __init__(self, table: bytes) -> None:
        self._starts = array(_POSITION)
        self.columns: list[str] = []
        for start, row in _parse(table):
            if self.columns:
                self._starts.append(start)
            else:
                self.columns = row
        self._searched = ("", array(_POSITION))  # replaced as a whole: other threads read it

    def page(self, table: bytes, search: str, limit: int, offset: int) -> RowPage:
        """Return a page of the rows that have `search` in the first column, in either case; "" selects all."""
        numbers: Sequence[int] = self._find(table, search) if search else range(1, len(self._starts) + 1)
        shown = numbers[offset : offset + limit]
        rows = (self._read(table, number) for number in shown)
        return RowPage(self.columns, shown, rows, len(numbers))

    def _find(self, table: bytes, search: str) -> array[int]:
        last, numbers = self._searched
        if last != search:
            part = search.lower()
            rows = _parse(table)
            next(rows, None)  # the header
            numbers = array(_POSITION, (number for number, (_, row) in enumerate(rows, 1) if part in row[0].lower()))
            self._searched = (search, numbers)
        return numbers

    def _read(self, table: bytes, number: int) -> dict[str, str]:
        _, row = next(_parse(table, self._starts[number - 1]))
        return dict(zip(self.columns, row, strict=True))


def _parse(table: bytes, start: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Return the rows from a position on, each with its own position. Empty lines are left out."""
    lines = _Lines(table, start)
    for row in csv.reader(lines, strict=True):
        if row:
            yield start, row
        start = lines.end


class _Lines:
    """The lines of a CSV. The reader asks for as many as a row has, so `end` is the end of the row just returned."""

    def __init__(self, table: bytes, start: int) -> None:
        self._table = table
        self.end = start

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        start = self.end
        if start >= len(self._table):
            raise StopIteration
        self.end = self._table.find(b"\n", start) + 1 or len(self._table)
        return self._table[start : self.end].decode()
