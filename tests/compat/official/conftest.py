from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest

from support.fixtures import no_proxy_variables

__all__ = ["no_proxy_variables"]


@pytest.fixture(autouse=True)
def _no_leftover_threads() -> Iterator[None]:
    """Check that a test leaves no thread."""
    before = set(threading.enumerate())
    yield
    gc.collect()  # ends a thread of asgiref that the feature flags of the official client leave
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert left == []
