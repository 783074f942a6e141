"""Read a Parquet file as pieces: by row groups, so that the memory is bounded whatever the size of the file."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

from mixpress.files.refusing import INCOMPLETE, damage_table, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import pyarrow

    from mixpress.files.opening import Opened
    from mixpress.files.piece import Piece

PROBE = 64
"""Rows by which the size of a row is estimated, as a file may have one long text for many rows."""

BUFFER = 1 << 16
"""Bytes of a column that are read from the disk at a time."""


def parquet_pieces(opened: Opened) -> Iterator[Piece]:
    """Read the pieces of an open file. What can't be read is noted in `opened.damaged`."""
    if opened.stored is None:
        refuse(opened, "Parquet is read from its end, which a pipe or a packed file does not allow: save it to a file")
        return
    import pyarrow  # noqa: PLC0415 - an extra

    source = pyarrow.OSFile(opened.path) if opened.path is not None else pyarrow.PythonFile(opened.stored, "r")
    yield from _ParquetReader(opened, source).pieces()


class _ParquetReader:
    def __init__(self, opened: Opened, source: pyarrow.NativeFile) -> None:
        self._opened = opened
        self._source = source

    def pieces(self) -> Iterator[Piece]:
        """Read the pieces."""
        import pyarrow  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415 - as above

        from mixpress.files.table_piece import RowsRead  # noqa: PLC0415 - as above

        rows = RowsRead()
        # ValueError for the name of a column that is not UTF-8, and from a server that does not send parts of a file.
        unreadable = (*self._opened.UNREADABLE, pyarrow.ArrowException, ValueError)
        try:
            if reason := self._unusable():
                refuse(self._opened, reason)
                return
            identity = self._footer()
            file = parquet.ParquetFile(
                self._source,
                buffer_size=BUFFER if self._opened.path is not None else 0,
                pre_buffer=self._opened.path is None,  # few large reads of a remote file
                page_checksum_verification=True,
            )
            yield from rows.pieces(self._opened.name, self._batches(file), identity)
        except unreadable as error:
            self._note(rows.count, error)

    def _unusable(self) -> str | None:
        """Return why the file is not complete, or can't be read at all."""
        size = self._source.size()
        self._source.seek(max(size - 4, 0))
        magic = self._source.read(4)
        if magic == b"PARE":
            return ENCRYPTED
        if magic != b"PAR1" or size < 12:
            return f"its end is not that of a Parquet file: {INCOMPLETE}"
        return None

    def _footer(self) -> bytes:
        """Return the file's size and its footer, which has the place, size and statistics of each column."""
        size = self._source.size()
        self._source.seek(size - 8)
        length = int.from_bytes(self._source.read(4), "little")
        self._source.seek(max(size - 8 - length, 0))
        footer: bytes = self._source.read(min(length, size))
        return f"{size}:".encode() + footer

    def _batches(self, file: Any) -> Iterator[tuple[pyarrow.RecordBatch, int]]:
        """Read the batches, and estimate the bytes of the file up to the end of each."""
        from mixpress.files.batches import BYTES, ROWS, regrouped  # noqa: PLC0415 - pyarrow is an extra

        if not file.schema_arrow.names:
            return
        groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
        rows = [0, *accumulate(group.num_rows for group in groups)]
        # The stored sizes are in the metadata of columns: pyarrow ends the process if those are damaged.
        sizes = [0, *accumulate(max(group.total_byte_size, 0) for group in groups)]
        most = max(PROBE, min(ROWS, BYTES * rows[-1] // max(sizes[-1], 1), _rows_that_fit(file, groups)))

        def read() -> Iterator[pyarrow.RecordBatch]:
            for number in range(len(groups)):
                yield from file.iter_batches(most, row_groups=[number], use_threads=False)

        count = 0
        for batch in regrouped(read()):
            count += batch.num_rows
            group = min(bisect_right(rows, count), len(groups)) - 1
            part = (count - rows[group]) / max(groups[group].num_rows, 1)
            unpacked = sizes[group] + part * (sizes[group + 1] - sizes[group])
            yield batch, int(unpacked / max(sizes[-1], 1) * self._source.size())
        if count != file.metadata.num_rows:
            reason = f"its footer names {file.metadata.num_rows:,} rows: the file is damaged; write it again"
            self._opened.damage("row", count, reason)

    def _note(self, rows: int, error: BaseException) -> None:
        text = str(error)
        if "encrypt" in text.lower() or "decrypt" in text.lower():
            refuse(self._opened, ENCRYPTED)
        elif "range requests" in text:
            refuse(self._opened, "its server does not send parts of a file, which Parquet needs: download it first")
        else:
            damage_table(self._opened, rows, error)


ENCRYPTED = "it is encrypted: write it without encryption"


def _rows_that_fit(file: Any, groups: list[Any]) -> int:
    """Return how many rows like the first ones make a batch."""
    from mixpress.files.batches import BYTES, ROWS, size_of  # noqa: PLC0415 - pyarrow is an extra

    first = next((number for number, group in enumerate(groups) if group.num_rows > 0), None)
    if first is None:
        return ROWS
    batch = next(file.iter_batches(PROBE, row_groups=[first], use_threads=False), None)
    if batch is None:  # a damaged footer has more rows than the file
        return ROWS
    return int(BYTES * batch.num_rows // max(size_of(batch), 1))
