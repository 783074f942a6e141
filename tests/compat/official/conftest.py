from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    """Nothing may run on after a test."""
    before = set(threading.enumerate())
    yield
    gc.collect()  # the feature flags of the official client leave a thread of asgiref's to the garbage
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert left == []


@pytest.fixture(autouse=True)
def _no_proxy_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
