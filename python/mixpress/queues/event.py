"""An event out of the arguments of `track`, with what is fixed at that call: its time and its `$insert_id`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any


def new_insert_id() -> str:
    """A random UUID (version 4) out of the system's own source, which no fork and no `random.seed` can repeat."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def compose(
    seconds: float, event: str, distinct_id: object, properties: object, time: object, insert_id: object
) -> dict[str, Any]:
    """The event as /import takes it; `seconds` is now. What `properties` hold of `time` and `$insert_id` counts where
    no argument says otherwise. Properties that are no mapping are left to the encoder, which says so.
    """
    own: dict[str, Any] = {"time": int(seconds * 1000), "$insert_id": new_insert_id()}
    if properties is not None:
        if not isinstance(properties, Mapping):
            return {"event": event, "properties": properties}
        own.update(properties)
    own["distinct_id"] = distinct_id
    if time is not None:
        own["time"] = time
    if insert_id is not None:
        own["$insert_id"] = insert_id
    return {"event": event, "properties": own}


def complete(seconds: float, event: object) -> object:
    """A whole event, with `time` and `$insert_id` where it has none. What is no event is left to the encoder."""
    if not isinstance(event, Mapping) or not isinstance(properties := event.get("properties"), Mapping):
        return event
    if "time" in properties and "$insert_id" in properties:
        return event
    own = {"time": int(seconds * 1000), "$insert_id": new_insert_id(), **properties}
    return {**event, "properties": own}
