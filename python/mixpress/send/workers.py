"""The worker threads of a client: daemons that start when there is work, and end after a while without any."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from mixpress import process
from mixpress._core import bracket
from mixpress.clock import REAL
from mixpress.flag import Flag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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

    `ordered`: a job waits until every earlier one that it may not overtake is done. What is cancelled does not wait.
    """

    def __init__(
        self,
        size: int,
        work: Callable[[Job], None],
        tend: Callable[[], float | None],
        clock: Clock,
        *,
        ordered: bool = False,
    ) -> None:
        self.size = size
        self._ordered = ordered
        self._work = work
        self._tend = tend
        self._clock = clock
        self._waiting: deque[Job] = deque()
        self._lock = threading.RLock()  # an object's __del__ may track an event while this is held
        self._locked = bracket(self._lock.acquire, self._lock.release)
        self._changed = Flag()
        """Set whenever a thread ends, or starts to wait for a job to become due."""
        self._wakes: dict[threading.Thread, Flag] = {}
        """One for each worker: if they had one together, the first to clear it would let another one sleep on."""
        self._threads: set[threading.Thread] = set()
        self._ending: set[threading.Thread] = set()
        """Workers on their way out, which a thread may still see as running."""
        self._idle: set[threading.Thread] = set()
        self._watching: set[threading.Thread] = set()
        """Workers that wait for a job to become due."""
        self._running: dict[threading.Thread, Job] = {}
        self._stopping = False
        self.called = True
        """False from the moment that there is work until a thread is sure to see it: a call may be cut short between
        the two, or find that no thread can start. The next call of the client then repeats `nudge`."""
        self.forked = False
        """Set in a forked child, where calls do nothing: it has no threads, and one of them may have held the lock."""

    def put(self, job: Job) -> None:
        """Add a job without waiting. The caller bounds how many there are."""
        if not self.forked:
            self._locked(self._put, job)

    def _put(self, job: Job) -> None:
        self.called = False
        self._waiting.append(job)
        self._call(len(self._waiting))

    def put_missing(self, jobs: Iterable[Job]) -> None:
        """Add those of the jobs that the pool never had: the call that was to add them was cut short."""
        if not self.forked:
            self._locked(self._put_missing, jobs)

    def _put_missing(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            if not job.started and job not in self._waiting:
                self._put(job)

    def nudge(self) -> None:
        """Make a worker call `tend`."""
        if not self.forked:
            self._locked(self._nudge)

    def _nudge(self) -> None:
        self.called = False
        self._call(max(1, len(self._waiting)))

    def work_here(self) -> None:
        """Handle the waiting jobs in the calling thread: at exit no thread may start any more."""
        me = threading.current_thread()
        while (job := self._take(me)) is not None:
            self._handle(job, me)

    def help_on(self, ends: float | None) -> None:
        """Call the workers if an earlier call could not. At exit, where no thread may start, handle the jobs here;
        those without a verdict at `ends` are given up.
        """
        if not self.called:
            self.nudge()
        if not self.called and process.state.ending is not None and not self.forked:
            for job in list(self._waiting):
                job.cancel_token.ends = ends
            self.work_here()

    def withdraw(self, cancel: CancelToken | None = None) -> list[Job]:
        """Remove and return the waiting jobs: those of one token, or all."""
        return [] if self.forked else self._locked(self._withdraw, cancel)

    def _withdraw(self, cancel: CancelToken | None) -> list[Job]:
        taken = [job for job in list(self._waiting) if cancel in (None, job.cancel_token)]
        for job in taken:
            self._waiting.remove(job)
        return taken

    def cancel_all(self, error: Exception | None) -> None:
        """Cancel every job. One more worker handles those that wait: all others may be busy for long."""
        if self.forked:
            return
        self._locked(self._cancel_all, error)
        if not self._threads:
            self.work_here()

    def _cancel_all(self, error: Exception | None) -> None:
        for job in [*self._waiting, *self._running.values()]:
            job.cancel_token.cancel(error)
        if self._waiting:
            self._start()

    def has_free_worker(self) -> bool:
        """Return whether a worker is free, or can be started, for one more job."""
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
        if self.forked:
            return
        ends = REAL.monotonic() + seconds
        leaving = self._locked(self._ask_to_exit, also_busy) - {threading.current_thread()}
        while not self.forked:
            self._changed.clear()
            left = leaving & self._locked(self._leaving, also_busy)
            seconds = ends - REAL.monotonic()
            if not left or seconds <= 0:
                break
            self._changed.wait(min(seconds, POLL))
        for thread in self._ending - {threading.current_thread()}:
            thread.join()

    def _ask_to_exit(self, also_busy: bool) -> set[threading.Thread]:
        self._forget_unstarted()
        self._stopping = True
        self.wake_all()
        return self._leaving(also_busy)

    def _leaving(self, also_busy: bool) -> set[threading.Thread]:
        """Return the threads that were asked to exit."""
        if not self._stopping:
            return set()
        return self._threads - (set() if also_busy else self._watching | set(self._running))

    def _call(self, wanted: int) -> None:
        """Wake the idle workers, and start one more if they are too few."""
        self._stopping = False
        self.wake_all()
        self._forget_unstarted()
        if wanted > len(self._idle) and len(self._threads) < self.size and (self._waiting or not self._threads):
            process.expect_exit()
            self._start()
        self.called = bool(self._threads)

    def _forget_unstarted(self) -> None:
        for thread in [thread for thread in self._threads if thread.ident is None]:
            self._threads.discard(thread)  # its start was cut short; if it runs after all, it adds itself

    def _start(self) -> None:
        """Start a worker. If the system or the interpreter has no thread now, a later call tries again."""
        self._ending = {thread for thread in self._ending if thread.is_alive()}
        thread = threading.Thread(target=self._run, name="mixpress-send", daemon=True)
        self._threads.add(thread)
        try:
            thread.start()
        except (RuntimeError, MemoryError) as error:
            self._threads.discard(thread)
            logger.debug("no thread could be started: %s", error)

    def _run(self) -> None:
        me = threading.current_thread()
        try:
            wake = self._locked(self._join, me)
            while (job := self._next(me, wake)) is not None:
                self._handle(job, me)
                del job  # otherwise it would be kept alive while this worker is idle
        finally:
            self._leave(me)

    def _join(self, me: threading.Thread) -> Flag:
        self._threads.add(me)
        return self._wakes.setdefault(me, Flag())

    def _leave(self, me: threading.Thread) -> None:
        self._locked(self._move_to_ending, me)
        self._changed.set()

    def _move_to_ending(self, me: threading.Thread) -> None:
        self._ending.add(me)
        self._threads.discard(me)
        self._wakes.pop(me, None)

    def _handle(self, job: Job, me: threading.Thread) -> None:
        """Run a job. Whatever is raised, even a callback's SystemExit, the worker goes on."""
        try:
            try:
                self._work(job)
            finally:
                self._locked(self._end, me)
                job.done()
        except BaseException:
            logger.exception("a batch could not be handled")
            if me not in self._threads:
                raise  # out of a signal handler, in a caller's thread

    def _end(self, me: threading.Thread) -> None:
        self._running.pop(me, None)
        if self._ordered and self._waiting:
            self.wake_all()  # several jobs may have waited for this one

    def _take(self, me: threading.Thread) -> Job | None:
        """Return the first waiting job that may be sent, as one that is running."""
        return self._locked(self._take_first, me)

    def _take_first(self, me: threading.Thread) -> Job | None:
        job = self._first_free() if self._ordered else self._waiting[0] if self._waiting else None
        if job is None:
            return None
        self._waiting.remove(job)
        self._running[me] = job
        job.started = True
        return job

    def _first_free(self) -> Job | None:
        """Return the first waiting job that need not wait for an earlier one."""
        earlier = list(self._running.values())
        for job in list(self._waiting):
            if job.cancel_token.is_set() or all(map(job.may_overtake, earlier)):
                return job
            earlier.append(job)
        return None

    def wake_all(self) -> None:
        """Make each worker call `tend`. Takes no lock."""
        for wake in list(self._wakes.values()):
            wake.set()

    def _next(self, me: threading.Thread, wake: Flag) -> Job | None:
        """Return the next job; None if the worker must exit."""
        is_patient = True
        while True:
            wake.clear()
            due = self._tend()
            job, is_leaving = self._locked(self._choose, me, wake, due, is_patient)
            if job is not None or is_leaving:
                return job
            if due is None:
                is_patient = wake.wait(IDLE)
            else:
                self._clock.wait(wake, due)
            self._locked(self._wake_up, me)

    def _choose(self, me: threading.Thread, wake: Flag, due: float | None, is_patient: bool) -> tuple[Job | None, bool]:
        """Return the next job and whether the worker must exit; without either it is idle from here on."""
        if (job := self._take_first(me)) is not None:
            if due is not None:
                self.wake_all()  # another worker must now wait for what is due
            return job, False
        if due is None and (self._stopping or not is_patient) and not wake.is_set():
            self._leave(me)
            return None, True
        self._idle.add(me)
        if due is not None:
            self._watching.add(me)
            self._changed.set()
        return None, False

    def _wake_up(self, me: threading.Thread) -> None:
        self._idle.discard(me)
        self._watching.discard(me)
