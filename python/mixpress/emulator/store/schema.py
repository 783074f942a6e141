"""The SQLite database of the events: opened, checked, brought up to date, written to."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

from mixpress.emulator.store import functions, profile_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

APPLICATION_ID = 0x6D697870  # "mixp" in the file's header; a database of another program is never written to
MEMORY = ":memory:"
_VERSION = 2  # PRAGMA user_version; 0.1.0 has 0, and no columns `received` and `request`; 1 has no profiles

# NULLs are distinct in a UNIQUE constraint, so all events without an $insert_id are kept. It starts with the time:
# numbers are compared at once, and a request's events lie together. Older files have the name first, which works too.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY,
    endpoint TEXT NOT NULL,
    event TEXT NOT NULL,
    time INTEGER NOT NULL,
    distinct_id TEXT NOT NULL,
    insert_id TEXT,
    properties TEXT NOT NULL,
    received INTEGER NOT NULL,
    request INTEGER NOT NULL,
    UNIQUE (time, insert_id, distinct_id, event)
)
"""
_COLUMNS = ("endpoint", "event", "time", "distinct_id", "insert_id", "properties", "received", "request")
_ADDED = ("received", "request")
"""Columns that 0.1.0 does not have; 0 for its events."""

_CACHE_KIB = 65_536  # the index of a million events, in which each new event has its place
_PAGE_BYTES = 16_384  # of a new file: two thirds of the time that an event takes with SQLite's 4096
_CHECKPOINT_BYTES = 32_000_000  # a page that is written often is copied into the file once for many requests

_ROWS = 64  # of a statement: one call of SQLite, without the interpreter's lock, for many rows


def _insert(rows: int) -> str:
    values = ", ".join([f"({', '.join('?' * len(_COLUMNS))})"] * rows)
    return f"""
INSERT INTO events ({", ".join(_COLUMNS)}) VALUES {values}
ON CONFLICT (event, time, distinct_id, insert_id)
DO UPDATE SET endpoint = excluded.endpoint, properties = excluded.properties,
    received = excluded.received, request = excluded.request
"""  # noqa: S608 - of constants


_ADD, _ADD_MANY = _insert(1), _insert(_ROWS)
_DROP = "DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id LIMIT ?)"

Values = tuple[Any, ...]
"""The values of the columns but `id`, in the schema's order."""


def connect(path: str) -> sqlite3.Connection:
    """Return a connection without implicit transactions. Raises sqlite3.Error if the file is not usable."""
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        functions.define(connection)  # of queries over events in memory, which use this connection
        _prepare(connection)
        if path != MEMORY:
            profile_schema.create(connection, "main")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what the block writes, or nothing of it if it raises or cannot be committed."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def insert(connection: sqlite3.Connection, rows: Sequence[Values]) -> int:
    """Insert events in their order; return how many were new. A duplicate replaces the event and keeps its position."""
    before = _last_id(connection)
    whole = len(rows) - len(rows) % _ROWS
    for start in range(0, whole, _ROWS):
        connection.execute(_ADD_MANY, tuple(chain.from_iterable(rows[start : start + _ROWS])))
    connection.executemany(_ADD, rows[whole:])
    return _last_id(connection) - before  # an upsert that updates takes no id


def drop_oldest(connection: sqlite3.Connection, count: int) -> None:
    """Delete the events that arrived first."""
    connection.execute(_DROP, [count])


def count_all(connection: sqlite3.Connection) -> int:
    """Return the number of events."""
    [(count,)] = connection.execute("SELECT count(*) FROM events")
    return int(count)


def used_bytes(connection: sqlite3.Connection, schema: str = "main") -> int:
    """Return the size of the pages in use of one of the connection's databases."""
    names = ("page_count", "freelist_count", "page_size")
    pages, free, size = (connection.execute(f"PRAGMA {schema}.{name}").fetchone()[0] for name in names)
    return int((pages - free) * size)


def _last_id(connection: sqlite3.Connection) -> int:
    [(last,)] = connection.execute("SELECT max(id) FROM events")
    return int(last or 0)


def _prepare(connection: sqlite3.Connection) -> None:
    [(application_id,)] = connection.execute("PRAGMA application_id")
    [(tables,)] = connection.execute("SELECT count(*) FROM sqlite_master")
    [(version,)] = connection.execute("PRAGMA user_version")
    if tables and application_id != APPLICATION_ID:
        raise sqlite3.DatabaseError("it is the database of another program")
    if version > _VERSION:
        raise sqlite3.DatabaseError(
            f"it was written by a newer version of mixpress (format {version}, this one reads up to {_VERSION}); "
            "upgrade mixpress, or choose another file"
        )
    connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    [(page_bytes,)] = connection.execute("PRAGMA page_size")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_BYTES // page_bytes}")
    with transaction(connection):
        # This writes even if nothing changes, so that a read-only file fails here and not at the first request.
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(_SCHEMA)
        _add_columns(connection)
        connection.execute(f"PRAGMA user_version = {_VERSION}")


def _add_columns(connection: sqlite3.Connection) -> None:
    """Add the columns that an older version does not have."""
    present = {name for _, name, *_ in connection.execute("PRAGMA table_info(events)")}
    for name in _ADDED:
        if name not in present:
            connection.execute(f"ALTER TABLE events ADD COLUMN {name} INTEGER NOT NULL DEFAULT 0")
    missing = {"id", *_COLUMNS} - present - set(_ADDED)
    if missing:
        raise sqlite3.DatabaseError(f"its table 'events' has no column '{min(missing)}'")
