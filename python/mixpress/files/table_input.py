"""`BatchInput`: record batches as the input of an import, and `TableInput`: a table of any library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mixpress.files.piece import Piece, Stopped
from mixpress.files.table_source import open_table, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow

    from mixpress.files.piece import Ended, Known

NAME = "table"


class BatchInput:
    """Record batches, whose schemas may differ.

    `name` stands for the name of a file in the places of its rows.
    """

    size: int | None = None

    def __init__(self, batches: Iterable[pyarrow.RecordBatch], name: str) -> None:
        self.damaged: list[str] = []
        self.unusable = False
        self._name = name
        self._batches = batches
        self._stopped: Stopped | None = None

    def __iter__(self) -> Iterator[Piece]:
        """Read the pieces in order. What the producer raises ends them, and is noted in `damaged`."""
        import pyarrow  # noqa: PLC0415 - an extra

        from mixpress.files.batches import regrouped  # noqa: PLC0415 - as above
        from mixpress.files.table_piece import RowsRead  # noqa: PLC0415 - as above

        rows = RowsRead()
        try:
            batches = ((batch, 0) for batch in regrouped(self._batches))
            for piece in rows.pieces(self._name, batches):
                self._check()
                yield piece
                self._check()
        except (pyarrow.ArrowException, OSError) as error:
            self.damaged.append(f"cannot read the {self._name} after {rows}: {reason_of(str(error))}")

    def resume(self, known: Known, ended: Ended) -> None:
        """Do nothing: the rows come as they come, and are compared."""

    def stop(self, reason: str) -> None:
        """End the iteration with `Stopped`."""
        self._stopped = Stopped(reason)

    def _check(self) -> None:
        if self._stopped is not None:
            raise self._stopped


class TableInput(BatchInput):
    """The rows of a table of any library. Raises what `open_table` does."""

    def __init__(self, source: Any, name: str = NAME) -> None:
        super().__init__(open_table(source), name)
