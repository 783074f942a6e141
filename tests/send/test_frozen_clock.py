"""Time limits hold where the functions of the time module are replaced, as freezegun does."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from mixpress import Client, ServiceAccount
from mixpress.clock import REAL, Clock, _unfrozen
from support.listener import closed_port

REPLACED = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")
LEFT_ALONE = ("threading", "queue", "selectors", "asyncio", "_pytest", "pytest", "multiprocessing", "time")
"""Modules that freezegun leaves alone too."""


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Replace the functions in the time module, and every copy of them in another module."""
    real = {name: getattr(time, name) for name in REPLACED}
    fakes: dict[str, Any] = {name: lambda: 1_700_000_000 for name in REPLACED}
    with monkeypatch.context() as patch:
        for module_name, module in [*sys.modules.items()]:
            if module_name.split(".")[0] in LEFT_ALONE or module_name.startswith("support"):
                continue
            for attribute, value in [*vars(module).items()]:
                for name, function in real.items():
                    if value is function:
                        patch.setattr(module, attribute, fakes[name])
        for name, fake in fakes.items():
            patch.setattr(time, name, fake)
        yield


@pytest.mark.usefixtures("frozen")
def test_the_monotonic_clock_is_not_frozen() -> None:
    assert time.monotonic() == time.monotonic()
    for clock in (Clock(), REAL):
        first = clock.monotonic()
        while clock.monotonic() == first:
            pass
    assert time.time() == Clock().time() == 1_700_000_000


@pytest.mark.usefixtures("frozen")
def test_a_clock_imported_while_time_is_frozen_is_not_frozen() -> None:
    real = _unfrozen()
    first = real()
    while real() == first:
        pass


@pytest.mark.usefixtures("frozen")
def test_limits_end_while_time_is_frozen(tmp_path: Any) -> None:
    """Without a server: `flush` and `close` come back, with a spool too, and an open batch is sent after `linger`."""
    account = ServiceAccount("user", "secret", project_id="1")
    with closed_port() as port:
        for spool in (None, tmp_path / "events.spool"):
            client = Client(account, base_url=f"http://127.0.0.1:{port}", spool=spool, linger=0.05)
            client.track("Seen", "u")
            assert client.flush(timeout=0.3).pending == 1
            report = client.close(timeout=0.2)
            assert report.undelivered + report.pending == 1
