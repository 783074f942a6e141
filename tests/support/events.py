"""Events, encoders for them, and the events in a request."""

from __future__ import annotations

import gzip
import json
from typing import Any

from mixpress._core import Encoder, Limits
from mixpress.transport import Request
from support.clocks import START


def event(number: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a valid event with these properties changed; its $insert_id is `event-<number>`."""
    properties = {"time": 1_700_000_000 + number, "distinct_id": "user", "$insert_id": f"event-{number}"}
    return {"event": "Seen", "properties": properties | changes}


def bad(number: int = 0) -> dict[str, Any]:
    """Return an event that the encoder rejects."""
    return event(number, distinct_id="null")


def events(count: int) -> list[dict[str, Any]]:
    return [event(number) for number in range(count)]


def encoder(**settings: Any) -> Encoder:
    """An encoder whose present is `START`."""
    return Encoder(now=lambda: START, **settings)


def small_batches(size: int) -> Encoder:
    """An encoder of batches of at most so many events."""
    return encoder(limits=Limits(max_batch_events=size))


def sent(request: Request) -> list[dict[str, Any]]:
    """Return the events in a request."""
    return json.loads(gzip.decompress(request.body))  # type: ignore[no-any-return]


def ids(request: Request) -> list[str]:
    return [event["properties"]["$insert_id"] for event in sent(request)]


def as_json(one: dict[str, Any]) -> bytes:
    """Return an event as the encoder writes it into a body."""
    [batch] = Encoder(compression=None).encode([one]).batches
    return batch.events()[0]
