from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest

from support.fixtures import no_proxy_variables

__all__ = ["no_proxy_variables"]


@pytest.fixture(autouse=True)
def _no_leftover_threads() -> Iterator[None]:
    """Nothing may run on after a test."""
    before = set(threading.enumerate())
    yield
    gc.collect()  # the feature flags of the official client leave a thread of asgiref's to the garbage
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert left == []
