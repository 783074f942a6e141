"""The worker threads of a client: daemons that start when there is work, and end after a while without any."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from mixpress import process
from mixpress.clock import REAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from mixpress.clock import Clock
    from mixpress.send.job import CancelToken, Job

logger = logging.getLogger("mixpress")

IDLE = 10.0
"""Seconds without work after which a worker ends."""
POLL = 0.2
"""Seconds between two checks of a state whose change is not signalled."""


class WorkerPool:
    """Up to `size` threads. `work`, which must not raise, is called with each job.

    An idle worker calls `tend`, which may add jobs that are due. It returns the seconds until the next one is due, or
    None if there is none. At least one idle worker does so; while all are busy, a job that is due could not be sent.
    """

    def __init__(self, size: int, work: Callable[[Job], None], tend: Callable[[], float | None], clock: Clock) -> None:
        self.size = size
        self._work = work
        self._tend = tend
        self._clock = clock
        self._waiting: deque[Job] = deque()
        self._lock = threading.RLock()  # an object's __del__ may track an event while this is held
        self._changed = threading.Condition(self._lock)
        self._wake = threading.Event()
        self._threads: set[threading.Thread] = set()
        self._idle: set[threading.Thread] = set()
        self._watching: set[threading.Thread] = set()
        """Workers that wait for a job to become due."""
        self._running: dict[threading.Thread, Job] = {}
        self._stopping = False
        self.forked = False
        """Set in a forked child, which does not have the threads: it must not wait for them."""

    def put(self, job: Job) -> None:
        """Add a job without waiting. The caller bounds how many there are."""
        with self._lock:
            self._waiting.append(job)
            self._call(len(self._waiting))

    def nudge(self) -> None:
        """Make a worker call `tend`."""
        with self._lock:
            self._call(1)

    def withdraw(self, cancel: CancelToken | None = None) -> list[Job]:
        """Remove and return the waiting jobs: those of one token, or all."""
        with self._lock:
            taken = [job for job in self._waiting if cancel in (None, job.cancel_token)]
            self._waiting = deque(job for job in self._waiting if cancel not in (None, job.cancel_token))
            return taken

    def cancel_running(self, error: Exception | None) -> None:
        """Cancel every job that a worker has."""
        with self._lock:
            for job in self._running.values():
                job.cancel_token.cancel(error)

    def has_free_worker(self) -> bool:
        """Return whether a worker is free, or can be started, for one more job."""
        with self._lock:
            return len(self._waiting) + len(self._running) < self.size

    def is_worker(self) -> bool:
        """Return whether the calling thread is a worker, which must not wait for the workers."""
        return threading.current_thread() in self._threads

    def refuse_worker(self, what: str) -> None:
        """Raise `RuntimeError` if the calling thread is a worker: a callback that waits for the workers deadlocks."""
        if self.is_worker():
            raise RuntimeError(f"{what} inside a client callback would deadlock; call it from another thread")

    def join_idle(self, seconds: float, *, also_busy: bool = False) -> None:
        """Ask idle threads to exit and join them for up to `seconds`. Threads that wait for a job to become due, and
        threads with a job, are included with `also_busy` alone.
        """
        ends = REAL.monotonic() + seconds
        with self._changed:
            self._stopping = True
            self._wake.set()
            leaving = self._leaving(also_busy) - {threading.current_thread()}
            while leaving & self._leaving(also_busy) and REAL.monotonic() < ends and not self.forked:
                self._changed.wait(POLL)
            gone = leaving - self._threads
        for thread in gone:
            thread.join()

    def _leaving(self, also_busy: bool) -> set[threading.Thread]:
        """Return the threads that were asked to exit."""
        if not self._stopping:
            return set()
        return self._threads - (set() if also_busy else self._watching | set(self._running))

    def _call(self, wanted: int) -> None:
        """Wake the idle workers, and start one more if they are too few."""
        self._stopping = False
        self._wake.set()
        if wanted > len(self._idle) and len(self._threads) < self.size and (self._waiting or not self._threads):
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
            while (job := self._next(me)) is not None:
                self._handle(job, me)
                del job  # otherwise it would be kept alive while this worker is idle
        finally:
            with self._changed:
                self._threads.discard(me)
                self._changed.notify_all()

    def _handle(self, job: Job, me: threading.Thread) -> None:
        """Run a job. Whatever is raised, even a callback's SystemExit, the worker goes on."""
        try:
            try:
                self._work(job)
            finally:
                with self._changed:
                    del self._running[me]
                job.done()
        except BaseException:
            logger.exception("a batch could not be handled")

    def _next(self, me: threading.Thread) -> Job | None:
        """Return the next job; None if the worker must exit."""
        is_patient = True
        while True:
            self._wake.clear()
            due = self._tend()
            with self._changed:
                if self._waiting:
                    job = self._waiting.popleft()
                    self._running[me] = job
                    if due is not None:
                        self._wake.set()  # another worker must now wait for what is due
                    return job
                if due is None and (self._stopping or not is_patient) and not self._wake.is_set():
                    self._threads.discard(me)
                    self._changed.notify_all()
                    return None
                self._idle.add(me)
                if due is not None:
                    self._watching.add(me)
                    self._changed.notify_all()
            if due is None:
                is_patient = self._wake.wait(IDLE)
            else:
                self._clock.wait(self._wake, due)
            with self._changed:
                self._idle.discard(me)
                self._watching.discard(me)
