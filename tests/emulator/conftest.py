from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from mixpress.emulator import Emulator

from .sender import NOW, Sender

Start = Callable[..., tuple[Emulator, Sender]]


@pytest.fixture(scope="session")
def running() -> Iterator[Emulator]:
    with Emulator(now=lambda: NOW) as emulator:
        yield emulator


@pytest.fixture
def server(running: Emulator) -> Emulator:
    """An emulator with the default settings, without events and requests. Its clock is at NOW."""
    running.clear()
    return running


@pytest.fixture
def sender(server: Emulator) -> Iterator[Sender]:
    sender = Sender(server.url)
    yield sender
    sender.close()


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts an emulator with other settings, and a sender for it."""
    with ExitStack() as stack:

        def start_one(**settings: Any) -> tuple[Emulator, Sender]:
            emulator = stack.enter_context(Emulator(**{"now": lambda: NOW, **settings}))
            sender = Sender(emulator.url)
            stack.callback(sender.close)
            return emulator, sender

        yield start_one
