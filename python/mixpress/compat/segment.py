"""The API of `segment-analytics-python`, delivered to Mixpanel.

    from mixpress.compat import segment as analytics

    analytics.configure(mixpress.Client(...))
    analytics.track("user-1", "Signed Up", {"plan": "pro"})

`event_from_message` and `profiles_from_message` convert whole Segment messages for imports.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import mixpress
from mixpress.compat.forward import Forwarder, OnProfile, Update
from mixpress.compat.mapping import (
    as_id,
    country,
    extract,
    first_known,
    has_id,
    identity,
    known,
    mapping,
    missing,
    person,
    present,
    time_and_insert_id,
    without_time,
)
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
"""Mixpanel's properties, and their paths in a message's `context`."""

NAMES = {"page": "Loaded a Page", "screen": "Loaded a Screen"}
"""Names of the events of pages and screens that have no name."""


def event_from_message(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the event of a `track`, `page` or `screen` message, in the form of /import.

    None for other messages, and if the message's `integrations` disable Mixpanel. The message is not modified.
    """
    kind = message.get("type")
    if kind not in ("track", "page", "screen") or _disables_mixpanel(message.get("integrations")):
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
            **time_and_insert_id(message.get("timestamp"), message.get("messageId")),
        },
    }


def profiles_from_message(message: Mapping[str, Any], group_key: str = "$group_id") -> list[Update]:
    """Return the profile updates of an `identify` or `group` message; none for other messages, and without an id."""
    return list(filter(has_id, _updates(message, group_key)))


def _updates(message: Mapping[str, Any], group_key: str) -> list[Update]:
    """Return the updates, also those without an id."""
    traits = mapping(message.get("traits"))
    kind = message.get("type")
    if not traits or kind not in ("identify", "group") or _disables_mixpanel(message.get("integrations")):
        return []
    if kind == "group":
        return [{"$group_key": group_key, "$group_id": as_id(message.get("groupId")), "$set": person(traits)}]
    ids = identity(message.get("userId"), message.get("anonymousId"))
    address = mapping(message.get("context")).get("ip")
    update = {"$distinct_id": ids.get("distinct_id"), "$ip": address, "$set": person(traits)}
    return [present(update)]


class Client:
    """`segment.analytics.Client` on a `mixpress.Client`.

    `on_profile`: called with each profile update of `identify` and `group`.
    `group_key`: the Mixpanel project's group key for `group`.

    The methods return whether the call was accepted, and the message. No method raises because of an event's contents.
    """

    def __init__(
        self, client: mixpress.Client, *, on_profile: OnProfile | None = None, group_key: str = "$group_id"
    ) -> None:
        self._forwarder = Forwarder(client, on_profile)
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
        """Track an event of a user, of a device (`anonymous_id`), or of both."""
        message = _message("track", context, timestamp, integrations, message_id)
        return self._send(message | _ids(user_id, anonymous_id) | {"event": event, "properties": _given(properties)})

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
        """Track a page view as the event "Viewed {name}", or "Loaded a Page" without a name."""
        message = _message("page", context, timestamp, integrations, message_id)
        view = {"category": category, "name": name, "properties": _given(properties)}
        return self._send(message | _ids(user_id, anonymous_id) | view)

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
        """Track a screen view as the event "Viewed {name}", or "Loaded a Screen" without a name."""
        message = _message("screen", context, timestamp, integrations, message_id)
        view = {"category": category, "name": name, "properties": _given(properties)}
        return self._send(message | _ids(user_id, anonymous_id) | view)

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
        """Pass the traits to `on_profile`. This links no ids; the next event with both ids does."""
        message = _message("identify", context, timestamp, integrations, message_id)
        return self._update(message | _ids(user_id, anonymous_id) | {"traits": _given(traits)})

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
        """Pass the group's traits to `on_profile`. An event joins a group by its properties, not by this call."""
        message = _message("group", context, timestamp, integrations, message_id)
        return self._update(message | _ids(user_id, anonymous_id) | {"groupId": group_id, "traits": _given(traits)})

    def alias(
        self,
        previous_id: object = None,
        user_id: object = None,
        context: Mapping[str, Any] | None = None,
        timestamp: datetime | None = None,
        integrations: Mapping[str, Any] | None = None,
        message_id: object = None,
    ) -> tuple[bool, Message]:
        """Do nothing, with one warning in the log: Mixpanel links ids by events that have both."""
        self._forwarder.ignore("alias", "Mixpanel links the two ids by an event with a user_id and an anonymous_id")
        message = _message("alias", context, timestamp, integrations, message_id)
        return False, message | {"userId": as_id(user_id), "previousId": as_id(previous_id)}

    def flush(self) -> None:
        """Wait until every event tracked so far has a verdict."""
        self._forwarder.client.flush()

    def join(self) -> None:
        """Do the same as `flush`; the threads end with the `mixpress.Client`."""
        self.flush()

    def shutdown(self) -> None:
        """Flush and close the client."""
        self.flush()
        self._forwarder.client.close()

    def _send(self, message: Message) -> tuple[bool, Message]:
        unreadable: dict[str, Any] | None = {"event": message.get("event"), "properties": None}
        event = self._forwarder.convert(lambda: event_from_message(message), unreadable)
        return event is None or self._forwarder.track(event), message

    def _update(self, message: Message) -> tuple[bool, Message]:
        unreadable: list[Update] = [{"$distinct_id": None}]
        updates = self._forwarder.convert(lambda: _updates(message, self._group_key), unreadable)
        return not updates or self._forwarder.update(message["type"], updates), message


default_client: Client | None = None
"""The client that the functions of this module call."""


def configure(client: mixpress.Client, *, on_profile: OnProfile | None = None, group_key: str = "$group_id") -> Client:
    """Create and return the client that the functions of this module call; the arguments are those of `Client`."""
    global default_client  # noqa: PLW0603 - the original library has a module-level client too
    default_client = Client(client, on_profile=on_profile, group_key=group_key)
    return default_client


def track(*args: Any, **kwargs: Any) -> tuple[bool, Message]:
    """Call `Client.track` of the configured client, as the following functions call theirs."""
    return _configured().track(*args, **kwargs)


def page(*args: Any, **kwargs: Any) -> tuple[bool, Message]:
    """Call `Client.page`."""
    return _configured().page(*args, **kwargs)


def screen(*args: Any, **kwargs: Any) -> tuple[bool, Message]:
    """Call `Client.screen`."""
    return _configured().screen(*args, **kwargs)


def identify(*args: Any, **kwargs: Any) -> tuple[bool, Message]:
    """Call `Client.identify`."""
    return _configured().identify(*args, **kwargs)


def group(*args: Any, **kwargs: Any) -> tuple[bool, Message]:
    """Call `Client.group`."""
    return _configured().group(*args, **kwargs)


def alias(*args: Any, **kwargs: Any) -> tuple[bool, Message]:
    """Call `Client.alias`."""
    return _configured().alias(*args, **kwargs)


def flush() -> None:
    """Call `Client.flush`."""
    _configured().flush()


def join() -> None:
    """Call `Client.join`."""
    _configured().join()


def shutdown() -> None:
    """Call `Client.shutdown`."""
    _configured().shutdown()


def _configured() -> Client:
    if default_client is None:
        raise RuntimeError("mixpress.compat.segment has no client: call configure(mixpress.Client(...)) first")
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
        "integrations": _given(integrations),
        "context": _given(context),
        "timestamp": timestamp,
        "messageId": _message_id(message_id),
    }


def _message_id(given: object) -> str:
    """Return the id as a string, or a new one if it is missing or has no string form."""
    try:
        return str(given) if known(given) else new_insert_id()
    except Exception:  # noqa: BLE001 - the value's __str__ is the caller's code
        return new_insert_id()


def _given(value: object) -> object:
    """Return the value, or an empty mapping for a missing one."""
    return {} if missing(value) else value


def _ids(user_id: object, anonymous_id: object) -> Message:
    return {"userId": as_id(user_id), "anonymousId": as_id(anonymous_id)}


def _view_name(kind: str, name: object) -> str:
    return f"Viewed {name}" if known(name) else NAMES[kind]


def _properties_of(context: Mapping[str, Any]) -> dict[str, Any]:
    library = mapping(context.get("library")).get("name")
    source = {} if library is None else {"mp_lib": f"Segment: {library}"}
    return extract(context, CONTEXT) | country(mapping(context.get("location")).get("country")) | source


def _disables_mixpanel(integrations: object) -> bool:
    wanted = mapping(integrations)
    return wanted.get("Mixpanel", wanted.get("All")) is False
