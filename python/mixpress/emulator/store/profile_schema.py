"""The tables of profiles and of merged ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

ATTACHED = "state"
"""The database of the profiles on a connection to events in memory: profiles have a bound of their own."""

_TABLES = (
    # A user has an empty `group_key`. Times are milliseconds since the epoch.
    """
CREATE TABLE IF NOT EXISTS {schema}.profiles (
    id INTEGER PRIMARY KEY,
    group_key TEXT NOT NULL,
    profile_id TEXT NOT NULL,
    properties TEXT NOT NULL,
    last_seen INTEGER,
    ip TEXT,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    updates INTEGER NOT NULL,
    UNIQUE (group_key, profile_id)
)
""",
    # Only merged ids have a row: any other id is alone in its cluster. `cluster` is one of the ids of the cluster.
    """
CREATE TABLE IF NOT EXISTS {schema}.identities (
    id INTEGER PRIMARY KEY,
    distinct_id TEXT NOT NULL UNIQUE,
    cluster TEXT NOT NULL
)
""",
    "CREATE INDEX IF NOT EXISTS {schema}.identities_of_cluster ON identities (cluster)",
)


def create(connection: sqlite3.Connection, schema: str) -> None:
    """Create the tables that are missing in one of the connection's databases."""
    for statement in _TABLES:
        connection.execute(statement.format(schema=schema))


def count_profiles(connection: sqlite3.Connection) -> int:
    """Return the number of profiles, of users and of groups."""
    [(count,)] = connection.execute("SELECT count(*) FROM profiles")
    return int(count)


def drop_profiles(connection: sqlite3.Connection, count: int) -> None:
    """Delete the profiles that were created first."""
    connection.execute("DELETE FROM profiles WHERE id IN (SELECT id FROM profiles ORDER BY id LIMIT ?)", (count,))


def drop_identities(connection: sqlite3.Connection, keep: int) -> None:
    """Delete the ids that were merged first, so that at most `keep` remain."""
    # Only the first are ever deleted, so no number is missing in between.
    connection.execute("DELETE FROM identities WHERE id <= (SELECT max(id) FROM identities) - ?", (keep,))


def clear(connection: sqlite3.Connection) -> None:
    """Delete all rows."""
    connection.execute("DELETE FROM profiles")
    connection.execute("DELETE FROM identities")
