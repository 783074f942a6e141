"""Store accepted events in SQLite, in a file or in memory."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from mixpress.emulator.accept import Row

_APPLICATION_ID = 0x6D697870  # "mixp" in the file's header; a database of another program is never written to

# NULLs are distinct in a UNIQUE constraint, so all events without an $insert_id are kept.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY,
    endpoint TEXT NOT NULL,
    event TEXT NOT NULL,
    time INTEGER NOT NULL,
    distinct_id TEXT NOT NULL,
    insert_id TEXT,
    properties TEXT NOT NULL,
    UNIQUE (event, time, distinct_id, insert_id)
)
"""
_ADD = """
INSERT INTO events (endpoint, event, time, distinct_id, insert_id, properties) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (event, time, distinct_id, insert_id)
DO UPDATE SET endpoint = excluded.endpoint, properties = excluded.properties
"""
_READ = """
SELECT event, properties FROM events
WHERE (:name IS NULL OR event = :name) AND (:endpoint IS NULL OR endpoint = :endpoint)
ORDER BY id
"""
_COUNT = """
SELECT count(*) FROM events
WHERE (:name IS NULL OR event = :name) AND (:endpoint IS NULL OR endpoint = :endpoint)
"""


class Store:
    """A store that keeps the latest event for each (event, time, distinct_id, $insert_id).

    It has one connection, which a lock protects. `path` None is memory. Raises OSError if the file cannot be used.
    """

    def __init__(self, path: str | PathLike[str] | None = None) -> None:
        self._lock = threading.Lock()
        try:
            self._connection = _connect(":memory:" if path is None else path)
        except sqlite3.Error as error:
            raise OSError(f"cannot keep events in {path}: {error}") from error

    def add(self, endpoint: str, rows: Sequence[Row]) -> None:
        """Store all events or none. A duplicate replaces the stored event and keeps its position."""
        with self._lock, self._connection:
            self._connection.executemany(_ADD, ((endpoint, *row[:4], row.properties.decode()) for row in rows))

    def events(self, name: str | None = None, endpoint: str | None = None) -> list[dict[str, Any]]:
        """Return each event as `{"event": ..., "properties": {...}}`, in order of first arrival."""
        with self._lock:
            rows = self._connection.execute(_READ, {"name": name, "endpoint": endpoint}).fetchall()
        return [{"event": event, "properties": orjson.loads(properties)} for event, properties in rows]

    def count(self, name: str | None = None, endpoint: str | None = None) -> int:
        """Return the number of events that `events` would return."""
        with self._lock:
            [(count,)] = self._connection.execute(_COUNT, {"name": name, "endpoint": endpoint})
        return int(count)

    def clear(self) -> None:
        """Delete all events."""
        with self._lock, self._connection:
            self._connection.execute("DELETE FROM events")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def _connect(path: str | PathLike[str]) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        _prepare(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    [(application_id,)] = connection.execute("PRAGMA application_id")
    [(tables,)] = connection.execute("SELECT count(*) FROM sqlite_master")
    if tables and application_id != _APPLICATION_ID:
        raise sqlite3.DatabaseError("it is the database of another program")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    # This writes even if the schema exists, so that a read-only file fails here and not at the first request.
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(_SCHEMA)
