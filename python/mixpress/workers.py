"""The threads of one import: plain ones, fed through one bounded queue, all joined in the end."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Work = TypeVar("Work")

TICK = 0.2
"""Seconds between two calls of `tick` while the caller's thread has to wait."""


class Workers(Generic[Work]):
    """Up to `size` threads that do `work`, which never raises, on each batch.

    At most `size` batches wait, so with those in work about twice `size` are alive. `tick` is called in the
    caller's thread now and then while it waits.
    """

    def __init__(self, size: int, work: Callable[[Work], None], tick: Callable[[], None]) -> None:
        self._size = size
        self._work = work
        self._tick = tick
        self._queue: queue.Queue[Work | None] = queue.Queue(size)
        self._threads: list[threading.Thread] = []
        self._ended = 0

    def offer(self, batch: Work) -> None:
        """Hand over a batch; waits while the queue is full."""
        if len(self._threads) < self._size:
            thread = threading.Thread(target=self._run, name="mixpress-send", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._put(batch)

    def finish(self) -> None:
        """Wait until every batch is done and every thread has ended. May be called again if `tick` raised."""
        while self._ended < len(self._threads):
            self._put(None)
            self._ended += 1
        for thread in self._threads:
            while thread.is_alive():
                thread.join(TICK)
                self._tick()

    def _put(self, batch: Work | None) -> None:
        while True:
            try:
                return self._queue.put(batch, timeout=TICK)
            except queue.Full:
                self._tick()

    def _run(self) -> None:
        while (batch := self._queue.get()) is not None:
            self._work(batch)
