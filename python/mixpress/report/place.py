"""`Place`: where in a file the record of an event begins."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """Where a record begins."""

    file: str
    """The file as it was named; `stdin` for the standard input."""
    line: int | None = None
    """Its line, from 1; None in a format without lines."""
    offset: int | None = None
    """Its byte in the unpacked file, from 0; None in a format without lines."""
    row: int | None = None
    """Its row, from 1, in a table without lines."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line is not None else f"{self.file}: row {self.row}"
