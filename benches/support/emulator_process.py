"""An emulator in its own process, which replies to commands on stdin with its CPU time, memory and stages.

    python -m benches.support.emulator_process [FILE]

It prints its URL, then one line of JSON for each command. PYTHONPATH decides which mixpress it is, so two versions can
be compared in one run.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from mixpress.emulator import Emulator, ingest, payload
from mixpress.emulator.store.store import Store

_STAGES: list[tuple[Any, str, str]] = [
    (payload, "_gunzip", "gunzip"),
    (payload, "_parse", "JSON, checks and cuts"),
    (ingest, "sort_events", "checks and cuts of other events"),
    (Store, "add", "store"),
]


class Stages:
    """CPU seconds of the functions in `_STAGES`, on the threads that run them."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._lock = threading.Lock()

    def start(self) -> None:
        """Measure from now on."""
        for owner, function, stage in _STAGES:
            setattr(owner, function, self._timed(getattr(owner, function), stage))

    def _timed(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            started = time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                with self._lock:
                    self.seconds[stage] += time.thread_time() - started

        return call


def resident() -> int:
    """Return the resident memory in bytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def main() -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # the one core; clients run on the others
    stages = Stages()
    with Emulator(db=sys.argv[1] if len(sys.argv) > 1 else None) as server:
        with suppress(ImportError):  # versions before have none
            from mixpress.emulator.collector import spare_stored_events  # as `mixpress emulator` does

            spare_stored_events()
        commands: dict[str, Callable[[], Any]] = {
            "cpu": time.process_time,
            "count": server.count,
            "clear": server.clear,
            "resident": resident,
            "measure stages": stages.start,
            "stages": lambda: dict(stages.seconds),
        }
        print(server.url, flush=True)
        for line in sys.stdin:
            print(json.dumps(commands[line.rstrip("\n")]()), flush=True)


if __name__ == "__main__":
    main()
