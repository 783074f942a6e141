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
from mixpress.files.vendors.segment import disables_mixpanel, event_of_message
from mixpress.files.vendors.values import (
    as_id,
    has_id,
    identity,
    known,
    mapping,
    missing,
    person,
    present,
)
from mixpress.queues.event import new_insert_id

Message = dict[str, Any]


def event_from_message(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the event of a `track`, `page` or `screen` message, in the form of /import.

    None for other messages, and if the message's `integrations` disable Mixpanel. The message is not modified.
    """
    return event_of_message(message)


def profiles_from_message(message: Mapping[str, Any], group_key: str = "$group_id") -> list[Update]:
    """Return the profile updates of an `identify` or `group` message; none for other messages, and without an id."""
    return list(filter(has_id, _updates(message, group_key)))


def _updates(message: Mapping[str, Any], group_key: str) -> list[Update]:
    """Return the updates, also those without an id."""
    traits = mapping(message.get("traits"))
    kind = message.get("type")
    if not traits or kind not in ("identify", "group") or disables_mixpanel(message.get("integrations")):
        return []
    if kind == "group":
        return [{"$group_key": group_key, "$group_id": as_id(message.get("groupId")), "$set": person(traits)}]
    ids = identity(message.get("userId"), message.get("anonymousId"))
    address = mapping(message.get("context")).get("ip")
    update = {"$distinct_id": ids.get("distinct_id"), "$ip": address, "$set": person(traits)}
    return [present(update)]


class Client:
    """`segment.analytics.Client` on a `mixpress.Client`.

    `on_profile`: called with each profile update of `identify` and `group`, which is then not sent.
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
        """Set the traits in the user's profile. This links no ids; the next event with both ids does."""
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
        """Set the traits in the group's profile. An event joins a group by its properties, not by this call."""
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
        """Make `user_id` another id of `previous_id`, in a project with the original identity management.

        If the client has `identity="simplified"` it is ignored, with one warning in the log: there the two ids are
        linked by an event that has both.
        """
        message = _message("alias", context, timestamp, integrations, message_id)
        message |= {"userId": as_id(user_id), "previousId": as_id(previous_id)}
        if disables_mixpanel(message["integrations"]):
            return True, message
        return self._forwarder.alias(previous_id, user_id), message

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
        if disables_mixpanel(message["integrations"]):
            return True, message
        if not self._forwarder.takes(message["type"], message["traits"]):
            return False, message
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
