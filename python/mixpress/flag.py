"""`Flag`: a `threading.Event` without a lock, which a signal handler or a `__del__` may use at any moment."""

from __future__ import annotations

import threading
from _thread import allocate_lock
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _thread import LockType


class Flag(threading.Event):
    """An event whose every step is one operation on a deque or a lock.

    `threading.Event` has a lock that is not reentrant: a `__del__` that runs while a thread waits, and sets the same
    event, would wait for itself; and an exception out of a signal handler can leave that lock taken.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_raised = False
        self._waiters: deque[LockType] = deque()

    def is_set(self) -> bool:
        """See `threading.Event`."""
        return self._is_raised

    def set(self) -> None:
        """See `threading.Event`."""
        self._is_raised = True
        for waiter in list(self._waiters):
            with suppress(RuntimeError):  # another thread released it
                waiter.release()

    def clear(self) -> None:
        """See `threading.Event`."""
        self._is_raised = False

    def wait(self, timeout: float | None = None) -> bool:
        """See `threading.Event`."""
        waiter = allocate_lock()
        waiter.acquire()
        try:
            self._waiters.append(waiter)
            if self._is_raised:
                return True
            seconds = -1 if timeout is None else min(max(0.0, timeout), threading.TIMEOUT_MAX)
            return waiter.acquire(True, seconds)
        finally:
            with suppress(ValueError):  # the append was cut short
                self._waiters.remove(waiter)
