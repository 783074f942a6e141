"""The profiles of users and groups, in memory or in the file of the events."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from mixpress.emulator.accept import truncate
from mixpress.emulator.store import profile_schema
from mixpress.emulator.store.schema import transaction, used_bytes
from mixpress.emulator.store.store import KEEP, MAX_MEMORY_BYTES, Store
from mixpress.emulator.updates import clusters
from mixpress.emulator.updates import profile as profiles
from mixpress.emulator.updates.operations import CREATING, NotAppliedError, apply
from mixpress.emulator.updates.profile import USER, Key, Profile
from mixpress.emulator.updates.touched import Touched

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from mixpress.emulator.checks import Problem


class Change(NamedTuple):
    """A valid update, ready to be applied."""

    key: Key
    operation: str
    content: Any
    """Of the operation, with its strings cut."""
    ip: str | None
    """The address that gives the profile its location; None leaves it."""
    ignore_time: bool
    """Leave `last_seen`."""
    ignore_alias: bool
    """Change the profile of this id alone, not that of the ids merged with it."""


class State:
    """Profiles as they are after all updates. Any thread may call it.

    They are in the file of `store`, or in a database of their own that is attached to its connection in memory.
    """

    def __init__(self, store: Store | None = None, keep: int = KEEP, max_bytes: int = MAX_MEMORY_BYTES) -> None:
        """Keep at most `keep` profiles and as many merged ids, and in memory at most `max_bytes` of them.

        Beyond, the profiles that were created first are deleted, and the ids that were merged first.
        """
        self._store = Store() if store is None else store
        self._owns_store = store is None
        self._keep = keep
        self._max_bytes = max_bytes
        with self.reading() as connection:
            if self._store.in_memory:
                connection.execute(f"ATTACH ':memory:' AS {profile_schema.ATTACHED}")
                profile_schema.create(connection, profile_schema.ATTACHED)
            self._stored = profile_schema.count_profiles(connection)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection to the profiles, locked within the block."""
        with self._store.locked() as connection:
            yield connection

    def apply(self, changes: Sequence[Change], now_ms: int) -> list[Problem | None]:
        """Apply changes in their order, all in one transaction; return the problem of each that was not applied.

        Raises sqlite3.Error if they cannot be stored; none is applied then.
        """
        with self.reading() as connection, transaction(connection):
            updates = _Updates(connection)
            problems = [updates.apply(change, now_ms) for change in changes]
            stored = self._bound(connection, self._stored + updates.touched.write())
        self._stored = stored
        return problems

    def _bound(self, connection: sqlite3.Connection, stored: int) -> int:
        """Delete the oldest profiles beyond the bounds; return how many are left."""
        excess = max(0, stored - self._keep)
        used = used_bytes(connection, profile_schema.ATTACHED) if self._store.in_memory else 0
        if used > self._max_bytes:
            excess = max(excess, int(stored * (1 - self._max_bytes / used)) + 1)
        if excess:
            profile_schema.drop_profiles(connection, excess)
        return max(0, stored - excess)

    def merge(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Make the ids of each pair one user. Raises sqlite3.Error if that cannot be stored."""
        if not pairs:
            return
        with self.reading() as connection, transaction(connection):
            touched = Touched(connection)
            for first, second in pairs:
                clusters.unite(connection, touched, truncate(first), truncate(second))
            stored = self._stored + touched.write()
            profile_schema.drop_identities(connection, self._keep)
        self._stored = stored

    def profile(self, distinct_id: str) -> Profile | None:
        """Return a user's profile, by any of the user's ids."""
        with self.reading() as connection:
            return profiles.find(connection, (USER, clusters.find(connection, distinct_id)))

    def group(self, key: str, group_id: str) -> Profile | None:
        """Return a group's profile."""
        with self.reading() as connection:
            return profiles.find(connection, (key, group_id))

    def counts(self) -> dict[str, int]:
        """Return the numbers of users' profiles, of groups' profiles and of merged ids."""
        with self.reading() as connection:
            [(users, all_)] = connection.execute("SELECT coalesce(sum(group_key = ''), 0), count(*) FROM profiles")
            [(merged,)] = connection.execute("SELECT count(*) FROM identities")
        return {"profiles": users, "groups": all_ - users, "merged_ids": merged}

    def all(self, *, groups: bool) -> list[Profile]:
        """Return the profiles of all users, or of all groups, in the order in which they were created."""
        test = "!=" if groups else "="
        with self.reading() as connection:
            rows = connection.execute(f"{profiles.SELECT} WHERE group_key {test} '' ORDER BY id").fetchall()
        return list(map(profiles.to_profile, rows))

    def clear(self) -> None:
        """Delete all profiles."""
        with self.reading() as connection, transaction(connection):
            profile_schema.clear(connection)
            self._stored = 0

    def close(self) -> None:
        """Close the store, unless it was given."""
        if self._owns_store:
            self._store.close()


class _Updates:
    """The updates of a request, applied to the profiles that it touches."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._merged = clusters.is_any(connection)
        self.touched = Touched(connection)

    def _key_of(self, change: Change) -> Key:
        group_key, profile_id = change.key
        if not self._merged or change.ignore_alias or group_key != USER:
            return change.key
        return USER, clusters.find(self._connection, profile_id)

    def apply(self, change: Change, now_ms: int) -> Problem | None:
        key = self._key_of(change)
        profile = self.touched.get(key)
        if change.operation == "$delete":
            self.touched.set(key, None)
            return None
        if profile is None:
            if change.operation not in CREATING:
                return None
            profile = Profile(key, created=now_ms)
        try:
            apply(change.operation, change.content, profile.properties)
        except NotAppliedError as error:
            return error.problem
        _note(profile, change, now_ms)
        self.touched.set(key, profile)
        return None


def _note(profile: Profile, change: Change, now_ms: int) -> None:
    profile.updates += 1
    profile.updated = now_ms
    if change.key[0] == USER:
        if not change.ignore_time:
            profile.last_seen = now_ms
        if change.ip is not None:
            profile.ip = change.ip
