"""Read a CSV file as pieces: windows of whole records, so that each can be parsed on its own, on any thread."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from mixpress._core import csv_end
from mixpress.files.csv_header import Header, UnusableHeader, read_header
from mixpress.files.csv_piece import CsvPiece
from mixpress.files.reading import Reading
from mixpress.files.refusing import refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mixpress.files.csv_table import CsvTable
    from mixpress.files.opening import Opened
    from mixpress.files.piece import Piece

WINDOW = 2 << 20
"""Bytes of text in a piece: about 15,000 records."""

LONGEST = 64 << 20
"""Bytes of the longest record."""

LINE_END = re.compile(rb"\r\n?|\n")


def csv_pieces(opened: Opened, delimiter: str | None = None) -> Iterator[Piece]:
    """Read the pieces of an open file; without a delimiter, that of its first rows.

    What can't be read is noted in `opened.damaged`.
    """
    yield from CsvReader(opened).pieces(delimiter)


class CsvReader:
    """Reads windows of whole records."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._reading = Reading(opened)
        self._text = b""
        self._start = 0
        self._line = 1

    def pieces(self, delimiter: str | None) -> Iterator[Piece]:
        """Read the pieces."""
        table = self._table(delimiter)
        is_first = True
        while table is not None and (piece := self._piece(table, is_first=is_first)):
            yield piece  # before more is read: a pipe may be slow
            is_first = False
            if not self._reading.is_over:
                self._read()
        if self._reading.stopped is not None:
            raise self._reading.stopped

    def _table(self, delimiter: str | None) -> CsvTable | None:
        """Pass the header, and return the table that it describes; None if there is none."""
        self._read()
        if self._text.startswith(codecs.BOM_UTF8):
            self._pass(len(codecs.BOM_UTF8), 0)
        try:
            while (header := self._header(delimiter)) is None and not self._reading.is_over:
                self._read()
        except UnusableHeader as error:
            refuse(self._opened, error)
            return None
        if header is None:
            self._note_end(None)
            return None
        self._pass(header.end, header.lines)
        from mixpress.files.csv_table import CsvTable  # noqa: PLC0415 - pyarrow is an extra

        return CsvTable(header.names, header.delimiter)

    def _header(self, delimiter: str | None) -> Header | None:
        return read_header(self._text, delimiter, is_whole=self._is_at_end(), longest=WINDOW)

    def _piece(self, table: CsvTable, *, is_first: bool) -> Piece | None:
        """Return the next piece; None at the end."""
        end, lines, records, quote = csv_end(self._text, table.delimiter)
        while not records and not self._reading.is_over and len(self._text) <= LONGEST:
            self._read()
            end, lines, records, quote = csv_end(self._text, table.delimiter)
        if quote is None and self._is_at_end():  # the last line needs no end
            records += bool(self._text[end:].strip(b"\r\n"))
            end = len(self._text)
        if not records:
            self._note_end(quote)
            return None
        text = self._text[:end]
        if is_first:
            table.decide(text)
        piece = CsvPiece(
            self._opened.name,
            text,
            table,
            start=self._start,
            first_line=self._line,
            records=records,
            position=self._opened.position(),
        )
        self._pass(end, lines)
        return piece

    def _is_at_end(self) -> bool:
        """Return whether the text ends where the file does, and not where reading failed."""
        reading = self._reading
        return reading.is_over and reading.error is None and reading.stopped is None

    def _read(self) -> None:
        """Read a window, or as much as is there, so that a long record costs linear time."""
        self._text += self._reading.more(max(WINDOW, len(self._text)), WINDOW)

    def _pass(self, length: int, lines: int) -> None:
        self._text = self._text[length:]
        self._start += length
        self._line += lines

    def _note_end(self, quote: int | None) -> None:
        """Note why the rest is not read, if there is one."""
        if self._reading.stopped is not None:
            return
        lines = self._line - 1
        if self._reading.error is not None:
            self._opened.damage("line", lines, self._reading.error)
        elif quote is not None:
            line = self._line + len(LINE_END.findall(self._text[:quote]))
            within = "" if self._reading.is_over else f" within {LONGEST >> 20} MiB"
            reason = f"a quote opened on line {line:,} is not closed{within}: close or double it"
            self._opened.damage("line", lines, reason)
        elif not self._reading.is_over:
            self._opened.damage("line", lines, f"the next row is longer than {LONGEST >> 20} MiB")
