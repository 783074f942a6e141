"""`Groups`: updates of the profiles of groups, by /groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from mixpress.client.profiles import Result, lists_of, names_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from collections.abc import Mapping as Members

__all__ = ["Groups"]


class Groups(Generic[Result]):
    """Queues updates of the profiles of groups with one group key, such as `"company"`, as `Profiles` does for users.

    `group_id`: the group: the value that its events have in the property `group_key`.
    """

    def __init__(self, group_key: str, take: Callable[[object], Result]) -> None:
        self._group_key = group_key
        self._take = take

    def set(self, group_id: str, properties: Members[str, object]) -> Result:
        """Set properties, whether the profile has them or not (`$set`)."""
        return self._update(group_id, "$set", properties)

    def set_once(self, group_id: str, properties: Members[str, object]) -> Result:
        """Set the properties that the profile does not have (`$set_once`)."""
        return self._update(group_id, "$set_once", properties)

    def union(self, group_id: str, lists: Members[str, Iterable[object]]) -> Result:
        """Add to lists the values that they do not have (`$union`): name -> values."""
        return self._update(group_id, "$union", lists_of(lists))

    def remove(self, group_id: str, values: Members[str, object]) -> Result:
        """Remove a value from each of these lists (`$remove`): name -> value."""
        return self._update(group_id, "$remove", values)

    def unset(self, group_id: str, names: Iterable[str]) -> Result:
        """Remove the properties with these names (`$unset`)."""
        return self._update(group_id, "$unset", names_of(names))

    def delete(self, group_id: str) -> Result:
        """Delete the profile (`$delete`)."""
        return self._update(group_id, "$delete", "")

    def _update(self, group_id: str, operation: str, value: object) -> Result:
        return self._take({"$group_key": self._group_key, "$group_id": group_id, operation: value})
