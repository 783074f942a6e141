"""Build an event from the arguments of `track`, with the defaults fixed at that call: `time` and `$insert_id`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

IDS = {"distinct_id", "$device_id", "$user_id"}
"""The properties that say whose an event is."""


def new_insert_id() -> str:
    """Return a random UUID (version 4) from the system's source, which no fork and no `random.seed` can repeat."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def compose(
    seconds: float, event: str, distinct_id: object, properties: object, time: object, insert_id: object
) -> dict[str, Any]:
    """Return the event in the form of /import; `seconds` is the current time.

    An argument overrides the property of the same meaning, which overrides the default. The encoder rejects properties
    that are not a mapping.
    """
    own: dict[str, Any] = {"time": int(seconds * 1000), "$insert_id": new_insert_id()}
    if properties is not None:
        if not isinstance(properties, Mapping):
            return {"event": event, "properties": properties}
        own.update(properties)
    if distinct_id is not None or own.keys().isdisjoint(IDS):
        own["distinct_id"] = distinct_id  # None is rejected: /track would take the event for one of this machine
    if time is not None:
        own["time"] = time
    if insert_id is not None:
        own["$insert_id"] = insert_id
    return {"event": event, "properties": own}


def complete(seconds: float, event: object) -> object:
    """Return a whole event with `time` and `$insert_id`, added if missing. The encoder rejects what is not an event."""
    if not isinstance(event, Mapping) or not isinstance(properties := event.get("properties"), Mapping):
        return event
    if "time" in properties and "$insert_id" in properties:
        return event
    own = {"time": int(seconds * 1000), "$insert_id": new_insert_id(), **properties}
    return {**event, "properties": own}
