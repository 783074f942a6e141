"""`Profiles`: updates of user profiles, by /engage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping as Members

__all__ = ["Profiles"]

Result = TypeVar("Result")
"""What a call returns: a `Rejection` or None for a `Client`, and an awaitable of it for an `AsyncClient`."""


class Profiles(Generic[Result]):
    """Queues updates of user profiles, to be sent in the background like the events of `track`.

    Each method checks and writes one update during the call, and returns its `Rejection`, or None. It raises
    `QueueFull` if there is no room and `on_full` says so. With an `AsyncClient` it must be awaited.

    `distinct_id`: the user.
    `ip`: an address for the location of the profile, such as `"203.0.113.9"`. None, the default, leaves the location as
        it is (`$ip` is `"0"`), unless the client has `ip=True`.
    `ignore_time`: whether `$last_seen` stays as it is. None, the default, is True: that a server sends an update is no
        sign of the user.
    """

    def __init__(self, take: Callable[[object], Result]) -> None:
        self._take = take

    def set(
        self,
        distinct_id: str,
        properties: Members[str, object],
        *,
        ip: str | None = None,
        ignore_time: bool | None = None,
    ) -> Result:
        """Set properties, whether the profile has them or not (`$set`)."""
        return self._update(distinct_id, "$set", properties, ip, ignore_time)

    def set_once(
        self,
        distinct_id: str,
        properties: Members[str, object],
        *,
        ip: str | None = None,
        ignore_time: bool | None = None,
    ) -> Result:
        """Set the properties that the profile does not have (`$set_once`)."""
        return self._update(distinct_id, "$set_once", properties, ip, ignore_time)

    def add(
        self, distinct_id: str, numbers: Members[str, float], *, ip: str | None = None, ignore_time: bool | None = None
    ) -> Result:
        """Add numbers to properties; one that the profile does not have is 0 before (`$add`).

        What is sent twice counts twice, so it is sent again only if the server surely has not taken it.
        """
        return self._update(distinct_id, "$add", numbers, ip, ignore_time)

    def union(
        self,
        distinct_id: str,
        lists: Members[str, Iterable[object]],
        *,
        ip: str | None = None,
        ignore_time: bool | None = None,
    ) -> Result:
        """Add to lists the values that they do not have (`$union`): name -> values."""
        return self._update(distinct_id, "$union", lists_of(lists), ip, ignore_time)

    def append(
        self, distinct_id: str, values: Members[str, object], *, ip: str | None = None, ignore_time: bool | None = None
    ) -> Result:
        """Append a value to each of these lists (`$append`): name -> value.

        What is sent twice counts twice, so it is sent again only if the server surely has not taken it.
        """
        return self._update(distinct_id, "$append", values, ip, ignore_time)

    def remove(
        self, distinct_id: str, values: Members[str, object], *, ip: str | None = None, ignore_time: bool | None = None
    ) -> Result:
        """Remove a value from each of these lists (`$remove`): name -> value."""
        return self._update(distinct_id, "$remove", values, ip, ignore_time)

    def unset(
        self, distinct_id: str, names: Iterable[str], *, ip: str | None = None, ignore_time: bool | None = None
    ) -> Result:
        """Remove the properties with these names (`$unset`)."""
        return self._update(distinct_id, "$unset", names_of(names), ip, ignore_time)

    def delete(self, distinct_id: str, *, ignore_alias: bool = False) -> Result:
        """Delete the profile (`$delete`). `ignore_alias`: that of this id itself, also if the id is an alias."""
        update = {"$distinct_id": distinct_id, "$delete": ""}
        return self._take({**update, "$ignore_alias": True} if ignore_alias else update)

    def _update(
        self, distinct_id: str, operation: str, value: object, ip: str | None, ignore_time: bool | None
    ) -> Result:
        update: dict[str, object] = {"$distinct_id": distinct_id, operation: value}
        if ip is not None:
            update["$ip"] = ip
        if ignore_time is not None:
            update["$ignore_time"] = ignore_time
        return self._take(update)


def names_of(names: object) -> object:
    """Return names as a list. The encoder rejects a text, whose characters would be names here, and what has none."""
    return list(names) if isinstance(names, Iterable) and not isinstance(names, str | bytes) else names


def lists_of(lists: object) -> object:
    """Return the values of each name as a list. The encoder rejects values that are a text or a mapping."""
    if not isinstance(lists, Mapping):
        return lists
    return {name: values if isinstance(values, Mapping) else names_of(values) for name, values in lists.items()}
