"""flush, close and stats: which events a report covers, which are pending, and which are given up."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest

from mixpress.clock import Clock
from mixpress.errors import ClientClosed
from mixpress.report.report import Progress, Report
from mixpress.report.stats import Stats
from mixpress.send.workers import WorkerPool
from support.clients import client, tracking
from support.clocks import START, StillClock
from support.events import bad, events, ids, small_batches
from support.replies import busy, refusing
from support.server import FakeServer, Hung


def test_a_report_covers_the_events_settled_since_the_last_report() -> None:
    with tracking(FakeServer(), Clock()) as made:
        assert made.flush() == Report(total=0, imported=0, failures=[])
        made.track("A", "u")
        made.track("A", "null")
        assert made.flush().total == 2
        assert made.flush().total == 0
        made.track("A", "u")
        assert made.close().imported == 1
        made.track("A", "u")  # a closed client can be used again
        assert made.flush().imported == 1


def test_a_flush_that_times_out_reports_the_pending_events() -> None:
    hung = Hung()
    with tracking(FakeServer(hung), encoder=small_batches(2)) as made:
        for _ in range(3):
            made.track("A", "u")
        made.track("A", "null")
        first = made.flush(timeout=5)
        assert (first.total, first.rejected, first.pending) == (1, 1, 3)
        assert made.stats().pending == 3
        hung.go.set()
        assert made.flush().imported == 3


def test_stats_count_imported_and_tracked_events_together() -> None:
    with tracking(FakeServer(refusing(0))) as made:
        made.import_events([*events(3), bad(3)])
        made.track("A", "u")
        made.track("A", "u")
        before = made.stats()
        assert (before.accepted, before.pending) == (6, 2)
        made.flush()
        after = made.stats()
    assert after == Stats(
        accepted=6,
        imported=3,
        rejected=1,
        refused=2,
        undelivered=0,
        dropped=0,
        pending=0,
        requests=2,
        retried=0,
        throttled=0,
        bytes=after.bytes,
    )


def test_close_gives_up_what_is_queued_and_waits_for_the_request_under_way() -> None:
    hung = Hung()
    settings: dict[str, Any] = {"encoder": small_batches(1), "on_failure": lambda _: hung.go.set()}
    with tracking(FakeServer(hung), **settings) as made:
        for _ in range(3):
            made.track("A", "u")
        assert hung.asked.wait(10)
        report = made.close(timeout=5)
    assert (report.total, report.imported, report.undelivered) == (3, 1, 2)
    assert "given up before the server had confirmed it: the client was closed" in report.failures[0].message


def test_close_does_not_wait_for_a_pause_that_outlasts_its_timeout() -> None:
    """The pause lasts five minutes, and `close` may take one."""

    class PausedClock(StillClock):
        """A pause lasts until it is interrupted; any other wait passes at once."""

        paused = threading.Event()

        def wait(self, wake: threading.Event, seconds: float) -> None:
            if 60 < seconds < 1e6:
                self.paused.set()
                assert wake.wait(10)
            else:
                super().wait(wake, seconds)

    clock = PausedClock()
    with tracking(FakeServer(busy(retry_after="300")), clock) as made:
        made.track("A", "u")
        assert made.flush(timeout=0).pending == 1
        assert clock.paused.wait(10)
        assert made.close(timeout=60).undelivered == 1
    assert clock.now == START


def test_close_ends_an_import_in_another_thread() -> None:
    hung = Hung()
    raised: list[Any] = []
    waiting = threading.Event()

    def see(progress: Progress) -> None:
        if progress.total >= 3:  # the third batch waits for room: the second is queued behind the one that hangs
            waiting.set()
        if progress.undelivered:
            hung.go.set()

    def run() -> None:
        try:
            made.import_events(events(5), see)
        except ClientClosed as error:
            raised.append(error)

    with tracking(FakeServer(hung), encoder=small_batches(1)) as made:
        thread = threading.Thread(target=run)
        thread.start()
        assert hung.asked.wait(10)
        assert waiting.wait(10)
        made.close()
        thread.join(10)
    assert raised[0].report.undelivered >= 1


def test_close_waits_for_a_worker_that_is_about_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has left the pool, and its thread has not ended."""
    run, join = WorkerPool._run, threading.Thread.join
    left, joined = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def run_late(pool: WorkerPool) -> None:
        threads.append(threading.current_thread())
        run(pool)
        left.set()
        assert joined.wait(10)

    def see_join(thread: threading.Thread, timeout: float | None = None) -> None:
        joined.set()
        join(thread, timeout)

    monkeypatch.setattr(WorkerPool, "_run", run_late)
    with tracking(FakeServer(), encoder=small_batches(1)) as made:
        made.track("A", "u")
        made.flush()
        made.engine.workers._ask_to_exit(also_busy=False)
        assert left.wait(10)
        monkeypatch.setattr(threading.Thread, "join", see_join)
        made.close()
        monkeypatch.undo()
        assert [thread.is_alive() for thread in threads] == [False]


def test_an_unreferenced_client_is_freed_and_its_events_are_delivered() -> None:
    server = FakeServer()
    delivered = threading.Event()
    made = client(server, encoder=small_batches(1), on_report=lambda _: delivered.set())
    made.track("A", "u")
    workers, reference = made.engine.workers, weakref.ref(made)
    del made
    gc.collect()
    assert reference() is None
    assert delivered.wait(10)
    workers.join_idle(10, also_busy=True)
    assert len(ids(server.requests[0])) == 1
