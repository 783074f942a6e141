"""Encode the records of a table through a mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpress.files.mapper import encode_batch, map_table_rows
from mixpress.files.piece import EncodedPiece, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    import pyarrow

    from mixpress._core import Encoder
    from mixpress.files.mapper import Mapper


def encode_columns(batch: pyarrow.RecordBatch, encoder: Encoder, mapper: Mapper) -> EncodedPiece:
    """Encode a record batch.

    If its columns can't be used, such as times in a zone that does not exist, each of its rows has this problem: other
    files of the import can be read.
    """
    try:
        return encode_batch(encoder, mapper, batch)
    except (ValueError, RuntimeError) as error:
        problems = [
            Problem(row, "unusable-table", f"the columns can't be used: {error}") for row in range(batch.num_rows)
        ]
        return EncodedPiece(encoder.encode(()), (), problems)


def encode_rows(rows: Iterable[dict[str, Any]], encoder: Encoder, mapper: Mapper) -> EncodedPiece:
    """Encode rows as `encode_columns` encodes their columns: a None is left out."""
    mapped = map_table_rows(mapper, rows)
    events = map(_without_nulls, mapped.events)
    return EncodedPiece(encoder.encode(events), mapped.records, mapped.problems)


def _without_nulls(event: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in event.items() if value is not None}
    properties = found.get("properties")
    if isinstance(properties, dict):
        found["properties"] = {name: value for name, value in properties.items() if value is not None}
    return found


def renumbered(piece: EncodedPiece, records: Sequence[int]) -> EncodedPiece:
    """Return what was encoded with other numbers of its records: number in `piece` -> number."""
    if isinstance(records, range) and records == range(len(records)):
        return piece
    problems = [problem._replace(record=records[problem.record]) for problem in piece.problems]
    return EncodedPiece(piece.encoded, [records[row] for row in piece.records], problems)
