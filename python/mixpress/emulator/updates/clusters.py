"""Ids that are one user: clusters of merged ids in SQLite."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from mixpress.emulator.updates.checks import MAX_PROPERTIES
from mixpress.emulator.updates.profile import USER, Profile

if TYPE_CHECKING:
    import sqlite3

    from mixpress.emulator.updates.touched import Touched

_FIND = "SELECT cluster FROM identities WHERE distinct_id = ?"
_MEMBERS = "SELECT distinct_id FROM identities WHERE cluster = ?"
_MOVE = "UPDATE identities SET cluster = ? WHERE cluster = ?"
_ADD = "INSERT OR IGNORE INTO identities (distinct_id, cluster) VALUES (?, ?)"


def find(connection: sqlite3.Connection, distinct_id: str) -> str:
    """Return the id by which the cluster of an id is known: the id itself if it was never merged."""
    row = connection.execute(_FIND, (distinct_id,)).fetchone()
    return distinct_id if row is None else str(row[0])


def is_any(connection: sqlite3.Connection) -> bool:
    """Return whether any ids were merged."""
    return connection.execute("SELECT 1 FROM identities LIMIT 1").fetchone() is not None


def members(connection: sqlite3.Connection, cluster: str) -> list[str]:
    """Return the ids of a cluster in the order in which they were merged; none if the id was never merged."""
    return [row[0] for row in connection.execute(f"{_MEMBERS} ORDER BY id", (cluster,))]


def unite(connection: sqlite3.Connection, touched: Touched, first: str, second: str) -> None:
    """Make the clusters of two ids one, and their profiles one.

    The smaller cluster joins the larger one, so that n merges move at most n log n ids. Of equal ones, the second
    joins the first.
    """
    target, source = find(connection, first), find(connection, second)
    if target == source:
        return
    if _is_smaller(connection, target, source):
        target, source = source, target
    connection.execute(_MOVE, (target, source))
    connection.executemany(_ADD, [(target, target), (source, target)])
    _join_profiles(touched, target, source)


def _is_smaller(connection: sqlite3.Connection, one: str, other: str) -> bool:
    """Return whether a cluster is smaller than another, without counting the larger one."""
    cursors = [connection.execute(_MEMBERS, (each,)) for each in (one, other)]
    try:
        for member, of_other in zip_longest(*cursors):
            if member is None or of_other is None:
                return member is None
        return False
    finally:
        for cursor in cursors:
            cursor.close()


def _join_profiles(touched: Touched, target: str, source: str) -> None:
    moved = touched.get((USER, source))
    if moved is None:
        return
    kept = touched.get((USER, target))
    touched.set((USER, source), None)
    touched.set((USER, target), joined(kept or Profile((USER, target), created=moved.created), moved))


def joined(kept: Profile, moved: Profile) -> Profile:
    """Return the profile of two: where both have a property, that of the one that was updated last remains."""
    older, newer = (kept, moved) if moved.updated > kept.updated else (moved, kept)
    properties = {**older.properties, **newer.properties}
    excess = len(properties) - MAX_PROPERTIES
    if excess > 0:
        for name in [name for name in properties if name not in newer.properties][:excess]:
            del properties[name]
    seen = [each.last_seen for each in (kept, moved) if each.last_seen is not None]
    return Profile(
        kept.key,
        properties,
        last_seen=max(seen, default=None),
        ip=newer.ip or older.ip,
        created=min(kept.created, moved.created),
        updated=newer.updated,
        updates=kept.updates + moved.updates,
    )
