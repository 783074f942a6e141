"""`TaskInput`: the record batches of a task. Those whose rows have ids are encoded without deriving any."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow

from mixpress.files.table_input import BatchInput
from mixpress.files.table_piece import TablePiece

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mixpress._core import Encoder
    from mixpress.files.mapper import Mapper
    from mixpress.files.mapping import Mapping
    from mixpress.files.piece import EncodedPiece, Piece

INSERT_ID = "$insert_id"
KINDS = (pyarrow.types.is_string, pyarrow.types.is_large_string, pyarrow.types.is_integer)
"""Types of ids that have a value wherever there is no null."""


class TaskInput(BatchInput):
    """Record batches, whose schemas may differ. `with_ids` encodes those in which each row has an id: deriving ids
    takes more time than all the rest, and the encoder does it before it knows that a row has one.
    """

    def __init__(self, batches: Iterable[pyarrow.RecordBatch], name: str, with_ids: Encoder | None) -> None:
        super().__init__(batches, name)
        self._with_ids = with_ids

    def __iter__(self) -> Iterator[Piece]:
        """Read the pieces in order."""
        for piece in super().__iter__():
            assert isinstance(piece, TablePiece)
            yield TaskPiece(piece, self._with_ids) if self._with_ids is not None else piece


class TaskPiece(TablePiece):
    """Rows of a task."""

    def __init__(self, piece: TablePiece, with_ids: Encoder) -> None:
        super().__init__(piece.file, piece.batch, start=piece.start, position=piece.position)
        self._with_ids = with_ids

    def encode(self, encoder: Encoder, mapper: Mapper) -> EncodedPiece:
        """Return its events."""
        return super().encode(self._with_ids if has_ids(self.batch, mapper.mapping) else encoder, mapper)


def has_ids(batch: pyarrow.RecordBatch, mapping: Mapping) -> bool:
    """Return whether each row gets its `$insert_id` from a column, without a look at the values."""
    name = mapping.insert_id_column or INSERT_ID
    names = {*batch.schema.names}
    if mapping.source is not None or name not in names or name in (*mapping.drop, *mapping.rename):
        return False
    if {"event", "properties"} <= names:  # whose ids are within properties
        return False
    column = batch.column(name)
    return column.null_count == 0 and any(is_kind(column.type) for is_kind in KINDS)
