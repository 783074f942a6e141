from __future__ import annotations

from collections.abc import Iterator

import pytest

from mixpress.emulator import Emulator
from support.fixtures import no_leftover_threads, no_proxy_variables

__all__ = ["no_leftover_threads", "no_proxy_variables"]


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SERVICE_ACCOUNT", "SECRET", "PROJECT_ID", "TOKEN"):
        monkeypatch.delenv(f"MIXPRESS_{name}", raising=False)


@pytest.fixture
def emulator(no_leftover_threads: None) -> Iterator[Emulator]:
    with Emulator() as server:
        yield server
