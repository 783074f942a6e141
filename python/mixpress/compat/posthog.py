"""The API of `posthog` (6 and 7), delivered to Mixpanel.

    from mixpress.compat import posthog

    posthog.configure(mixpress.Client(...))
    posthog.capture("Signed Up", distinct_id="user-1", properties={"plan": "pro"})

`event_from_message` and `profiles_from_message` convert whole PostHog messages for imports.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import mixpress
from mixpress.compat.forward import Forwarder, OnProfile, Update
from mixpress.files.vendors.posthog import event_of_message, identity_of
from mixpress.files.vendors.values import (
    PERSON,
    as_id,
    has_id,
    known,
    mapping,
    milliseconds,
    missing,
    person,
)
from mixpress.queues.event import new_insert_id

Message = dict[str, Any]

OPERATIONS = ("$set", "$set_once")
"""Profile operations of a message, of names and values; Mixpanel has the same ones, and `$unset`."""


def event_from_message(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the event in a message, in the form of /import; None if it has none. The message is not modified."""
    return event_of_message(message)


def profiles_from_message(message: Mapping[str, Any]) -> list[Update]:
    """Return the profile updates in a message, whether or not it is also an event; none without an id."""
    return list(filter(has_id, _updates(message)))


def _updates(message: Mapping[str, Any]) -> list[Update]:
    """Return the updates, also those without an id."""
    properties = mapping(message.get("properties"))
    if message.get("event") == "$groupidentify":
        group = {"$group_key": properties.get("$group_type"), "$group_id": as_id(properties.get("$group_key"))}
        traits = person(properties.get("$group_set"))
        return [group | {"$set": traits}] if traits else []
    ids = identity_of(message.get("distinct_id"), properties)
    wanted: dict[str, Any] = {name: person(mapping(message.get(name)) or properties.get(name)) for name in OPERATIONS}
    unset = properties.get("$unset")
    if isinstance(unset, list | tuple):
        wanted["$unset"] = [PERSON.get(name, name) if isinstance(name, str) else name for name in unset]
    return [{"$distinct_id": ids.get("distinct_id"), name: traits} for name, traits in wanted.items() if traits]


class Posthog:
    """`posthog.Posthog` on a `mixpress.Client`, without flags, contexts and recordings.

    `on_profile`: called with each profile update, which is then not sent.
    `disable_geoip`: derive no location from an event's `$ip`; the default, as in PostHog's client.

    The methods return the UUID of the accepted message, else None. No method raises because of an event's contents.
    """

    def __init__(
        self, client: mixpress.Client, *, on_profile: OnProfile | None = None, disable_geoip: bool = True
    ) -> None:
        self._forwarder = Forwarder(client, on_profile)
        self._disable_geoip = disable_geoip

    def capture(
        self,
        event: str,
        *,
        distinct_id: object = None,
        properties: Mapping[str, Any] | None = None,
        timestamp: datetime | str | None = None,
        uuid: str | UUID | None = None,
        groups: Mapping[str, Any] | None = None,
        flags: object = None,  # noqa: ARG002 - accepted so that no call fails
        send_feature_flags: object = False,  # noqa: ARG002
        disable_geoip: bool | None = None,
    ) -> str | None:
        """Track an event; without a `distinct_id`, as a random device. The arguments about flags have no effect."""
        message = self._message(event, distinct_id, timestamp, uuid)
        properties = None if missing(properties) else properties
        if isinstance(properties, Mapping) or properties is None:
            no_location = self._disable_geoip if disable_geoip is None else disable_geoip
            instructions: dict[str, Any] = {"$groups": groups} if mapping(groups) else {}
            instructions |= {"$geoip_disable": True} if no_location else {}
            instructions |= {} if known(distinct_id) else {"$process_person_profile": False}
            properties = {**instructions, **(properties or {})}
        message["properties"] = properties
        no_updates: list[Update] = []
        updates = self._forwarder.convert(lambda: _updates(message), no_updates)
        if updates:
            self._forwarder.update("a capture's $set", updates)
        unreadable: dict[str, Any] | None = {"event": event, "properties": None}
        converted = self._forwarder.convert(lambda: event_from_message(message), unreadable)
        return message["uuid"] if converted is not None and self._forwarder.track(converted) else None

    def set(
        self,
        *,
        distinct_id: object = None,
        properties: Mapping[str, Any] | None = None,
        timestamp: datetime | str | None = None,
        uuid: str | UUID | None = None,
        disable_geoip: bool | None = None,  # noqa: ARG002 - accepted so that no call fails
    ) -> str | None:
        """Set a person's properties."""
        return self._set("$set", distinct_id, properties, timestamp, uuid)

    def set_once(
        self,
        *,
        distinct_id: object = None,
        properties: Mapping[str, Any] | None = None,
        timestamp: datetime | str | None = None,
        uuid: str | UUID | None = None,
        disable_geoip: bool | None = None,  # noqa: ARG002 - accepted so that no call fails
    ) -> str | None:
        """Set the properties that a person does not have."""
        return self._set("$set_once", distinct_id, properties, timestamp, uuid)

    def group_identify(
        self,
        group_type: str,
        group_key: str,
        properties: Mapping[str, Any] | None = None,
        timestamp: datetime | str | None = None,
        uuid: str | UUID | None = None,
        disable_geoip: bool | None = None,  # noqa: ARG002 - accepted so that no call fails
        distinct_id: object = None,
    ) -> str | None:
        """Set a group's properties."""
        if not self._forwarder.takes("group_identify", properties):
            return None
        message = self._message("$groupidentify", distinct_id, timestamp, uuid)
        group = {"$group_type": group_type, "$group_key": group_key, "$group_set": mapping(properties)}
        return self._update("group_identify", message | {"properties": group})

    def alias(
        self,
        previous_id: object,
        distinct_id: object,
        timestamp: datetime | str | None = None,  # noqa: ARG002 - accepted so that no call fails
        uuid: str | None = None,
        disable_geoip: bool | None = None,  # noqa: ARG002
    ) -> str | None:
        """Make `distinct_id` another id of `previous_id`, in a project with the original identity management.

        If the client has `identity="simplified"` it is ignored, with one warning in the log: there the two ids are
        linked by an event that has both.
        """
        return _uuid(uuid) if self._forwarder.alias(previous_id, distinct_id) else None

    def flush(self, timeout_seconds: float | None = 10) -> None:
        """Wait up to `timeout_seconds` until every event captured so far has a verdict."""
        self._forwarder.client.flush(timeout_seconds)

    def join(self) -> None:
        """Wait until every event captured so far has a verdict."""
        self.flush(None)

    def shutdown(self) -> None:
        """Wait until every event has a verdict, and close the client."""
        self.flush(None)
        self._forwarder.client.close()

    def _message(self, event: object, distinct_id: object, timestamp: object, uuid: object) -> Message:
        return {
            "event": event,
            "distinct_id": as_id(distinct_id) if known(distinct_id) else new_insert_id(),
            "timestamp": self._readable(timestamp),
            "uuid": _uuid(uuid),
        }

    def _readable(self, timestamp: object) -> object:
        """Return a timestamp; with a warning None, which is now, if it cannot be read, as PostHog's client does."""
        if missing(timestamp):
            return None
        try:
            time = milliseconds(timestamp)
        except Exception:  # noqa: BLE001 - a zone is the caller's code
            time = None
        if isinstance(time, int | float) and not isinstance(time, bool):
            return timestamp
        self._forwarder.warn("timestamp", "a timestamp could not be read: the current time is used")
        return None

    def _set(
        self, operation: str, distinct_id: object, properties: object, timestamp: object, uuid: object
    ) -> str | None:
        call = operation[1:]
        if not self._forwarder.takes(call, properties) or not mapping(properties):
            return None
        if not known(distinct_id):
            self._forwarder.update(call, [{"$distinct_id": None}])  # rejected: a random id would make a new profile
            return None
        return self._update(call, self._message(operation, distinct_id, timestamp, uuid) | {operation: properties})

    def _update(self, call: str, message: Message) -> str | None:
        unreadable: list[Update] = [{"$distinct_id": None}]
        updates = self._forwarder.convert(lambda: _updates(message), unreadable)
        return message["uuid"] if updates and self._forwarder.update(call, updates) else None


default_client: Posthog | None = None
"""The client that the functions of this module call."""


def configure(client: mixpress.Client, *, on_profile: OnProfile | None = None, disable_geoip: bool = True) -> Posthog:
    """Create and return the client that the functions of this module call; the arguments are those of `Posthog`."""
    global default_client  # noqa: PLW0603 - the original library has a module-level client too
    default_client = Posthog(client, on_profile=on_profile, disable_geoip=disable_geoip)
    return default_client


def capture(event: str, **kwargs: Any) -> str | None:
    """Call `Posthog.capture` of the configured client, as the following functions call theirs."""
    return _configured().capture(event, **kwargs)


def set(**kwargs: Any) -> str | None:
    """Call `Posthog.set`."""
    return _configured().set(**kwargs)


def set_once(**kwargs: Any) -> str | None:
    """Call `Posthog.set_once`."""
    return _configured().set_once(**kwargs)


def group_identify(*args: Any, **kwargs: Any) -> str | None:
    """Call `Posthog.group_identify`."""
    return _configured().group_identify(*args, **kwargs)


def alias(*args: Any, **kwargs: Any) -> str | None:
    """Call `Posthog.alias`."""
    return _configured().alias(*args, **kwargs)


def flush(timeout_seconds: float | None = 10) -> None:
    """Call `Posthog.flush`."""
    _configured().flush(timeout_seconds)


def join() -> None:
    """Call `Posthog.join`."""
    _configured().join()


def shutdown() -> None:
    """Call `Posthog.shutdown`."""
    _configured().shutdown()


def _configured() -> Posthog:
    if default_client is None:
        raise RuntimeError("mixpress.compat.posthog has no client: call configure(mixpress.Client(...)) first")
    return default_client


def _uuid(given: object) -> str:
    """Return the UUID as a string, or a new one if it is not valid."""
    try:
        return str(UUID(str(given)))
    except Exception:  # noqa: BLE001 - the value's __str__ is the caller's code
        return new_insert_id()
