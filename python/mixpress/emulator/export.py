"""Write stored events to a file: NDJSON, which `mixpress import` reads, or Parquet.

A file appears under its name when it is complete. Memory is bounded by a page of events, and by a row group of Parquet.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from mixpress.emulator.checks import to_milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from os import PathLike
    from typing import BinaryIO

    from mixpress.emulator.stored import StoredEvent

SUFFIXES = (".ndjson", ".jsonl", ".parquet")
GROUP_ROWS = 20_000  # of a row group of Parquet
GROUP_BYTES = 32 << 20  # of properties in a row group


class MissingExtraError(Exception):
    """A package that the format needs is not installed; the text names the extra."""


class Writer(Protocol):
    """Writes events in a format."""

    def write(self, events: Sequence[StoredEvent]) -> None:
        """Write events."""

    def close(self) -> None:
        """Write what remains, without closing the file."""


def export(
    pages: Iterable[Sequence[StoredEvent]],
    path: str | PathLike[str],
    *,
    force: bool = False,
    on_progress: Callable[[int], object] = lambda _: None,
) -> int:
    """Write events to a file whose suffix gives the format, and return their number.

    `on_progress` is called with the number so far. Raises ValueError for another suffix, FileExistsError if the file
    exists and `force` is false, MissingExtraError, or an OSError; the file is then as it was.
    """
    target = Path(path)
    make = choose_writer(target)
    refuse_existing(target, force=force)
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    with ExitStack() as undo:
        with partial.open("xb") as file:
            undo.callback(partial.unlink, missing_ok=True)
            number = 0
            writer = make(file)
            for events in pages:
                writer.write(events)
                number += len(events)
                on_progress(number)
            writer.close()
            file.flush()
            os.fsync(file.fileno())
        refuse_existing(target, force=force)  # one that came meanwhile is kept too
        partial.replace(target)
    return number


def choose_writer(path: Path) -> Callable[[BinaryIO], Writer]:
    """Return what writes the format of a suffix; ValueError for an unknown one."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path} must end with .ndjson, .jsonl or .parquet")
    if suffix != ".parquet":
        return NdjsonWriter
    try:
        import pyarrow.parquet  # noqa: F401, PLC0415 - slow to import, and not needed for NDJSON
    except ModuleNotFoundError as error:
        raise MissingExtraError("Parquet needs `pip install 'mixpress[parquet]'`; or export to .ndjson") from error
    return ParquetWriter


def refuse_existing(path: Path, *, force: bool) -> None:
    """Raise FileExistsError if a file must not be replaced."""
    if not force and os.path.lexists(path):
        raise FileExistsError(f"{path} exists: name another file, or replace it with --force")


class NdjsonWriter:
    """Writes a line for each event: `{"event": ..., "properties": {...}}`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, events: Sequence[StoredEvent]) -> None:
        """Write events."""
        self._file.write(
            b"".join(
                b'{"event":%b,"properties":%b}\n' % (orjson.dumps(event.event), event.properties) for event in events
            )
        )

    def close(self) -> None:
        """Do nothing: each event is written at once."""


class ParquetWriter:
    """Writes the columns event, time, distinct_id, insert_id, endpoint and properties, in row groups."""

    def __init__(self, file: BinaryIO) -> None:
        import pyarrow as pa  # noqa: PLC0415 - as above
        import pyarrow.parquet as pq  # noqa: PLC0415 - as above

        self._schema = pa.schema(
            [
                pa.field("event", pa.string(), nullable=False),
                pa.field("time", pa.timestamp("ms", tz="UTC")),
                pa.field("distinct_id", pa.string()),
                pa.field("insert_id", pa.string()),
                pa.field("endpoint", pa.string(), nullable=False),
                pa.field("properties", pa.string(), nullable=False),
            ]
        )
        self._from_arrays = pa.Table.from_pydict
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")
        self._columns: list[list[Any]] = [[] for _ in self._schema]
        self._bytes = 0

    def write(self, events: Sequence[StoredEvent]) -> None:
        """Write events; a row group is written when it is large enough."""
        for event in events:
            for column, value in zip(self._columns, to_columns(event), strict=True):
                column.append(value)
            self._bytes += len(event.properties)
            if len(self._columns[0]) >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
                self._write_group()

    def close(self) -> None:
        """Write the last row group and the footer."""
        self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        if self._columns[0]:
            table = self._from_arrays(dict(zip(self._schema.names, self._columns, strict=True)), schema=self._schema)
            self._writer.write_table(table)
        self._columns = [[] for _ in self._schema]
        self._bytes = 0


def to_columns(event: StoredEvent) -> tuple[str, int | None, str | None, str | None, str, str]:
    """Return an event's name, time in milliseconds, distinct_id, `$insert_id`, endpoint and properties."""
    properties = orjson.loads(event.properties)
    time = properties.get("time")
    return (
        event.event,
        to_milliseconds(time) if isinstance(time, int | float) else None,
        properties.get("distinct_id"),
        properties.get("$insert_id"),
        event.endpoint,
        event.properties.decode(),
    )
