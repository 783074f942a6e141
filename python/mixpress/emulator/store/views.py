"""What a query sees of profiles: temporary views, which hide the tables that they read."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from mixpress.emulator.store.profile_schema import ATTACHED

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

VIEWS = {
    "profiles": """
        SELECT id, profile_id AS distinct_id, properties, last_seen, ip, created, updated, updates
        FROM {schema}.profiles WHERE group_key = ''
    """,
    "groups": """
        SELECT id, group_key, profile_id AS group_id, properties, created, updated, updates
        FROM {schema}.profiles WHERE group_key != ''
    """,
    "identities": "SELECT id, distinct_id, cluster FROM {schema}.identities",
}


@contextmanager
def shown(connection: sqlite3.Connection) -> Iterator[None]:
    """Have the views on a connection within the block; it may be the one that the store writes with."""
    databases = [name for _, name, _ in connection.execute("PRAGMA database_list")]
    schema = ATTACHED if ATTACHED in databases else "main"
    try:
        for name, select in VIEWS.items():
            connection.execute(f"CREATE TEMP VIEW {name} AS {select.format(schema=schema)}")
        yield
    finally:
        for name in VIEWS:
            connection.execute(f"DROP VIEW IF EXISTS temp.{name}")
