from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from mixpress import Client, Encoder
from support.clients import client
from support.events import sent
from support.server import FakeServer


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def make_client(server: FakeServer) -> Iterator[Callable[..., Client]]:
    """Makes clients of the fake server and closes them after the test."""
    with ExitStack() as made:
        yield lambda **settings: made.enter_context(client(server, **settings))


@pytest.fixture
def arrived(server: FakeServer) -> Callable[[], list[dict[str, Any]]]:
    """Returns the events that the server received, in order."""
    return lambda: [event for request in server.requests for event in sent(request)]


def accepted(event: dict[str, Any] | None) -> dict[str, Any]:
    """Return the properties of an event, which the encoder must accept."""
    assert event is not None
    encoded = Encoder().encode([event])
    assert not encoded.rejected, encoded.rejected[0].message
    properties: dict[str, Any] = event["properties"]
    return properties
