"""An emulator keeps working, and stops, where a test of its user freezes the clock."""

from __future__ import annotations

import threading
import time
import urllib.request

import pytest

from mixpress.emulator import Emulator


def test_an_emulator_stops_after_the_clock_was_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event loop waits by its own clock, which freezegun replaces too."""
    emulator = Emulator()
    emulator.__enter__()
    for frozen in (time.monotonic() + 1e9, time.monotonic() - 1e9):
        monkeypatch.setattr(time, "monotonic", lambda frozen=frozen: frozen)
        for _ in range(3):
            urllib.request.urlopen(f"{emulator.url}/track", data=b"data=[]", timeout=20).close()
            threading.Event().wait(0.15)
        monkeypatch.undo()
    stop = threading.Thread(target=emulator.__exit__, args=(None, None, None), daemon=True)
    stop.start()
    stop.join(10)
    assert not stop.is_alive()
