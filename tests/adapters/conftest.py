from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from mixpress import Client, ServiceAccount
from mixpress.emulator import Emulator

ACCOUNT = ServiceAccount("user", "a-well-kept-secret", project_id="17")


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """Check that a test leaves no thread of a client and no log handler. (asgiref keeps its threads.)"""
    handlers = logging.getLogger().handlers[:]
    yield
    names = [thread.name for thread in threading.enumerate()]
    assert [name for name in names if name.startswith("mixpress-") and not name.startswith("mixpress-emulator")] == []
    assert logging.getLogger().handlers == handlers


@pytest.fixture(scope="session")
def running() -> Iterator[Emulator]:
    """An emulator for all tests, since stopping one takes a while."""
    with Emulator() as server:
        yield server


@pytest.fixture
def server(running: Emulator) -> Emulator:
    """An emulator without events and requests."""
    running.clear()
    return running


@pytest.fixture
def client(server: Emulator) -> Iterator[Client]:
    with Client(ACCOUNT, base_url=server.url) as client:
        yield client


@pytest.fixture
def full(server: Emulator) -> Iterator[Client]:
    """A client whose queue is full, so that `track` would block forever."""
    with Client(ACCOUNT, base_url=server.url, queue_size=1, linger=3600, on_full="block") as client:
        client.track("In the way", "user-0")
        yield client
