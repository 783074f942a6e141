"""Convert an accepted event to its stored form: time corrected, id computed, long strings cut."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import orjson

from mixpress.emulator.checks import Properties, to_milliseconds

MAX_STRING = 255  # characters (import page); longer names and values are cut
_FAR_MS = 2**62  # a later time does not fit the store, and is replaced by the current time anyway


class Row(NamedTuple):
    """An event as it is stored; the first four fields are its identity."""

    event: str
    time_ms: int
    """The sender's time in milliseconds.

    Not the current time that replaces a future one: a retry of such an event must have the same identity.
    """
    distinct_id: str
    insert_id: str | None
    """None if the event has none: it then equals no other event."""
    properties: bytes
    """JSON, with a future `time` replaced."""


def accept_event(event: dict[str, Any], now_ms: int, address: str | None = None) -> Row:
    """Return the stored form of an event that passed the checks. The event is modified.

    With the sender's address, an event without a `distinct_id` gets one.
    """
    properties: Properties = event["properties"]
    if address is not None:
        properties.setdefault("distinct_id", id_of_address(address))
    sent_ms = to_milliseconds(properties["time"]) if "time" in properties else now_ms
    if "time" not in properties or sent_ms > now_ms:
        properties["time"] = now_ms
    properties = truncate(properties)
    return Row(
        truncate(event["event"]),
        min(sent_ms, _FAR_MS),
        properties.get("distinct_id", ""),
        properties.get("$insert_id"),
        dump(properties),
    )


def dump(properties: Properties) -> bytes:
    """Return a copy of the JSON: the bytes that `orjson.dumps` returns keep the unused part of their buffer."""
    return memoryview(orjson.dumps(properties)).tobytes()


def id_of_address(address: str) -> str:
    """Return the `distinct_id` that /track computes with `ip=1`, the same for all requests from an address."""
    return hashlib.sha256(address.encode()).hexdigest()[:36]


def truncate(value: Any) -> Any:
    """Return a JSON value with all its strings, names included, cut to 255 characters.

    If two names are equal once cut, the later one remains. The recursion is shallow: the checks limit the depth.
    """
    if type(value) is str:
        return value if len(value) <= MAX_STRING else value[:MAX_STRING]
    if type(value) is dict:
        return {(name if len(name) <= MAX_STRING else name[:MAX_STRING]): truncate(v) for name, v in value.items()}
    if type(value) is list:
        return [truncate(v) for v in value]
    return value
