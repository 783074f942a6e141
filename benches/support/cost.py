"""What a program of one sender costs: CPU seconds, seconds and peak memory of its process, as JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

Pool = TypeVar("Pool")


@dataclass(frozen=True)
class Cost:
    """What one process cost that sent events or updates."""

    count: int
    """The events or updates."""
    cpu: float
    """Seconds of CPU."""
    seconds: float
    megabytes: float
    """The peak of its memory."""

    @property
    def microseconds(self) -> float:
        """Microseconds of CPU for each event or update."""
        return self.cpu / self.count * 1e6

    @property
    def rate(self) -> float:
        """Events or updates a second."""
        return self.count / self.seconds


def main(senders: Mapping[str, Callable[[str, Pool, int], int]], make_pool: Callable[[], Pool]) -> None:
    """Call the sender that the arguments NAME URL COUNT name, and print the cost from the start of the process.

    The cost of making the pool is left out. A sender returns how many of its pool were imported.
    """
    name, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    before = time.process_time()
    pool = make_pool()
    made = time.process_time() - before
    started = time.perf_counter()
    sent = senders[name](url, pool, count)
    seconds = time.perf_counter() - started
    if sent != count:
        raise SystemExit(f"{name}: {sent} of {count} were imported")
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"cpu": time.process_time() - made, "seconds": seconds, "megabytes": kilobytes / 1024}))
