"""Functions of a frame, which run in Spark's workers and fail in the middle of a write. Spark pickles their names."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.request import ProxyHandler, build_opener

ROWS = 90_000
"""Rows of a partition: requests are made of the first 20,000 while others are read and encoded ahead."""
FAILING = 1
"""The partition that fails."""
SECONDS = 60.0

Batches = Iterator[Any]


def failing(url: str, first: int, how: str, attempts: int = 1) -> Callable[[Batches], Batches]:
    """Return a function that gives all rows, waits until the server at `url` holds the order `first`, and then fails,
    in so many attempts. `how`: `"raise"`; `"exit"`, the Python worker ends; `"kill"`, its executor is killed; or
    `"hang"`, until Spark kills it.
    """
    return partial(_give_and_fail, url=url, first=first, how=how, attempts=attempts)


def _give_and_fail(batches: Batches, *, url: str, first: int, how: str, attempts: int) -> Batches:
    from pyspark import TaskContext

    context = TaskContext.get()
    yield from batches
    if context.partitionId() != FAILING or context.attemptNumber() >= attempts:
        return
    wait_for(lambda: holds(url, first))
    if how == "exit":
        os._exit(3)
    if how == "kill":
        os.kill(parent_of(os.getppid()), signal.SIGKILL)  # the parent is pyspark.daemon, a child of the executor
    if how in ("kill", "hang"):
        time.sleep(SECONDS)
    raise LookupError("the plan of this user is unknown")


def parent_of(process: int) -> int:
    """Return the parent of a process."""
    return int(subprocess.run(["ps", "-o", "ppid=", "-p", str(process)], capture_output=True, check=True).stdout)


def holds(url: str, number: int) -> bool:
    """Return whether the server at `url` holds an order."""
    with build_opener(ProxyHandler({})).open(f"{url}/_emulator/events?property=number:{number}&limit=1") as reply:
        return bool(json.load(reply)["events"])


def wait_for(is_so: Callable[[], bool]) -> None:
    """Wait until something is so. Raises `TimeoutError` after `SECONDS`."""
    end = time.monotonic() + SECONDS
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError("the server received nothing")
        time.sleep(0.01)
