"""A long walk lets other threads run between events."""

from __future__ import annotations

import sys
import threading
from typing import Any

from mixpress import Encoder, Limits

COUNT = 60_000  # takes several times as long as a walk holds the lock


def event(number: int) -> dict[str, Any]:
    return {
        "event": "e",
        "properties": {"time": 1_700_000_000, "distinct_id": "u", "$insert_id": f"i{number}", "n": number},
    }


def test_another_thread_runs_during_a_long_walk() -> None:
    """The interpreter takes the lock from no thread here, so the other one runs only if the walk releases it.

    It appends an event: after the walk, while the batch is made, that would be too late.
    """
    encoder = Encoder(compression=None, limits=Limits(max_batch_events=1_000_000, max_batch_bytes=1 << 30))
    events, started = [event(number) for number in range(COUNT)], threading.Lock()

    def append() -> None:
        with started:
            events.append(event(COUNT))

    interval = sys.getswitchinterval()
    started.acquire()
    thread = threading.Thread(target=append)
    thread.start()
    sys.setswitchinterval(1000)
    try:
        started.release()
        (batch,) = encoder.encode(events).batches
    finally:
        sys.setswitchinterval(interval)
        thread.join()
    assert batch.count == COUNT + 1
