"""The profiles that a request changes: each is read once and written once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpress.emulator.updates import profile as profiles
from mixpress.emulator.updates.operations import finish

if TYPE_CHECKING:
    import sqlite3

    from mixpress.emulator.updates.profile import Key, Profile


class Touched:
    """Profiles by their keys, as the request has changed them so far."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._profiles: dict[Key, Profile | None] = {}
        self._existing: set[Key] = set()

    def get(self, key: Key) -> Profile | None:
        """Return a profile, or None."""
        if key not in self._profiles:
            self._profiles[key] = found = profiles.find(self._connection, key)
            if found is not None:
                self._existing.add(key)
        return self._profiles[key]

    def set(self, key: Key, profile: Profile | None) -> None:
        """Replace a profile that was read; None deletes it."""
        self._profiles[key] = profile

    def write(self) -> int:
        """Write the profiles; return by how many there are more of them."""
        more = 0
        for key, profile in self._profiles.items():
            if profile is not None:
                profile.properties = finish(profile.properties)
                profiles.write(self._connection, profile)
                more += key not in self._existing
            elif key in self._existing:
                profiles.delete(self._connection, key)
                more -= 1
        return more
