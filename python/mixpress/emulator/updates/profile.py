"""A profile: its properties, and what the server keeps beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

USER = ""
"""The `group_key` of a user's profile."""

Key = tuple[str, str]
"""`group_key` and id."""

COLUMNS = "group_key, profile_id, properties, last_seen, ip, created, updated, updates"
SELECT = f"SELECT {COLUMNS} FROM profiles"  # noqa: S608 - of a constant
_FIND = f"{SELECT} WHERE group_key = ? AND profile_id = ?"
_WRITE = f"""
INSERT INTO profiles ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (group_key, profile_id) DO UPDATE SET properties = excluded.properties, last_seen = excluded.last_seen,
    ip = excluded.ip, created = excluded.created, updated = excluded.updated, updates = excluded.updates
"""  # noqa: S608 - of a constant
_DELETE = "DELETE FROM profiles WHERE group_key = ? AND profile_id = ?"


@dataclass
class Profile:
    """The profile of a user or a group."""

    key: Key
    properties: dict[str, Any] = field(default_factory=dict)
    last_seen: int | None = None
    """When an update without `$ignore_time` came, in milliseconds since the epoch."""
    ip: str | None = None
    """The address that gave the profile its location; there is no database of places."""
    created: int = 0
    """When the first update came, in milliseconds since the epoch."""
    updated: int = 0
    updates: int = 0
    """Number of updates since it was created."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        others = (self.last_seen, self.ip, self.created, self.updated, self.updates)
        return to_dict(self.key, self.properties, others)


def to_dict(key: Key, properties: Any, others: Iterable[Any]) -> dict[str, Any]:
    """Return a profile as JSON has it; `others` are the values beside the properties, in the order of `COLUMNS`."""
    group_key, profile_id = key
    ids = {"group_key": group_key, "group_id": profile_id} if group_key else {"distinct_id": profile_id}
    names = ("last_seen", "ip", "created", "updated", "updates")
    return {**ids, "properties": properties, **dict(zip(names, others, strict=True))}


def to_profile(row: tuple[Any, ...]) -> Profile:
    """Return the profile of a row of `SELECT`."""
    group_key, profile_id, properties, *others = row
    return Profile((group_key, profile_id), orjson.loads(properties), *others)


def find(connection: sqlite3.Connection, key: Key) -> Profile | None:
    """Return a profile, or None."""
    row = connection.execute(_FIND, key).fetchone()
    return None if row is None else to_profile(row)


def write(connection: sqlite3.Connection, profile: Profile) -> None:
    """Store a profile."""
    properties = orjson.dumps(profile.properties).decode()
    others = (profile.last_seen, profile.ip, profile.created, profile.updated, profile.updates)
    connection.execute(_WRITE, (*profile.key, properties, *others))


def delete(connection: sqlite3.Connection, key: Key) -> None:
    """Delete a profile, if there is one."""
    connection.execute(_DELETE, key)
