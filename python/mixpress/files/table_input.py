"""`TableInput`: a table in memory, or a stream of record batches, as the input of an import."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from mixpress.files.piece import Piece, Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow

    from mixpress.files.piece import Ended, Known

NAME = "table"


class TableInput:
    """The rows of an object with `__arrow_c_stream__` or `__arrow_c_array__`: of pyarrow, Polars, DuckDB or pandas.

    `name` stands for the name of a file in the places of its rows. Raises `TypeError` for another object, and
    `ImportError` if pyarrow is not installed.
    """

    size: int | None = None

    def __init__(self, source: Any, name: str = NAME) -> None:
        if not (hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__")):
            raise TypeError(
                "the table must have __arrow_c_stream__, as those of pyarrow, Polars, DuckDB and pandas have, "
                f"got {type(source).__name__}"
            )
        if find_spec("pyarrow") is None:
            raise ImportError("a table needs pyarrow: pip install 'mixpress[parquet]'")
        self.damaged: list[str] = []
        self.unusable = False
        self._source = source
        self._name = name
        self._stopped: Stopped | None = None

    def __iter__(self) -> Iterator[Piece]:
        """Read the pieces in order. What the producer raises ends them, and is noted in `damaged`."""
        import pyarrow  # noqa: PLC0415 - an extra

        from mixpress.files.batches import regrouped  # noqa: PLC0415 - as above
        from mixpress.files.table_piece import RowsRead  # noqa: PLC0415 - as above

        rows = RowsRead()
        try:
            batches = ((batch, 0) for batch in regrouped(_reader(self._source)))
            for piece in rows.pieces(self._name, batches):
                self._check()
                yield piece
                self._check()
        except (pyarrow.ArrowException, OSError) as error:
            self.damaged.append(f"cannot read the {self._name} after {rows}: {reason_of(error)}")

    def resume(self, known: Known, ended: Ended) -> None:
        """Do nothing: the rows come as they come, and are compared."""

    def stop(self, reason: str) -> None:
        """End the iteration with `Stopped`."""
        self._stopped = Stopped(reason)

    def _check(self) -> None:
        if self._stopped is not None:
            raise self._stopped


def reason_of(error: Exception) -> str:
    """Return why a producer failed, without the traceback of a producer in Python."""
    return str(error).partition(". Detail: Python exception:")[0]


def _reader(source: Any) -> Iterator[pyarrow.RecordBatch]:
    import pyarrow  # noqa: PLC0415 - an extra

    if hasattr(source, "__arrow_c_stream__"):
        yield from pyarrow.RecordBatchReader.from_stream(source)
    else:
        yield pyarrow.record_batch(source)
