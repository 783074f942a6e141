"""`CsvPiece`: whole records of CSV text."""

from __future__ import annotations

import hashlib
from operator import attrgetter
from typing import TYPE_CHECKING

from mixpress._core import csv_rows
from mixpress.files.piece import EncodedPiece, Piece, Place
from mixpress.files.table_encoding import encode_columns, encode_rows, renumbered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress._core import Encoder
    from mixpress.files.csv_table import CsvTable
    from mixpress.files.mapper import Mapper


class CsvPiece(Piece):
    """Records of a CSV file. They are parsed when they are encoded, and the failed ones once more."""

    def __init__(
        self,
        file: str,
        text: bytes,
        table: CsvTable,
        *,
        start: int,
        first_line: int,
        records: int,
        position: int,
    ) -> None:
        self.file = file
        self.start = start
        self.end = start + len(text)
        self.position = position
        self._text = text
        self._table = table
        self._first_line = first_line
        self._records = records

    def count(self) -> int:
        """Return the number of its records."""
        return self._records

    def digest(self, end: int | None = None) -> bytes:
        """Return a hash of its text, or of the part before `end`."""
        text = self._text if end is None else memoryview(self._text)[: end - self.start]
        return hashlib.blake2b(text, digest_size=16).digest()

    def encode(self, encoder: Encoder, mapper: Mapper) -> EncodedPiece:
        """Return its events."""
        parsed = self._table.parse(self._text)
        typed = self._table.typed(parsed.batch)
        if typed is not None:
            piece = encode_columns(typed, encoder, mapper)
        else:
            piece = encode_rows(self._table.rows(parsed.batch), encoder, mapper)
        piece = renumbered(piece, parsed.records)
        if not parsed.problems:
            return piece
        problems = sorted([*parsed.problems, *piece.problems], key=attrgetter("record"))
        return piece._replace(problems=problems)

    def places(self, records: Sequence[int]) -> list[Place]:
        """Return where each of these records begins."""
        rows = csv_rows(self._text, self._table.delimiter, records)
        return [Place(self.file, self._first_line + line, self.start + start) for start, _, line, _ in rows]

    def originals(self, records: Sequence[int]) -> list[object]:
        """Return each of these records as it was read: a dict, or the text of a row that has no values."""
        rows = csv_rows(self._text, self._table.delimiter, records)
        return [self._table.original(self._text, start, end, fields) for start, end, _, fields in rows]
