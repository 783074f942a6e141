from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from mixpress import Client, ServiceAccount
from mixpress.emulator import Emulator
from support.fixtures import still_running

ACCOUNT = ServiceAccount("user", "a-well-kept-secret", project_id="17")


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """Check that a test leaves no thread of a client and no log handler. (asgiref keeps its threads.)"""
    handlers = logging.getLogger().handlers[:]
    yield
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("mixpress-")]
    assert still_running(thread for thread in ours if not thread.name.startswith("mixpress-emulator")) == []
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
