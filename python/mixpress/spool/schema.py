"""The tables of a spool's file, and the migrations from older versions.

    owners        the processes that have the file open: their identity, and when their lease expires
    events        one row for each event that is in no batch yet: its JSON, its number and its owner
    batches       one row for each request body: what it contains, when to try next, and its owner
    quarantined   rows that could not be read, with the reason
    destination   the endpoint and project that the file is bound to

An event or batch is free when its owner is NULL or not in `owners`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpress.errors import SpoolError

if TYPE_CHECKING:
    import sqlite3

APPLICATION = 0x6D785370
"""SQLite's `application_id` of a spool, "mxSp" in ASCII; `file` shows it."""
VERSION = 1
PAGE_SIZE = 2048
"""Bytes. Each append writes the page that it changes, so smaller pages write less; larger ones split a body into fewer
parts. Of 1, 2, 4 and 8 KiB this one had the shortest median of an append (`benches/spool.py`)."""

TABLES = """
CREATE TABLE owners (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pid INTEGER NOT NULL, started TEXT NOT NULL, boot TEXT NOT NULL, namespace TEXT NOT NULL,
    expires REAL NOT NULL
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    owner INTEGER NOT NULL, number INTEGER NOT NULL, accepted REAL NOT NULL, body BLOB NOT NULL
);
CREATE TABLE batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner INTEGER,
    state TEXT NOT NULL DEFAULT 'waiting', reason TEXT,
    attempts INTEGER NOT NULL, next_try REAL NOT NULL DEFAULT 0,
    layout TEXT NOT NULL, gzip INTEGER NOT NULL,
    count INTEGER NOT NULL, raw_size INTEGER NOT NULL, accepted REAL NOT NULL,
    indexes BLOB NOT NULL, sizes BLOB NOT NULL, body BLOB NOT NULL
);
CREATE TABLE quarantined (
    id INTEGER PRIMARY KEY,
    found REAL NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, body BLOB
);
CREATE TABLE destination (url TEXT NOT NULL, salt BLOB NOT NULL, project BLOB NOT NULL);
"""

# Statements from each version to the next. Version 0 had no state of batches and no quarantine, and its only layout was
# gzipped JSON.
MIGRATIONS = (
    """
ALTER TABLE batches ADD COLUMN state TEXT NOT NULL DEFAULT 'waiting';
ALTER TABLE batches ADD COLUMN reason TEXT;
ALTER TABLE batches ADD COLUMN layout TEXT NOT NULL DEFAULT 'json';
ALTER TABLE batches ADD COLUMN gzip INTEGER NOT NULL DEFAULT 1;
CREATE TABLE quarantined (
    id INTEGER PRIMARY KEY,
    found REAL NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, body BLOB
);
""",
)


def version_of(db: sqlite3.Connection, path: str) -> int | None:
    """Return the version of an open file, None for an empty one. `SpoolError` for a newer version or another format."""
    # One statement: between two, another process may create the tables.
    application, version, tables = db.execute(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)"
        " FROM pragma_application_id, pragma_user_version"
    ).fetchone()
    if application != APPLICATION:
        if tables == 0:
            return None
        raise SpoolError(f"{path} is a database, but not a spool; name another file", path, "corrupt")
    if version > VERSION:
        raise SpoolError(
            f"the spool {path} has version {version}, and this mixpress reads versions up to {VERSION}; "
            "open it with the mixpress that created it, or a newer one",
            path,
            "version",
        )
    return int(version)


def bring_up(db: sqlite3.Connection, path: str) -> None:
    """Create the tables of an empty file, or migrate those of an older version. Requires a transaction."""
    version = version_of(db, path)
    steps = [TABLES] if version is None else MIGRATIONS[version:]
    for step in steps:
        for statement in filter(str.strip, step.split(";")):
            db.execute(statement)
    if steps:
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute(f"PRAGMA user_version = {VERSION}")
