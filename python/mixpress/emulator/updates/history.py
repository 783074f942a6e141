"""The last accepted updates, in memory: what made a profile what it is."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from mixpress.emulator.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mixpress.emulator.updates.profile import Key

KEPT_UPDATES = 10_000
KEPT_BYTES = 64_000_000
_ENTRY_BYTES = 300  # of an entry beside its JSON


class AcceptedUpdate(NamedTuple):
    """An update that was applied."""

    key: Key
    """The profile as the update names it, also if the id was merged with others."""
    request: int
    received: int
    """When its request was read, in milliseconds since the epoch."""
    json: bytes
    """The update as it was sent, without its token."""


class History:
    """The last 10,000 accepted updates, or fewer if their JSON has more than 64 MB. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget all updates."""
        with self._lock:
            self._ever = 0
            self._kept: Kept[AcceptedUpdate] = Kept(KEPT_UPDATES, KEPT_BYTES, _size_of)

    def add(self, updates: Sequence[AcceptedUpdate]) -> None:
        """Add updates in their order."""
        with self._lock:
            self._ever += len(updates)
            self._kept.extend(updates)

    def find(self, keys: Collection[Key] | None, request: int | None = None) -> list[dict[str, Any]]:
        """Return the updates of these profiles and this request, or of all, as JSON has them, oldest first."""
        with self._lock:
            kept = list(enumerate(self._kept, self._ever - len(self._kept) + 1))
        return [
            {
                "id": number,
                "request": each.request,
                "received": each.received,
                "endpoint": "/groups" if each.key[0] else "/engage",
                "update": orjson.Fragment(each.json),
            }
            for number, each in kept
            if (keys is None or each.key in keys) and request in {None, each.request}
        ]


def without_token(update: dict[str, Any]) -> bytes:
    """Return the JSON of an update without its token."""
    return memoryview(orjson.dumps({name: value for name, value in update.items() if name != "$token"})).tobytes()


def _size_of(update: AcceptedUpdate) -> int:
    return len(update.json) + _ENTRY_BYTES
