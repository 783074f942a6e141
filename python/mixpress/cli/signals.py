"""Ctrl-C and SIGTERM: during a delivery, and of a server that runs until it is stopped."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class StopOnce:
    """Calls `stop` at the first signal; the second one raises KeyboardInterrupt."""

    def __init__(self, stop: Callable[[str], None], doing: str) -> None:
        self._stop = stop
        self._doing = doing
        self._stopping = False

    def handle(self, number: int, _frame: object) -> None:
        """Handle a signal; called by the interpreter."""
        if self._stopping:
            raise KeyboardInterrupt
        self._stopping = True
        name = NAMES[signal.Signals(number)]
        with suppress(OSError):  # not through sys.stderr: the signal may have interrupted a write to it
            os.write(2, f"{name}: {self._doing}; a second one aborts\n".encode())
        self._stop(f"stopped by {name}")


@contextmanager
def stop_once(stop: Callable[[str], None], doing: str = "sending what was read") -> Iterator[None]:
    """Call `stop` with the reason at the first Ctrl-C or SIGTERM within the block; the second one aborts.

    `doing` is what the command does after the first one.

    A signal that is ignored, as under nohup, stays ignored. Outside the main thread nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = StopOnce(stop, doing)
    before = {number: signal.getsignal(number) for number in NAMES}
    ours = [number for number, found in before.items() if found is not None and found is not signal.SIG_IGN]
    for number in ours:
        signal.signal(number, handler.handle)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])


class StopSignals:
    """A signal handler that queues the signals it receives."""

    def __init__(self) -> None:
        # Of the standard queues only SimpleQueue.put is reentrant, as a signal handler needs.
        self.received: SimpleQueue[int] = SimpleQueue()

    def handle(self, number: int, _frame: object) -> None:
        """Queue a signal; called by the interpreter."""
        self.received.put(number)


@contextmanager
def stop_signals() -> Iterator[SimpleQueue[int]]:
    """Yield a queue that receives Ctrl-C and SIGTERM."""
    signals = StopSignals()
    before = {number: signal.signal(number, signals.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals.received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
