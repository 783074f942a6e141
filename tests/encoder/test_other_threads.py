"""A long walk lets other threads run between events."""

from __future__ import annotations

import sys
import threading

from mixpress import Encoder

EVENTS = [
    {"event": "e", "properties": {"time": 1_700_000_000, "distinct_id": "u", "$insert_id": f"i{number}", "n": number}}
    for number in range(60_000)
]


def test_another_thread_runs_during_a_long_walk() -> None:
    """The interpreter takes the lock from no thread here, so the other one runs only if the walk releases it."""
    encoder = Encoder(compression=None)
    has_ended, started, saw = [False], threading.Lock(), list[bool]()

    def look() -> None:
        with started:
            saw.append(has_ended[0])

    interval = sys.getswitchinterval()
    started.acquire()
    thread = threading.Thread(target=look)
    thread.start()
    sys.setswitchinterval(1000)
    try:
        started.release()
        encoded = encoder.encode(EVENTS)
        has_ended[0] = True
    finally:
        sys.setswitchinterval(interval)
        thread.join()
    assert sum(batch.count for batch in encoded.batches) == len(EVENTS)
    assert saw == [False]
