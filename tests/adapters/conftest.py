from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from mixpress import Client, ServiceAccount
from mixpress.emulator import Emulator

ACCOUNT = ServiceAccount("user", "a-well-kept-secret", project_id="17")


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    """No thread of a client runs on after a test, and no handler. asgiref's threads wait for more."""
    handlers = logging.getLogger().handlers[:]
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("mixpress")] == []
    assert logging.getLogger().handlers == handlers


@pytest.fixture
def server(_nothing_stays: None) -> Iterator[Emulator]:
    with Emulator() as server:
        yield server


@pytest.fixture
def client(server: Emulator) -> Iterator[Client]:
    with Client(ACCOUNT, base_url=server.url) as client:
        yield client


@pytest.fixture
def full(server: Emulator) -> Iterator[Client]:
    """A client whose queue has no room, which would let a caller wait for ever."""
    with Client(ACCOUNT, base_url=server.url, queue_size=1, linger=3600, on_full="block") as client:
        client.track("In the way", "user-0")
        yield client
