"""`TablePiece`: rows of a table, as a record batch of Arrow."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow

from mixpress.files.columns import values_of
from mixpress.files.piece import EncodedPiece, Piece, Place
from mixpress.files.plain import plain
from mixpress.files.table_encoding import encode_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mixpress._core import Encoder
    from mixpress.files.mapper import Mapper


class TablePiece(Piece):
    """Rows of a Parquet or Arrow file, or of a table in memory."""

    is_table = True

    def __init__(
        self, file: str, batch: pyarrow.RecordBatch, *, start: int, position: int, identity: bytes | None = None
    ) -> None:
        self.file = file
        self.start = start
        self.end = start + batch.num_rows
        self.position = position
        self._batch = batch
        self._identity = identity

    @property
    def batch(self) -> pyarrow.RecordBatch:
        """Its rows."""
        return self._batch

    def count(self) -> int:
        """Return the number of its rows."""
        return int(self._batch.num_rows)

    def digest(self, end: int | None = None) -> bytes:
        """Return a hash of its rows, or of those before `end`. If the file has an identity, a hash of that and of their
        numbers."""
        end = self.end if end is None else end
        if self._identity is not None:
            content: pyarrow.Buffer | bytes = self._identity + f"{self.start}:{end}".encode()
        else:
            content = self._batch.slice(0, end - self.start).serialize()
        return hashlib.blake2b(content, digest_size=16).digest()

    def encode(self, encoder: Encoder, mapper: Mapper) -> EncodedPiece:
        """Return its events."""
        return encode_columns(self._batch, encoder, mapper)

    def places(self, records: Sequence[int]) -> list[Place]:
        """Return the row of each of these records."""
        return [Place(self.file, row=self.start + record + 1) for record in records]

    def originals(self, records: Sequence[int]) -> list[object]:
        """Return each of these rows as a dict of JSON's values, without the nulls."""
        return [_row(self._batch.slice(record, 1)) for record in records]


def _row(batch: pyarrow.RecordBatch) -> dict[str, object]:
    """Return the only row of a batch. Values that Arrow can't give to Python are left out."""
    found: dict[str, object] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        with suppress(pyarrow.ArrowException):
            (value,) = values_of(column)
            if value is not None:
                found[name] = plain(value)
    return found


class RowsRead:
    """Counts the rows that were read, so that an error can say how many."""

    def __init__(self) -> None:
        self.count = 0

    def __str__(self) -> str:
        return f"row {self.count:,}"

    def pieces(
        self, file: str, batches: Iterable[tuple[pyarrow.RecordBatch, int]], identity: bytes | None = None
    ) -> Iterator[TablePiece]:
        """Return a piece for each batch and its position in the file."""
        for batch, position in batches:
            if batch.num_rows:
                piece = TablePiece(file, batch, start=self.count, position=position, identity=identity)
                self.count = piece.end
                yield piece
