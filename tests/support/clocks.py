"""Clocks that a test controls."""

from __future__ import annotations

import threading

from mixpress.clock import Clock

START = 1_800_000_000.0


class FakeClock(Clock):
    """Time advances by each wait, which returns at once; `random` is always 0.5."""

    def __init__(self) -> None:
        self.now = START
        self.waits: list[float] = []
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def random(self) -> float:
        return 0.5

    def wait(self, wake: threading.Event, seconds: float) -> None:
        with self._lock:
            self.waits.append(seconds)
            self.now += seconds


class StillClock(FakeClock):
    """A fake clock whose waits of more than 1e6 seconds, for an open batch, last until they are woken."""

    def wait(self, wake: threading.Event, seconds: float) -> None:
        if seconds > 1e6:
            wake.wait(10)
        else:
            super().wait(wake, seconds)


class HeldClock(Clock):
    """A clock that a test advances; it wakes the threads whose wait is over."""

    def __init__(self) -> None:
        self.now = START
        self._asleep: dict[threading.Thread, tuple[threading.Event, float]] = {}
        self._changed = threading.Condition()

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def random(self) -> float:
        return 0.5

    def wait(self, wake: threading.Event, seconds: float) -> None:
        me = threading.current_thread()
        with self._changed:
            if self.now + seconds <= self.now:
                return
            self._asleep[me] = wake, self.now + seconds
            self._changed.notify_all()
        wake.wait(30)
        with self._changed:
            del self._asleep[me]

    def asleep(self, name: str) -> float:
        """Wait until the thread of that name waits, and return when its wait ends."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._wakes_at(name) is not None, 30), f"{name} does not wait"
            return self._wakes_at(name) or 0.0

    def go_on(self, until: float) -> None:
        with self._changed:
            self.now = until
            for wake, ends in self._asleep.values():
                if ends <= until:
                    wake.set()

    def _wakes_at(self, name: str) -> float | None:
        waiting = [ends for thread, (wake, ends) in self._asleep.items() if thread.name == name and not wake.is_set()]
        return waiting[0] if waiting else None
