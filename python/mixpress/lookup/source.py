"""Read a lookup table from any source: a file, CSV text, an Arrow table or rows."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from contextlib import closing
from typing import TYPE_CHECKING, Any, Literal, Protocol

from mixpress.article import type_of
from mixpress.errors import LookupTableError
from mixpress.lookup.check import CheckedTable, check_csv
from mixpress.lookup.limits import MAX_BYTES
from mixpress.lookup.rows import Row, write_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mixpress.files.opening import Opened
    from mixpress.files.piece import Piece

    OnProgress = Callable[[int, int], object]
    """Called with the number of rows, and of bytes, that were read."""

Format = Literal["csv", "tsv", "parquet", "arrow"]

_CHUNK = 1 << 20


class Readable(Protocol):
    """An open file, of bytes or of text."""

    def read(self, size: int, /) -> bytes | str:
        """Return some of what is left; nothing at the end."""
        ...


class ArrowStream(Protocol):
    """A table with Arrow's PyCapsule interface, as those of pyarrow, Polars, pandas and DuckDB."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return a stream of record batches."""
        ...


Source = str | os.PathLike[str] | bytes | bytearray | memoryview | Readable | ArrowStream | Iterable[Row]
"""What a table is read from; see `LookupTables.replace`."""


def read_table(source: Source, format: Format | None = None, on_progress: OnProgress | None = None) -> CheckedTable:
    """Return the table of a source, once it breaks no rule.

    Raises `LookupTableError` for a table that breaks one or can't be read, `OSError` for a file that can't be opened,
    `TypeError` for a source of another type, and `ImportError` if an extra is missing.
    """
    return check_csv(_to_csv(source, format, on_progress), on_progress)


def _to_csv(source: Any, format: Format | None, on_progress: OnProgress | None) -> bytes:
    if isinstance(source, str) and "\n" in source:
        raise ValueError("a source that is text is the path of a file; give CSV as bytes")
    if isinstance(source, str | os.PathLike):
        return _read_file(os.fspath(source), format, on_progress)
    if format is not None:
        raise ValueError(f"format is that of a file, and the source is {type_of(source)}")
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        return write_rows(_rows_of_table(source), on_progress)
    if callable(getattr(source, "read", None)):
        return _read_all(source)
    if isinstance(source, Iterable):
        return write_rows(source, on_progress)
    raise TypeError(
        "the source of a lookup table must be a path, bytes of CSV, an open file, a table with __arrow_c_stream__ or "
        f"an iterable of rows, got {type_of(source)}"
    )


def _read_all(file: Readable) -> bytes:
    """Return what is left of a file, up to a little more than a table may have."""
    parts: list[bytes] = []
    size = 0
    while size <= MAX_BYTES + 3 and (part := file.read(_CHUNK)):
        parts.append(part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part)
        size += len(parts[-1])
    return b"".join(parts)


def _read_file(path: str, format: Format | None, on_progress: OnProgress | None) -> bytes:
    from mixpress.files.formats import OtherFormat  # noqa: PLC0415 - the readers of files take long to import

    with closing(_open(path)) as opened:
        try:
            found = opened.recognise(format)
            if found in {"parquet", "arrow"}:
                return write_rows(_rows_of_file(opened, found), on_progress)
            if found == "tsv":
                return write_rows(_rows_of_tsv(opened), on_progress)
            return _read_all(opened.file)
        except OtherFormat as error:
            raise _unreadable(f"{opened.name} {error}") from error
        except opened.UNREADABLE as error:
            reason = getattr(error, "strerror", None) or error
            raise _unreadable(f"cannot read {opened.name} to its end: {reason}") from error


def _open(path: str) -> Opened:
    from mixpress.files.opening import open_local  # noqa: PLC0415 - as above
    from mixpress.files.remote import find_remote, is_remote, open_remote  # noqa: PLC0415 - as above
    from mixpress.files.stopping import Stopping  # noqa: PLC0415 - as above

    if not is_remote(path):
        return open_local(path, Stopping())
    found = find_remote(path)
    if len(found) != 1:
        raise _unreadable(f"a lookup table is one file, and {len(found):,} are named")
    return open_remote(found[0], Stopping())


def _unreadable(reason: str) -> LookupTableError:
    return LookupTableError(f"the table was not sent: {reason}", "unreadable")


def _rows_of_tsv(opened: Opened) -> Iterator[list[str]]:
    text = io.TextIOWrapper(opened.file, "utf-8-sig", "surrogateescape", newline="")
    try:
        yield from filter(None, csv.reader(text, delimiter="\t", strict=True))
    except csv.Error as error:
        raise _unreadable(f"{opened.name} is not TSV: {error}") from error
    finally:
        text.detach()


def _rows_of_file(opened: Opened, format: str) -> Iterator[list[object]]:
    try:
        import pyarrow  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise ImportError(f"{opened.name} needs: pip install 'mixpress[parquet]'") from None
    from mixpress.files.arrow_reader import arrow_pieces  # noqa: PLC0415 - as above
    from mixpress.files.parquet_reader import parquet_pieces  # noqa: PLC0415 - as above

    yield from _rows_of_pieces((parquet_pieces if format == "parquet" else arrow_pieces)(opened), opened.damaged)


def _rows_of_table(source: Any) -> Iterator[list[object]]:
    from mixpress.files.table_input import TableInput  # noqa: PLC0415 - as above

    try:
        table = TableInput(source)
    except ValueError as error:
        raise _unreadable(str(error)) from error
    yield from _rows_of_pieces(iter(table), table.damaged)


def _rows_of_pieces(pieces: Iterator[Piece], damaged: list[str]) -> Iterator[list[object]]:
    """Yield the header and the rows of a table. Damage ends it with an error: half a table must not replace a whole."""
    from mixpress.files.columns import values_of  # noqa: PLC0415 - pyarrow is an extra
    from mixpress.files.table_piece import TablePiece  # noqa: PLC0415 - as above

    header: list[str] | None = None
    for piece in pieces:
        assert isinstance(piece, TablePiece)
        if header is None:
            header = piece.batch.schema.names
            yield list(header)
        for row in zip(*map(values_of, piece.batch.columns), strict=True):
            yield list(row)
    if damaged:
        raise _unreadable("; ".join(damaged))
