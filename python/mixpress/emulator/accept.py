"""What the API does to an event that it accepts: the time put right, an id computed, long strings cut."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import orjson

from mixpress.emulator.checks import Properties, to_milliseconds

MAX_STRING = 255  # characters, by the import page; more are cut off, in names as in values
_FAR_MS = 2**62  # a time beyond it does not fit the store, and is overwritten with the present anyway


class Row(NamedTuple):
    """An event as it is stored; the first four are what makes two events the same."""

    event: str
    time_ms: int
    """When it happened by its sender's clock, in milliseconds.

    Not the present that overwrites a time in the future: a retry of such an event is still a retry.
    """
    distinct_id: str
    insert_id: str | None
    """None where it had none: such an event equals no other."""
    properties: bytes
    """JSON, with `time` overwritten where it lay in the future."""


def accept_event(event: dict[str, Any], now_ms: int, address: str | None = None) -> Row:
    """An event that passed the checks, as it is stored; the event is changed.

    With the address of its sender, an event without `distinct_id` gets one.
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
        orjson.dumps(properties),
    )


def id_of_address(address: str) -> str:
    """The `distinct_id` that /track computes with `ip=1`: the same for every request from one address."""
    return hashlib.sha256(address.encode()).hexdigest()[:36]


def truncate(value: Any) -> Any:
    """A JSON value with every text in it, names too, cut to 255 characters.

    Of two names that are equal once cut, the later one stays. What passed the checks isn't deep.
    """
    if type(value) is str:
        return value if len(value) <= MAX_STRING else value[:MAX_STRING]
    if type(value) is dict:
        return {(name if len(name) <= MAX_STRING else name[:MAX_STRING]): truncate(v) for name, v in value.items()}
    if type(value) is list:
        return [truncate(v) for v in value]
    return value
