"""`WorkerPool`: which worker sleeps, and which one wakes."""

from __future__ import annotations

import threading
from typing import Any

from mixpress.clock import Clock
from mixpress.send.job import CancelToken, Job
from mixpress.send.workers import WorkerPool


class Nothing(Job):
    """A job of a batch without events."""

    def __init__(self) -> None:
        unused: Any = None
        super().__init__(unused, unused, CancelToken())

    def done(self) -> None:
        """Do nothing."""


def test_a_worker_that_is_about_to_sleep_is_woken_with_the_others() -> None:
    """It has looked for what is due, and sleeps too late to see what another worker has seen meanwhile."""
    both = threading.Barrier(2)
    workers: list[threading.Thread] = []
    looking, slept = threading.Event(), threading.Event()

    def work(_job: Job) -> None:
        workers.append(threading.current_thread())
        both.wait(10)

    def tend() -> float | None:
        if len(workers) == 2 and threading.current_thread() is workers[1] and not looking.is_set():
            looking.set()
            assert slept.wait(10)
            return 1000.0
        return None

    pool = WorkerPool(2, work, tend, Clock())
    pool.put(Nothing())
    pool.put(Nothing())
    assert looking.wait(10)
    pool.join_idle(0.0, also_busy=True)
    workers[0].join(10)
    slept.set()
    workers[1].join(10)
    assert [worker.is_alive() for worker in workers] == [False, False]


def test_a_cancelled_job_does_not_wait_for_an_earlier_one() -> None:
    """The earlier one may be cut off late, and nothing of the cancelled one is sent."""
    held, handled = threading.Event(), list[Job]()
    jobs = [Nothing() for _ in range(3)]
    ended = threading.Semaphore(0)

    def work(job: Job) -> None:
        if job is jobs[0]:
            held.wait(10)
        handled.append(job)
        ended.release()

    pool = WorkerPool(3, work, lambda: None, Clock(), ordered=True)
    jobs[1].cancel_token.cancel(None)
    for job in jobs:
        pool.put(job)
    assert ended.acquire(timeout=10)
    assert handled == [jobs[1]]
    held.set()
    assert ended.acquire(timeout=10)
    assert ended.acquire(timeout=10)
    assert handled == [jobs[1], jobs[0], jobs[2]]
    pool.join_idle(10)
