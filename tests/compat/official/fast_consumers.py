"""Consumers with fast=True for the tests, on a fake server or a local one."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import mixpanel
import pytest

from mixpress.compat.mixpanel import BufferedConsumer, MixpanelException
from mixpress.emulator import Emulator
from support.clocks import FakeClock
from support.server import FakeServer

ACCOUNT = mixpanel.ServiceAccountCredentials("account", "a-well-kept-secret", "17")


def urls(server: Emulator) -> dict[str, str]:
    return {"events_url": f"{server.url}/track", "import_url": f"{server.url}/import"}


@contextmanager
def fast(make: Any = BufferedConsumer, **options: Any) -> Iterator[Any]:
    """Make a consumer, and close it after the block. Exceptions of the close are ignored."""
    consumer = make(fast=True, **options)
    try:
        yield consumer
    finally:
        with suppress(MixpanelException):
            consumer.close(timeout=0)


@contextmanager
def faked(*answers: Any, **options: Any) -> Iterator[tuple[Any, FakeServer]]:
    """Make a consumer of a fake server, on a clock that does not wait."""
    server = FakeServer(*answers)
    with fast(transport=server, clock=RealTime(), linger=1e6, **options) as consumer:
        yield consumer, server


class RealTime(FakeClock):
    """A clock that does not wait. Its time is the real one, as /track only accepts the last five days."""

    def time(self) -> float:
        return time.time()

    def wait(self, wake: threading.Event, seconds: float) -> None:
        if seconds > 1e5:
            wake.wait(10)
        else:
            super().wait(wake, seconds)


def event(number: int = 0, **changes: Any) -> str:
    """Return a message for the endpoint `events`."""
    own = {"token": "token", "distinct_id": "user", "time": time.time(), "$insert_id": f"event-{number}"}
    return json.dumps({"event": "Seen", "properties": own | changes})


def person(properties: dict[str, Any] | None = None) -> str:
    """Return a message for the endpoint `people`."""
    return json.dumps({"$token": "token", "$distinct_id": "user", "$set": properties or {"a": 1}})


def group(properties: dict[str, Any] | None = None) -> str:
    """Return a message for the endpoint `groups`."""
    ids = {"$group_key": "company", "$group_id": "acme"}
    return json.dumps({"$token": "token", **ids, "$set": properties or {"a": 1}})


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [one["properties"]["$insert_id"] for one in events]


def failing(consumer: Any) -> Any:
    """Return the exception of a flush, which must not show the credentials."""
    with pytest.raises(MixpanelException) as caught:
        consumer.flush()
    assert "a-well-kept-secret" not in str(caught.value)
    return caught.value
