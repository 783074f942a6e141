"""The API of `amplitude-analytics`, delivered to Mixpanel.

    from amplitude import BaseEvent
    from mixpress.compat.amplitude import Amplitude

    client = Amplitude(mixpress.Client(...))
    client.track(BaseEvent("Signed Up", user_id="user-1", event_properties={"plan": "pro"}))

Events, `Identify`, `Revenue` and `EventOptions` are that library's own objects, or mappings with the names of
Amplitude's HTTP API. `event_from` and `profiles_from` convert them for imports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mixpress
from mixpress.compat.forward import Forwarder, OnProfile, Update
from mixpress.files.vendors.amplitude import event_of_object, is_operation, read
from mixpress.files.vendors.values import (
    as_id,
    has_id,
    identity,
    mapping,
    person,
)

USER_OPERATIONS = {
    "$add": "$add",
    "$append": "$append",
    "$postInsert": "$union",
    "$preInsert": "$union",
    "$prepend": "$append",
    "$remove": "$remove",
    "$set": "$set",
    "$setOnce": "$set_once",
    "$unset": "$unset",
}
"""Operations of an `Identify`, and their counterparts at /engage. `$clearAll` has none."""

GROUP_OPERATIONS = {
    "$append": "$union",
    "$postInsert": "$union",
    "$preInsert": "$union",
    "$prepend": "$union",
    "$remove": "$remove",
    "$set": "$set",
    "$setOnce": "$set_once",
    "$unset": "$unset",
}
"""The same for /groups, which has no `$add`."""


def event_from(event: object) -> dict[str, Any] | None:
    """Return the event in the form of /import; None for one that only updates profiles. The input is not modified."""
    return event_of_object(event)


def profiles_from(event: object) -> list[Update]:
    """Return the profile updates in any kind of event, including `Identify` and group events; none without an id."""
    return list(filter(has_id, _updates(event)))


def _updates(event: object) -> list[Update]:
    """Return the updates, also those without an id."""
    user = identity(read(event, "user_id"), read(event, "device_id")).get("distinct_id")
    updates = [
        {"$distinct_id": user, name: change} for name, change in _changes(event, "user_properties", USER_OPERATIONS)
    ]
    for key, id in _groups(event):
        group = {"$group_key": key, "$group_id": id}
        updates += [group | {name: change} for name, change in _changes(event, "group_properties", GROUP_OPERATIONS)]
    return updates


def without_counterpart(event: object) -> set[str]:
    """Return the event's profile operations that Mixpanel does not have."""
    supported = {"user_properties": USER_OPERATIONS, "group_properties": GROUP_OPERATIONS}
    return {
        name
        for field, operations in supported.items()
        for name in mapping(read(event, field))
        if is_operation(name) and name not in operations
    }


class Amplitude:
    """`amplitude.Amplitude` on a `mixpress.Client`, without plugins and configuration.

    `on_profile`: called with each profile update, which is then not sent.

    No method raises because of an event's contents. An event's own `callback` is not called.
    """

    def __init__(self, client: mixpress.Client, *, on_profile: OnProfile | None = None) -> None:
        self._forwarder = Forwarder(client, on_profile)

    def track(self, event: object) -> None:
        """Track an event, a `BaseEvent` or a mapping."""
        no_updates: list[Update] = []
        updates = self._forwarder.convert(lambda: _updates(event), no_updates)
        if updates:
            self._forwarder.update(f"the profile of {_kind(event)}", updates)
        unsupported: set[str] = set()
        for operation in sorted(self._forwarder.convert(lambda: without_counterpart(event), unsupported)):
            lacking = "profiles of groups" if operation in USER_OPERATIONS else "profiles"
            self._forwarder.ignore(operation, f"Mixpanel's {lacking} have no such operation")
        unreadable: dict[str, Any] | None = {"event": None, "properties": None}
        converted = self._forwarder.convert(lambda: event_from(event), unreadable)
        if converted is not None:
            self._forwarder.track(converted)

    def identify(
        self, identify_obj: Any, event_options: object, event_properties: Mapping[str, Any] | None = None
    ) -> None:
        """Apply the operations of an `Identify` to the user's profile."""
        self.track(
            {
                "event_type": "$identify",
                "event_properties": event_properties,
                "user_properties": read(identify_obj, "user_properties"),
                **_ids(event_options),
            }
        )

    def group_identify(
        self,
        group_type: str,
        group_name: str,
        identify_obj: Any,
        event_options: object = None,
        event_properties: Mapping[str, Any] | None = None,
        user_properties: Mapping[str, Any] | None = None,
    ) -> None:
        """Apply the operations of a group's `Identify` to the group's profile."""
        self.track(
            {
                "event_type": "$groupidentify",
                "event_properties": event_properties,
                "user_properties": user_properties,
                "groups": {group_type: group_name},
                "group_properties": read(identify_obj, "user_properties"),
                **_ids(event_options),
            }
        )

    def revenue(self, revenue_obj: Any, event_options: object) -> None:
        """Track a `Revenue` as the event "revenue_amount"; an invalid one is ignored, with a warning."""
        if not revenue_obj.is_valid():
            self._forwarder.ignore("a Revenue", "its price must be a float and its quantity a positive number")
            return
        event = revenue_obj.to_revenue_event()
        event.load_event_options(event_options)
        self.track(event)

    def set_group(self, group_type: str, group_name: str | list[str], event_options: object) -> None:
        """Set the user's group, as a property of the user's profile."""
        self.track(
            {
                "event_type": "$identify",
                "user_properties": {"$set": {group_type: group_name}},
                **_ids(event_options),
            }
        )

    def flush(self) -> list[object]:
        """Wait until every event tracked so far has a verdict. Return an empty list: no future is left to wait for."""
        self._forwarder.client.flush()
        return []

    def shutdown(self) -> None:
        """Flush and close the client."""
        self.flush()
        self._forwarder.client.close()


def _groups(event: object) -> list[tuple[str, object]]:
    """Return the (key, id) of each group of an event; Amplitude gives one id or a list."""
    groups = mapping(read(event, "groups"))
    return [(key, as_id(id)) for key, ids in groups.items() for id in (ids if isinstance(ids, list) else [ids])]


def _changes(event: object, field: str, operations: Mapping[str, str]) -> list[tuple[str, object]]:
    """Return the operations on a user or a group; plain properties are set."""
    given = mapping(read(event, field))
    plain = {name: value for name, value in given.items() if not is_operation(name)}
    changes = [("$set", plain)] if plain else []
    changes += [(name, given[name]) for name in given if name in operations]
    return [
        (operations[name], change)
        for name, values in changes
        for change in _changes_of(operations[name], person(mapping(values)))
    ]


def _changes_of(operation: str, values: dict[str, Any]) -> list[object]:
    """Return what the updates of one operation change: several, as Mixpanel appends and removes one value at a time."""
    if operation == "$unset":
        return [list(values)]
    if operation == "$union":
        return [{name: value if isinstance(value, list) else [value] for name, value in values.items()}]
    if operation not in ("$append", "$remove") or not any(isinstance(value, list) for value in values.values()):
        return [values]
    lists = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
    return [{name: each} for name, elements in lists.items() for each in elements]


def _ids(options: object) -> dict[str, Any]:
    return {name: read(options, name) for name in ("user_id", "device_id")}


def _kind(event: object) -> str:
    return {"$identify": "an identify", "$groupidentify": "a group_identify"}.get(
        str(read(event, "event_type")), "an event"
    )
