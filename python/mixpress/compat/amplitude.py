"""Calls as those of `amplitude-analytics`, delivered to Mixpanel.

    from amplitude import BaseEvent
    from mixpress.compat.amplitude import Amplitude

    client = Amplitude(mixpress.Client(...))
    client.track(BaseEvent("Signed Up", user_id="user-1", event_properties={"plan": "pro"}))

The events, `Identify`, `Revenue` and `EventOptions` are that library's own objects, or mappings with the names of
Amplitude's HTTP API. `event_from` and `profiles_from` map them, for imports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mixpress
from mixpress.compat.forward import Delivery, OnProfile, Update
from mixpress.compat.mapping import country, identity, insert_id, mapping, milliseconds, person

FIELDS = {
    "adid": "adid",
    "android_id": "android_id",
    "app_version": "$app_version_string",
    "carrier": "$carrier",
    "city": "$city",
    "currency": "currency",
    "device_brand": "$brand",
    "device_manufacturer": "$manufacturer",
    "device_model": "$model",
    "dma": "dma",
    "event_id": "event_id",
    "idfa": "idfa",
    "idfv": "idfv",
    "ip": "ip",
    "ip_address": "ip",
    "language": "language",
    "library": "mp_lib",
    "location_lat": "location_lat",
    "location_lng": "location_lng",
    "os_name": "$os",
    "os_version": "$os_version",
    "partner_id": "partner_id",
    "platform": "platform",
    "price": "price",
    "productId": "productId",
    "product_id": "productId",
    "quantity": "quantity",
    "region": "$region",
    "revenue": "revenue",
    "revenueType": "revenueType",
    "revenue_type": "revenueType",
    "session_id": "session_id",
    "user_agent": "user_agent",
    "version_name": "version_name",
}
"""What an event of Amplitude holds beside its properties, and Mixpanel's names for it."""

REVENUE = {
    f"${name}": name for name in ("currency", "price", "productId", "quantity", "receipt", "receiptSig", "revenue")
}
REVENUE["$revenueType"] = "revenueType"
"""The properties that a `Revenue` gives its event, whose `$` Mixpanel keeps for its own."""

NO_EVENTS = {"$groupidentify", "$identify"}

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
"""What an `Identify` can ask for, and what /engage has for it. `$clearAll` has nothing there."""

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
"""The same for /groups, where nothing is added up."""


def event_from(event: object) -> dict[str, Any] | None:
    """The event as /import takes it; None for one that only updates profiles. What is handed in is not changed."""
    name = _read(event, "event_type")
    if isinstance(name, str) and name in NO_EVENTS:
        return None
    properties = _read(event, "event_properties")
    if properties is not None and not isinstance(properties, Mapping):
        return {"event": name, "properties": properties}
    own = {"time": milliseconds(_first(event, "time", "event_time"))}
    own["$insert_id"] = insert_id(_first(event, "insert_id", "$insert_id"))
    return {
        "event": name,
        "properties": {
            **{field: value for field, value in mapping(_read(event, "user_properties")).items() if not _asks(field)},
            **mapping(_read(event, "groups")),
            **_fields(event),
            **{REVENUE.get(field, field): value for field, value in (properties or {}).items() if value is not None},
            **identity(_read(event, "user_id"), _read(event, "device_id")),
            **{field: value for field, value in own.items() if value is not None},
        },
    }


def profiles_from(event: object) -> list[Update]:
    """The updates of profiles that an event asks for, whether it is an `Identify`'s, a group's or any other."""
    user = identity(_read(event, "user_id"), _read(event, "device_id")).get("distinct_id")
    updates = [
        {"$distinct_id": user, name: change} for name, change in _changes(event, "user_properties", USER_OPERATIONS)
    ]
    for key, id in _groups(event):
        group = {"$group_key": key, "$group_id": id}
        updates += [group | {name: change} for name, change in _changes(event, "group_properties", GROUP_OPERATIONS)]
    return updates


def without_counterpart(event: object) -> set[str]:
    """The operations that an event asks for and Mixpanel's profiles do not have."""
    asked = {"user_properties": USER_OPERATIONS, "group_properties": GROUP_OPERATIONS}
    return {
        name
        for field, operations in asked.items()
        for name in mapping(_read(event, field))
        if _asks(name) and name not in operations
    }


class Amplitude:
    """What `amplitude.Amplitude` is, on a `mixpress.Client`, without plugins and a configuration.

    `on_profile`: called with each update of a profile that the calls ask for.

    None of the methods raises because of what is in an event. An event's own `callback` is not called.
    """

    def __init__(self, client: mixpress.Client, *, on_profile: OnProfile | None = None) -> None:
        self._delivery = Delivery(client, on_profile)

    def track(self, event: object) -> None:
        """Track an event, a `BaseEvent` or a mapping."""
        updates = profiles_from(event)
        if updates:
            self._delivery.update(f"the profile of {_kind(event)}", updates)
        for operation in sorted(without_counterpart(event)):
            self._delivery.leave_out(operation, "Mixpanel's profiles have nothing like it")
        found = event_from(event)
        if found is not None:
            self._delivery.track(found)

    def identify(
        self, identify_obj: Any, event_options: object, event_properties: Mapping[str, Any] | None = None
    ) -> None:
        """Hand what an `Identify` asks for to `on_profile`."""
        self.track(
            {
                "event_type": "$identify",
                "event_properties": event_properties,
                "user_properties": identify_obj.user_properties,
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
        """Hand what an `Identify` asks for a group to `on_profile`."""
        self.track(
            {
                "event_type": "$groupidentify",
                "event_properties": event_properties,
                "user_properties": user_properties,
                "groups": {group_type: group_name},
                "group_properties": identify_obj.user_properties,
                **_ids(event_options),
            }
        )

    def revenue(self, revenue_obj: Any, event_options: object) -> None:
        """Track the event of a `Revenue`, "revenue_amount"; one that is not valid is left out, with a warning."""
        if not revenue_obj.is_valid():
            self._delivery.leave_out("a Revenue", "its price is no float, or its quantity no positive number")
            return
        event = revenue_obj.to_revenue_event()
        event.load_event_options(event_options)
        self.track(event)

    def set_group(self, group_type: str, group_name: str | list[str], event_options: object) -> None:
        """Hand the group of a user to `on_profile`, as a property of the user."""
        self.track(
            {
                "event_type": "$identify",
                "user_properties": {"$set": {group_type: group_name}},
                **_ids(event_options),
            }
        )

    def flush(self) -> list[object]:
        """Wait until every event that was tracked before has its verdict; there is nothing left to wait for then."""
        self._delivery.client.flush()
        return []

    def shutdown(self) -> None:
        """Flush, and close the client."""
        self.flush()
        self._delivery.client.close()


def _read(event: object, name: str) -> Any:
    return event.get(name) if isinstance(event, Mapping) else getattr(event, name, None)


def _first(event: object, *names: str) -> Any:
    return next((value for name in names if (value := _read(event, name)) is not None), None)


def _fields(event: object) -> dict[str, Any]:
    found = {own: value for name, own in FIELDS.items() if (value := _read(event, name)) is not None}
    if found.get("platform") == "Web":  # Amplitude has the browser where other platforms have the system
        found = {{"$os": "$browser", "$os_version": "$browser_version"}.get(own, own): found[own] for own in found}
    if (plan := _read(event, "plan")) is not None:
        found["plan"] = plan if isinstance(plan, Mapping) else plan.get_plan_body()
    if (metadata := _read(event, "ingestion_metadata")) is not None:
        found["ingestion_metadata"] = metadata if isinstance(metadata, Mapping) else metadata.get_body()
    return found | country(_read(event, "country"))


def _groups(event: object) -> list[tuple[str, object]]:
    """Each group of an event: a name, or a list of names."""
    groups = mapping(_read(event, "groups"))
    return [(key, id) for key, ids in groups.items() for id in (ids if isinstance(ids, list) else [ids])]


def _changes(event: object, field: str, operations: Mapping[str, str]) -> list[tuple[str, object]]:
    """What the properties of a user or a group ask for; plain ones are set."""
    given = mapping(_read(event, field))
    plain = {name: value for name, value in given.items() if not _asks(name)}
    asked = [("$set", plain)] if plain else []
    asked += [(name, given[name]) for name in given if name in operations]
    return [(operations[name], _change(operations[name], mapping(values))) for name, values in asked]


def _asks(name: object) -> bool:
    """Whether the name of a property is that of an operation."""
    return isinstance(name, str) and name.startswith("$")


def _change(operation: str, values: Mapping[str, Any]) -> object:
    named = person(values)
    if operation == "$unset":
        return list(named)
    if operation == "$union":
        return {name: value if isinstance(value, list) else [value] for name, value in named.items()}
    return named


def _ids(options: object) -> dict[str, Any]:
    return {name: _read(options, name) for name in ("user_id", "device_id")}


def _kind(event: object) -> str:
    return {"$identify": "an identify", "$groupidentify": "a group_identify"}.get(
        str(_read(event, "event_type")), "an event"
    )
