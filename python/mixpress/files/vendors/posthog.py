"""PostHog: the messages of its libraries, and the files of its batch exports.

https://posthog.com/docs/cdp/batch-exports/s3
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mixpress.files.vendors.reading import object_of, parsed
from mixpress.files.vendors.values import (
    first_known,
    identity,
    known,
    mapping,
    missing,
    time_and_insert_id,
    without_time,
)

RENAMED = {
    "$app_build": "$app_build_number",
    "$app_version": "$app_version_string",
    "$device_manufacturer": "$manufacturer",
    "$device_model": "$model",
    "$device_name": "$device",
    "$geoip_city_name": "$city",
    "$geoip_country_code": "mp_country_code",
    "$geoip_latitude": "$latitude",
    "$geoip_longitude": "$longitude",
    "$geoip_subdivision_1_name": "$region",
    "$ip": "ip",
    "$lib": "mp_lib",
    "$network_carrier": "$carrier",
    "$network_wifi": "$wifi",
}
"""PostHog's properties and Mixpanel's other names for them. The rest, such as `$current_url`, has one name in both."""

DROPPED = ("$geoip_disable", "$groups", "$process_person_profile", "$set", "$set_once", "$unset", "token")
"""Properties that are instructions to PostHog rather than data of the event."""

DROPPED_PREFIXES = (
    "$active_feature_flags",
    "$feature/",
    "$feature_flag_",
    "$replay_",
    "$sdk_debug",
    "$session_recording",
)
"""Name prefixes of properties that only PostHog's other products read."""

NO_EVENTS = {
    "$create_alias",
    "$feature_flag_called",
    "$groupidentify",
    "$identify",
    "$merge_dangerously",
    "$set",
    "$set_once",
}
"""Messages about persons, groups and feature flags, which are not events."""


def event_of(record: Any) -> dict[str, Any] | None:
    """Return the event of a message, or of a row of an export, whose properties may be JSON text.

    None for a record of a person, a group or a feature flag.
    """
    row = object_of(record, "event")
    return event_of_message(row | {"properties": parsed(row.get("properties"))})


def event_of_message(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the event in a message, in the form of /import; None if it has none. The message is not modified."""
    name = message.get("event", "")
    if isinstance(name, str) and name in NO_EVENTS:
        return None
    properties = message.get("properties")
    if properties is not None and not isinstance(properties, Mapping):
        return {"event": name, "properties": properties}
    given = mapping(properties)
    return {
        "event": name,
        "properties": {
            **without_time(mapping(given.get("$groups"))),
            **without_time(_renamed(given)),
            **identity_of(message.get("distinct_id"), given),
            **time_and_insert_id(message.get("timestamp"), message.get("uuid")),
        },
    }


def identity_of(distinct_id: object, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ids of an event: a device's if it has no person profile or no other id, else a person's."""
    device = properties.get("$device_id")
    anonymous = properties.get("$process_person_profile") is False or (known(device) and distinct_id == device)
    return (
        identity(None, first_known(device, distinct_id))
        if anonymous
        else identity(first_known(properties.get("$user_id"), distinct_id), device)
    )


def _renamed(properties: Mapping[str, Any]) -> dict[str, Any]:
    renamed = {
        RENAMED.get(name, name): value
        for name, value in properties.items()
        if name not in DROPPED and not (isinstance(name, str) and name.startswith(DROPPED_PREFIXES))
    }
    no_location = properties.get("$geoip_disable")
    if not missing(no_location) and no_location:
        renamed.pop("ip", None)
    return renamed
