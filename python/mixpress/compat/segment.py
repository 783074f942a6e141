"""Calls as those of `segment-analytics-python`, delivered to Mixpanel.

    from mixpress.compat import segment as analytics

    analytics.configure(mixpress.Client(...))
    analytics.track("user-1", "Signed Up", {"plan": "pro"})

`event_from_message` and `profiles_from_message` map whole messages of Segment, for imports.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import mixpress
from mixpress.compat.forward import Delivery, OnProfile, Update
from mixpress.compat.mapping import as_id, country, identity, insert_id, known, mapping, milliseconds, person, taken
from mixpress.queues.event import new_insert_id

Message = dict[str, Any]

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
"""Mixpanel's properties, and where a message's `context` has them."""

NAMES = {"page": "Loaded a Page", "screen": "Loaded a Screen"}
"""The events of pages and screens that have no name."""


def event_from_message(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """The event of a `track`, `page` or `screen` message, as /import takes it.

    None for other messages, and where the message's `integrations` switch Mixpanel off. The message is not changed.
    """
    kind = message.get("type")
    if kind not in ("track", "page", "screen") or _switched_off(message.get("integrations")):
        return None
    name = message.get("event") if kind == "track" else _seen(kind, message.get("name"))
    properties = message.get("properties")
    if properties is not None and not isinstance(properties, Mapping):
        return {"event": name, "properties": properties}
    context = mapping(message.get("context"))
    device = message.get("anonymousId") or mapping(context.get("device")).get("id")
    own = {"time": milliseconds(message.get("timestamp")), "$insert_id": insert_id(message.get("messageId"))}
    return {
        "event": name,
        "properties": {
            **_properties_of(context),
            **{field: message[field] for field in ("name", "category") if message.get(field) is not None},
            **(properties or {}),
            **identity(message.get("userId"), device),
            **{field: value for field, value in own.items() if value is not None},
        },
    }


def profiles_from_message(message: Mapping[str, Any], group_key: str = "$group_id") -> list[Update]:
    """The updates of profiles that an `identify` or `group` message asks for; none for other messages."""
    traits = mapping(message.get("traits"))
    kind = message.get("type")
    if not traits or kind not in ("identify", "group") or _switched_off(message.get("integrations")):
        return []
    if kind == "group":
        return [{"$group_key": group_key, "$group_id": as_id(message.get("groupId")), "$set": person(traits)}]
    ids = identity(message.get("userId"), message.get("anonymousId"))
    address = mapping(message.get("context")).get("ip")
    update = {"$distinct_id": ids.get("distinct_id"), "$ip": address, "$set": person(traits)}
    return [{name: value for name, value in update.items() if value is not None}]


class Client:
    """What `segment.analytics.Client` is, on a `mixpress.Client`.

    `on_profile`: called with each update of a profile that `identify` and `group` ask for.
    `group_key`: the group key of the Mixpanel project that `group` is about.

    The methods return whether the call was taken, and the message. None raises because of what is in an event.
    """

    def __init__(
        self, client: mixpress.Client, *, on_profile: OnProfile | None = None, group_key: str = "$group_id"
    ) -> None:
        self._delivery = Delivery(client, on_profile)
        self._group_key = group_key

    def track(
        self,
        user_id: object = None,
        event: object = None,
        properties: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        timestamp: datetime | None = None,
        anonymous_id: object = None,
        integrations: Mapping[str, Any] | None = None,
        message_id: object = None,
    ) -> tuple[bool, Message]:
        """Track an event of a user, or of a device that is known by an `anonymous_id`, or of both."""
        message = _message("track", context, timestamp, integrations, message_id)
        return self._send(message | _ids(user_id, anonymous_id) | {"event": event, "properties": properties or {}})

    def page(
        self,
        user_id: object = None,
        category: str | None = None,
        name: str | None = None,
        properties: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        timestamp: datetime | None = None,
        anonymous_id: object = None,
        integrations: Mapping[str, Any] | None = None,
        message_id: object = None,
    ) -> tuple[bool, Message]:
        """Track that a page was seen: the event "Viewed" and its name, or "Loaded a Page"."""
        message = _message("page", context, timestamp, integrations, message_id)
        seen = {"category": category, "name": name, "properties": properties or {}}
        return self._send(message | _ids(user_id, anonymous_id) | seen)

    def screen(
        self,
        user_id: object = None,
        category: str | None = None,
        name: str | None = None,
        properties: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        timestamp: datetime | None = None,
        anonymous_id: object = None,
        integrations: Mapping[str, Any] | None = None,
        message_id: object = None,
    ) -> tuple[bool, Message]:
        """Track that a screen was seen: the event "Viewed" and its name, or "Loaded a Screen"."""
        message = _message("screen", context, timestamp, integrations, message_id)
        seen = {"category": category, "name": name, "properties": properties or {}}
        return self._send(message | _ids(user_id, anonymous_id) | seen)

    def identify(
        self,
        user_id: object = None,
        traits: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        timestamp: datetime | None = None,
        anonymous_id: object = None,
        integrations: Mapping[str, Any] | None = None,
        message_id: object = None,
    ) -> tuple[bool, Message]:
        """Hand the traits to `on_profile`. It links no ids: the next event that has both does."""
        message = _message("identify", context, timestamp, integrations, message_id)
        return self._update(message | _ids(user_id, anonymous_id) | {"traits": traits or {}})

    def group(
        self,
        user_id: object = None,
        group_id: object = None,
        traits: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        timestamp: datetime | None = None,
        anonymous_id: object = None,
        integrations: Mapping[str, Any] | None = None,
        message_id: object = None,
    ) -> tuple[bool, Message]:
        """Hand the group's traits to `on_profile`. An event belongs to a group by its own properties."""
        message = _message("group", context, timestamp, integrations, message_id)
        return self._update(message | _ids(user_id, anonymous_id) | {"groupId": group_id, "traits": traits or {}})

    def alias(
        self,
        previous_id: object = None,
        user_id: object = None,
        context: Mapping[str, Any] | None = None,
        timestamp: datetime | None = None,
        integrations: Mapping[str, Any] | None = None,
        message_id: object = None,
    ) -> tuple[bool, Message]:
        """Left out, with one warning in the log: Mixpanel links ids by events that have both."""
        self._delivery.leave_out("alias", "Mixpanel links the two ids by an event with a user_id and an anonymous_id")
        message = _message("alias", context, timestamp, integrations, message_id)
        return False, message | {"userId": as_id(user_id), "previousId": as_id(previous_id)}

    def flush(self) -> None:
        """Wait until every event that was tracked before has its verdict."""
        self._delivery.client.flush()

    def join(self) -> None:
        """As `flush`: the threads end with the `mixpress.Client`."""
        self.flush()

    def shutdown(self) -> None:
        """Flush, and close the client."""
        self.flush()
        self._delivery.client.close()

    def _send(self, message: Message) -> tuple[bool, Message]:
        event = event_from_message(message)
        return event is None or self._delivery.track(event), message

    def _update(self, message: Message) -> tuple[bool, Message]:
        updates = profiles_from_message(message, self._group_key)
        return not updates or self._delivery.update(message["type"], updates), message


default_client: Client | None = None
"""What the functions of this module call."""


def configure(client: mixpress.Client, *, on_profile: OnProfile | None = None, group_key: str = "$group_id") -> Client:
    """Make the client that the functions of this module call; the arguments are those of `Client`."""
    global default_client  # noqa: PLW0603 - as in the library whose calls these are
    default_client = Client(client, on_profile=on_profile, group_key=group_key)
    return default_client


def track(*args: Any, **kwargs: Any) -> tuple[bool, Message]:
    """`Client.track` of the client that was configured, as the rest of these functions."""
    return _configured().track(*args, **kwargs)


def page(*args: Any, **kwargs: Any) -> tuple[bool, Message]:
    """`Client.page`."""
    return _configured().page(*args, **kwargs)


def screen(*args: Any, **kwargs: Any) -> tuple[bool, Message]:
    """`Client.screen`."""
    return _configured().screen(*args, **kwargs)


def identify(*args: Any, **kwargs: Any) -> tuple[bool, Message]:
    """`Client.identify`."""
    return _configured().identify(*args, **kwargs)


def group(*args: Any, **kwargs: Any) -> tuple[bool, Message]:
    """`Client.group`."""
    return _configured().group(*args, **kwargs)


def alias(*args: Any, **kwargs: Any) -> tuple[bool, Message]:
    """`Client.alias`."""
    return _configured().alias(*args, **kwargs)


def flush() -> None:
    """`Client.flush`."""
    _configured().flush()


def join() -> None:
    """`Client.join`."""
    _configured().join()


def shutdown() -> None:
    """`Client.shutdown`."""
    _configured().shutdown()


def _configured() -> Client:
    if default_client is None:
        raise RuntimeError("mixpress.compat.segment has no client yet: call configure(mixpress.Client(...)) first")
    return default_client


def _message(
    kind: str,
    context: Mapping[str, Any] | None,
    timestamp: datetime | None,
    integrations: Mapping[str, Any] | None,
    message_id: object,
) -> Message:
    return {
        "type": kind,
        "integrations": integrations or {},
        "context": context or {},
        "timestamp": timestamp,
        "messageId": new_insert_id() if message_id is None else str(message_id),
    }


def _ids(user_id: object, anonymous_id: object) -> Message:
    return {"userId": as_id(user_id), "anonymousId": as_id(anonymous_id)}


def _seen(kind: str, name: object) -> str:
    return f"Viewed {name}" if known(name) else NAMES[kind]


def _properties_of(context: Mapping[str, Any]) -> dict[str, Any]:
    library = mapping(context.get("library")).get("name")
    source = {} if library is None else {"mp_lib": f"Segment: {library}"}
    return taken(context, CONTEXT) | country(mapping(context.get("location")).get("country")) | source


def _switched_off(integrations: object) -> bool:
    wanted = mapping(integrations)
    return wanted.get("Mixpanel", wanted.get("All")) is False
