"""Record batches of a size that suits an import, whatever the size of those that a file or a producer has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROWS = 20_000
"""Rows of a batch: ten request bodies."""

BYTES = 8 << 20
"""Bytes of a batch whose rows are large."""


def regrouped(batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
    """Return the same rows in batches that depend on nothing but the given ones. Only small batches are copied, and
    only those of one schema are joined.

    What reading raises is raised behind the rows that were read before.
    """
    held: list[pyarrow.RecordBatch] = []
    rows = size = 0
    failure: Exception | None = None
    try:
        for batch in batches:
            if held and batch.schema != held[0].schema:
                yield from _joined(held)
                held, rows, size = [], 0, 0
            for part in _parts(batch, rows):
                held.append(part)
                rows += part.num_rows
                size += size_of(part)
                if rows >= ROWS or size >= BYTES:
                    yield from _joined(held)
                    held, rows, size = [], 0, 0
    except Exception as error:  # noqa: BLE001 - raised below
        failure = error
    yield from _joined(held)
    if failure is not None:
        raise failure


def size_of(batch: pyarrow.RecordBatch) -> int:
    """Return the bytes of a batch. Of a kind of column that Arrow can't measure, those of its buffers."""
    try:
        return int(batch.nbytes)
    except pyarrow.ArrowException:
        return int(batch.get_total_buffer_size())


def _parts(batch: pyarrow.RecordBatch, before: int) -> Iterator[pyarrow.RecordBatch]:
    """Cut a batch. `before` is the number of rows that the first part is joined with."""
    most = max(1, min(ROWS, batch.num_rows * BYTES // max(size_of(batch), 1)))
    start = 0
    while start < batch.num_rows:
        length = max(1, min(most, ROWS - before))
        yield batch.slice(start, length)
        start += length
        before = 0 if before + length >= ROWS else before + length


def _joined(batches: list[pyarrow.RecordBatch]) -> list[pyarrow.RecordBatch]:
    if len(batches) < 2:
        return batches
    try:
        joined: list[pyarrow.RecordBatch] = pyarrow.Table.from_batches(batches).combine_chunks().to_batches()
    except pyarrow.ArrowException:  # kinds that Arrow can't join, such as a list of dictionaries
        return batches
    return joined
