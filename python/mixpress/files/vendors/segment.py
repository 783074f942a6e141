"""Segment: the messages of its spec, as its libraries send and its archives keep them.

https://segment.com/docs/connections/spec/common
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mixpress.files.vendors.not_an_event import NotAnEvent
from mixpress.files.vendors.reading import object_of
from mixpress.files.vendors.values import (
    country,
    extract,
    first_known,
    identity,
    known,
    mapping,
    present,
    time_and_insert_id,
    without_time,
)

CONTEXT = {
    "$app_build_number": ("app", "build"),
    "$app_name": ("app", "name"),
    "$app_namespace": ("app", "namespace"),
    "$app_version_string": ("app", "version"),
    "$bluetooth_enabled": ("network", "bluetooth"),
    "$carrier": ("network", "carrier"),
    "$cellular_enabled": ("network", "cellular"),
    "$city": ("location", "city"),
    "$current_url": ("page", "url"),
    "$device": ("device", "name"),
    "$device_type": ("device", "type"),
    "$group_id": ("groupId",),
    "$lib_version": ("library", "version"),
    "$locale": ("locale",),
    "$manufacturer": ("device", "manufacturer"),
    "$model": ("device", "model"),
    "$os": ("os", "name"),
    "$os_version": ("os", "version"),
    "$referrer": ("page", "referrer"),
    "$region": ("location", "region"),
    "$screen_density": ("screen", "density"),
    "$screen_height": ("screen", "height"),
    "$screen_width": ("screen", "width"),
    "$wifi": ("network", "wifi"),
    "ip": ("ip",),
    "user_agent": ("userAgent",),
    "utm_campaign": ("campaign", "name"),
    "utm_content": ("campaign", "content"),
    "utm_medium": ("campaign", "medium"),
    "utm_source": ("campaign", "source"),
    "utm_term": ("campaign", "term"),
}
"""Mixpanel's properties, and their paths in a message's `context`."""

TIMES = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")
"""The times of a message, the most reliable one first."""

TYPES = ("track", "page", "screen", "identify", "group", "alias")

NAMES = {"page": "Loaded a Page", "screen": "Loaded a Screen"}
"""Names of the events of pages and screens that have no name."""


def event_of(record: Any) -> dict[str, Any] | None:
    """Return the event of a message; None for `identify`, `group` and `alias`, which update profiles."""
    message = object_of(record, "type")
    if message["type"] not in TYPES:
        raise NotAnEvent(f"its type is {message['type']!r:.60}; Segment has {', '.join(TYPES)}")
    return event_of_message(message)


def event_of_message(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the event of a `track`, `page` or `screen` message, in the form of /import.

    None for other messages, and if the message's `integrations` disable Mixpanel. The message is not modified.
    """
    kind = message.get("type")
    if kind not in ("track", "page", "screen") or disables_mixpanel(message.get("integrations")):
        return None
    name = message.get("event") if kind == "track" else _view_name(kind, message.get("name"))
    properties = message.get("properties")
    if properties is not None and not isinstance(properties, Mapping):
        return {"event": name, "properties": properties}
    context = mapping(message.get("context"))
    device = first_known(message.get("anonymousId"), mapping(context.get("device")).get("id"))
    return {
        "event": name,
        "properties": {
            **_properties_of(context),
            **present({field: message.get(field) for field in ("name", "category")}),
            **without_time(mapping(properties)),
            **identity(message.get("userId"), device),
            **time_and_insert_id(first_known(*(message.get(name) for name in TIMES)), message.get("messageId")),
        },
    }


def _view_name(kind: str, name: object) -> str:
    return f"Viewed {name}" if known(name) else NAMES[kind]


def _properties_of(context: Mapping[str, Any]) -> dict[str, Any]:
    library = mapping(context.get("library")).get("name")
    source = {} if library is None else {"mp_lib": f"Segment: {library}"}
    return extract(context, CONTEXT) | country(mapping(context.get("location")).get("country")) | source


def disables_mixpanel(integrations: object) -> bool:
    """Return whether a message is not meant for Mixpanel."""
    wanted = mapping(integrations)
    return wanted.get("Mixpanel", wanted.get("All")) is False
