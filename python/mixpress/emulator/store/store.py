"""Store accepted events in SQLite, in a file or in memory."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from mixpress.emulator.store import schema
from mixpress.emulator.store.buffer import Buffer
from mixpress.emulator.store.lock import FileLock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from os import PathLike

    from mixpress.emulator.accept import Row
    from mixpress.emulator.store.schema import Values

KEEP = 1_000_000
MAX_MEMORY_BYTES = 512 * 2**20
"""Of events in memory; a file has no such bound."""

_FLUSHED = 10_000  # rows that are in the buffer and in SQLite at once, while they move

_READ = """
SELECT event, properties FROM events
WHERE (:name IS NULL OR event = :name) AND (:endpoint IS NULL OR endpoint = :endpoint)
ORDER BY id
"""
_COUNT = """
SELECT count(*) FROM events
WHERE (:name IS NULL OR event = :name) AND (:endpoint IS NULL OR endpoint = :endpoint)
"""


class Counts(NamedTuple):
    """What became of the events that were added since the store was opened or cleared."""

    stored: int
    """Events in the store, also those of earlier runs."""
    duplicates: int
    """Added events that replaced an equal one."""
    dropped: int
    """Deleted events, the oldest, since there were more than the store keeps."""


class _Batch:
    """The events of a request on their way into the file."""

    def __init__(self, values: list[Values]) -> None:
        self.values = values
        self.written = False
        self.error: Exception | None = None


class Store:
    """A store that keeps the latest event for each (event, time, distinct_id, $insert_id), and `keep` events at most.

    Beyond `keep`, and in memory beyond about `max_bytes`, those that arrived first are deleted.

    It has one connection, which a lock protects. In a file, events are written before `add` returns; requests that
    wait at the same time share a transaction. In memory, SQLite gets the events when they are read.

    `path` None is memory. Raises OSError if the file cannot be used, also because another store uses it.
    """

    def __init__(
        self, path: str | PathLike[str] | None = None, keep: int = KEEP, max_bytes: int = MAX_MEMORY_BYTES
    ) -> None:
        self._keep = keep
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._waiting: list[_Batch] = []
        self._waiting_lock = threading.Lock()
        path = schema.MEMORY if path is None else os.fspath(path)
        self._in_memory = path == schema.MEMORY
        self._buffer = Buffer()
        self._file_lock: FileLock | None = None
        self._connection = self._open(path)
        self._duplicates = self._dropped = 0
        self._stored, self._used_bytes = schema.count_all(self._connection), 0
        """Of SQLite; the bytes are known in memory only."""
        self._data_version = self._read_data_version()

    def _open(self, path: str) -> sqlite3.Connection:
        try:
            if not self._in_memory:
                if not path:
                    raise OSError("the name of a file is missing")
                self._file_lock = FileLock(path)
            return schema.connect(path)
        except (sqlite3.Error, OSError) as error:
            if self._file_lock is not None:
                self._file_lock.release()
            reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
            raise OSError(f"cannot keep events in {path}: {reason}") from error

    @property
    def in_memory(self) -> bool:
        """Whether there is no file."""
        return self._in_memory

    def add(self, endpoint: str, rows: Sequence[Row], received: int = 0, request: int = 0) -> None:
        """Store all events or none. A duplicate replaces the stored event and keeps its position.

        `received` is when their request was read, in milliseconds since the epoch; `request` is its number.
        Raises sqlite3.Error if they cannot be stored.
        """
        if self._in_memory:
            with self._lock:
                self._duplicates += self._buffer.add((endpoint, received, request), rows)
                self._bound_buffer()
        elif rows:
            self._write(_Batch([(endpoint, *row[:4], row[4].decode(), received, request) for row in rows]))

    @contextmanager
    def locked(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection, locked within the block; events in memory may be missing in it."""
        with self._lock:
            yield self._connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that sees every event that was answered. The store is locked within the block."""
        with self._lock:
            self._flush()
            yield self._connection

    def events(self, name: str | None = None, endpoint: str | None = None) -> list[dict[str, Any]]:
        """Return each event as `{"event": ..., "properties": {...}}`, in order of first arrival."""
        with self.reading() as connection:
            rows = connection.execute(_READ, {"name": name, "endpoint": endpoint}).fetchall()
        return [{"event": event, "properties": orjson.loads(properties)} for event, properties in rows]

    def count(self, name: str | None = None, endpoint: str | None = None) -> int:
        """Return the number of events that `events` would return."""
        with self.reading() as connection:
            [(count,)] = connection.execute(_COUNT, {"name": name, "endpoint": endpoint})
        return int(count)

    def counts(self) -> Counts:
        """Return how many events are stored, and what became of the others."""
        with self.reading():
            self._notice_others()
            return Counts(self._stored, self._duplicates, self._dropped)

    @property
    def duplicates(self) -> int:
        """Number of added events that replaced an equal one."""
        return self.counts().duplicates

    @property
    def dropped(self) -> int:
        """Number of deleted events, since there were more than the store keeps."""
        return self.counts().dropped

    def clear(self) -> None:
        """Delete all events."""
        with self._lock:
            with schema.transaction(self._connection):
                self._connection.execute("DELETE FROM events")
            self._buffer.clear()
            self._stored = self._used_bytes = self._duplicates = self._dropped = 0

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
            if self._file_lock is not None:
                self._file_lock.release()

    def _bound_buffer(self) -> None:
        """Delete the oldest events of the buffer, if SQLite has none that are older; else let SQLite have all."""
        if self._stored:
            too_many = self._stored + len(self._buffer) > self._keep
            if too_many or self._used_bytes + self._buffer.bytes > self._max_bytes:
                self._flush()
        else:
            self._dropped += self._buffer.drop_until(self._keep, self._max_bytes)

    def _flush(self) -> None:
        """Move the events of the buffer into SQLite."""
        while self._buffer:
            values = self._buffer.first(_FLUSHED)
            self._insert(values)
            self._buffer.drop(len(values))
            self._used_bytes = schema.used_bytes(self._connection)
            if self._used_bytes > self._max_bytes:
                share = 1 - self._max_bytes / self._used_bytes
                self._drop(int(self._stored * share) + 1)
                self._used_bytes = schema.used_bytes(self._connection)

    def _write(self, batch: _Batch) -> None:
        """Write a request's events with those of the requests that wait too."""
        with self._waiting_lock:
            self._waiting.append(batch)
        with self._lock:
            if not batch.written:
                with self._waiting_lock:
                    batches, self._waiting = self._waiting, []
                self._write_all(batches)
        if batch.error is not None:
            raise batch.error

    def _write_all(self, batches: list[_Batch]) -> None:
        """Write requests in one transaction; if that fails, each in its own, so that each has its own error."""
        try:
            self._insert([values for batch in batches for values in batch.values])
        except Exception as error:  # noqa: BLE001 - raised by the thread that waits for it
            for batch in batches:
                batch.error = error if len(batches) == 1 else self._find_error(batch)
        for batch in batches:
            batch.written = True

    def _find_error(self, batch: _Batch) -> Exception | None:
        """Write the events of one request; return the error."""
        try:
            self._insert(batch.values)
        except Exception as error:  # noqa: BLE001 - raised by the thread that waits for it
            return error
        return None

    def _insert(self, values: list[Values]) -> None:
        """Insert events, and delete the oldest beyond `keep`, in one transaction."""
        self._notice_others()
        with schema.transaction(self._connection):
            new = schema.insert(self._connection, values)
            excess = max(0, self._stored + new - self._keep)
            if excess:
                schema.drop_oldest(self._connection, excess)
        self._stored += new - excess
        self._duplicates += len(values) - new
        self._dropped += excess

    def _drop(self, count: int) -> None:
        schema.drop_oldest(self._connection, count)
        self._stored -= count
        self._dropped += count

    def _notice_others(self) -> None:
        """Count again if another program has changed the file."""
        version = self._read_data_version()
        if version != self._data_version:
            self._stored, self._data_version = schema.count_all(self._connection), version

    def _read_data_version(self) -> int:
        [(version,)] = self._connection.execute("PRAGMA data_version")
        return int(version)
