"""Read a file or a stream of Arrow's IPC format as pieces. Nothing has to be sought: it may come from a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpress.files.refusing import INCOMPLETE, damage_table, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow

    from mixpress.files.opening import Opened
    from mixpress.files.piece import Piece

MAGIC = b"ARROW1"
"""The first bytes of a file, and its last. Two zeros follow the first, and then it is a stream up to its footer."""

PART = 1 << 20
"""Bytes that are read at a time."""


def arrow_pieces(opened: Opened) -> Iterator[Piece]:
    """Read the pieces of an open file. What can't be read is noted in `opened.damaged`."""
    import pyarrow  # noqa: PLC0415 - an extra
    from pyarrow import ipc  # noqa: PLC0415 - as above

    from mixpress.files.batches import regrouped  # noqa: PLC0415 - as above
    from mixpress.files.table_piece import RowsRead  # noqa: PLC0415 - as above

    rows = RowsRead()
    unreadable = (*opened.UNREADABLE, pyarrow.ArrowException, UnicodeDecodeError)  # the last for a column's name
    try:
        source = _Source(opened)
        if source.start == b"FEA1":
            refuse(opened, "it is Feather of version 1: write it with version 2, which is Arrow's IPC format")
            return
        if not source.start:
            return
        with ipc.open_stream(pyarrow.PythonFile(source, "r")) as reader:
            batches = ((batch, opened.position()) for batch in regrouped(_checked(reader)))
            yield from rows.pieces(opened.name, batches)
        if not source.is_complete():
            opened.damage("row", rows.count, f"its end is missing: {INCOMPLETE}")
    except unreadable as error:
        damage_table(opened, rows.count, error)


def _checked(reader: pyarrow.RecordBatchReader) -> Iterator[pyarrow.RecordBatch]:
    """Return the batches. A position outside of a buffer would be read by Arrow's functions without a check."""
    if not reader.schema.names:
        return
    for batch in reader:
        batch.validate(full=True)
        yield batch


class _Source:
    """The stream in a file. pyarrow reads it in large parts."""

    closed = False

    def __init__(self, opened: Opened) -> None:
        self._file = opened.file
        self.start = self._read(4)
        self._is_file = False
        if self.start == MAGIC[:4]:
            self.start += self._read(4)
            self._is_file = self.start == MAGIC + b"\0\0"
        self._unread = b"" if self._is_file else self.start
        self._last = self.start

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, or what is left."""
        unread, self._unread = self._unread[:size], self._unread[size:]
        data = unread + self._read(size - len(unread))
        self._last = (self._last + data)[-len(MAGIC) :]
        return data

    def _read(self, size: int) -> bytes:
        parts = []
        # A damaged length may be larger than the memory.
        while size > 0 and (part := self._file.read(min(size, PART))):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def is_complete(self) -> bool:
        """Return whether a file has its footer. A stream may end without a mark."""
        if not self._is_file:
            return True
        while self.read(PART):
            pass
        return self._last == MAGIC
