from __future__ import annotations

from collections.abc import Iterator

import pytest

from mixpress.emulator import Emulator


@pytest.fixture(scope="session")
def running() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def server(running: Emulator) -> Emulator:
    """An emulator without events and requests."""
    running.clear()
    return running
