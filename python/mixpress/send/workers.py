"""The threads of a client: plain daemons, started when there is work, gone when there has been none for a while."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from mixpress import process
from mixpress.send.job import MemoryBacklog

if TYPE_CHECKING:
    from collections.abc import Callable

    from mixpress.clock import Clock
    from mixpress.send.backoff import Halt
    from mixpress.send.job import Backlog, Parcel

logger = logging.getLogger("mixpress")

IDLE = 10.0
"""Seconds without work after which a thread ends."""
TICK = 0.2
"""Seconds between two looks at what nobody tells of."""


class Pool:
    """Up to `size` threads that do `work`, which does not raise, on each parcel.

    A thread without work asks `tend`, which puts in parcels that are due, for the seconds until the next one
    is; None says that none will be. There is always at least one that asks, as long as one is free: while all
    are busy, nothing that is due could be sent anyway.
    """

    def __init__(
        self,
        size: int,
        work: Callable[[Parcel], None],
        tend: Callable[[], float | None],
        clock: Clock,
        backlog: Backlog | None = None,
    ) -> None:
        self._size = size
        self._work = work
        self._tend = tend
        self._clock = clock
        self._backlog: Backlog = MemoryBacklog() if backlog is None else backlog
        self._lock = threading.RLock()  # an object's __del__ may track an event while this is held
        self._changed = threading.Condition(self._lock)
        self._wake = threading.Event()
        self._threads: set[threading.Thread] = set()
        self._idle: set[threading.Thread] = set()
        self._watching: set[threading.Thread] = set()
        self._at_work: dict[threading.Thread, Parcel] = {}
        self._resting = False
        self.forked = False
        """Set in a child process, where the threads are not: nobody may wait for them."""

    def put(self, parcel: Parcel) -> None:
        """Hand over a parcel. It does not wait: who puts in bounds how much."""
        with self._lock:
            self._backlog.put(parcel)
            self._call(len(self._backlog))

    def nudge(self) -> None:
        """Have somebody ask `tend`."""
        with self._lock:
            self._call(1)

    def withdraw(self, halt: Halt | None = None) -> list[Parcel]:
        """Take out the parcels that wait: those that `halt` halts, or all."""
        with self._lock:
            return self._backlog.withdraw(halt)

    def halt(self, error: Exception | None) -> None:
        """Halt every parcel that is at work."""
        with self._lock:
            for parcel in self._at_work.values():
                parcel.halt.stop(error)

    def has_hands(self) -> bool:
        """Whether a thread is free, or can be hired, for one more parcel."""
        with self._lock:
            return len(self._backlog) + len(self._at_work) < self._size

    def inside(self) -> bool:
        """Whether the caller is one of these threads, and so must not wait for them."""
        return threading.current_thread() in self._threads

    def rest(self, seconds: float, *, also_busy: bool = False) -> None:
        """Send the threads without work home, and wait for them so long at most: those that wait for what is due, and
        those that are busy, with `also_busy` alone.
        """
        ends = time.monotonic() + seconds
        with self._changed:
            self._resting = True
            self._wake.set()
            leaving = self._leaving(also_busy) - {threading.current_thread()}
            while leaving & self._leaving(also_busy) and time.monotonic() < ends and not self.forked:
                self._changed.wait(TICK)
            gone = leaving - self._threads
        for thread in gone:
            thread.join()

    def _leaving(self, also_busy: bool) -> set[threading.Thread]:
        """Who is on the way home."""
        if not self._resting:
            return set()
        return self._threads - (set() if also_busy else self._watching | set(self._at_work))

    def _call(self, wanted: int) -> None:
        """Wake those who are free, and hire if they are too few."""
        self._resting = False
        self._wake.set()
        if wanted > len(self._idle) and len(self._threads) < self._size and (len(self._backlog) or not self._threads):
            process.expect_exit()
            thread = threading.Thread(target=self._run, name="mixpress-send", daemon=True)
            self._threads.add(thread)
            try:
                thread.start()
            except BaseException:
                self._threads.discard(thread)
                if not self._threads:
                    raise

    def _run(self) -> None:
        me = threading.current_thread()
        try:
            while (parcel := self._next(me)) is not None:
                self._deal_with(parcel, me)
                del parcel  # it would be held while this thread has nothing to do
        finally:
            with self._changed:
                self._threads.discard(me)
                self._changed.notify_all()

    def _deal_with(self, parcel: Parcel, me: threading.Thread) -> None:
        """Whatever is raised here, a callback's SystemExit included, the thread goes on."""
        try:
            try:
                self._work(parcel)
            finally:
                with self._changed:
                    self._backlog.done(parcel)
                    del self._at_work[me]
                parcel.done(parcel)
        except BaseException:
            logger.exception("a batch could not be dealt with")

    def _next(self, me: threading.Thread) -> Parcel | None:
        """The next parcel; None where the thread is to end."""
        patience = True
        while True:
            self._wake.clear()
            due = self._tend()
            with self._changed:
                if (parcel := self._backlog.take()) is not None:
                    self._at_work[me] = parcel
                    if due is not None:
                        self._wake.set()  # somebody else must wait now for what is due
                    return parcel
                if due is None and (self._resting or not patience) and not self._wake.is_set():
                    self._threads.discard(me)
                    self._changed.notify_all()
                    return None
                self._idle.add(me)
                if due is not None:
                    self._watching.add(me)
                    self._changed.notify_all()
            if due is None:
                patience = self._wake.wait(IDLE)
            else:
                self._clock.wait(self._wake, due)
            with self._changed:
                self._idle.discard(me)
                self._watching.discard(me)
