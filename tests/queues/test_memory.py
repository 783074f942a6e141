"""The queue in memory: when it packs a batch, what it does when it is full, and concurrent calls of `track`."""

from __future__ import annotations

import threading

import pytest

from mixpress._core import Limits
from mixpress.errors import QueueFull
from mixpress.report.report import Report
from support.clients import tracking
from support.clocks import START, FakeClock, StillClock
from support.events import encoder, events, small_batches
from support.server import FakeServer, Hung, sent_all

# When a batch is packed


def test_a_full_batch_is_sent_at_once() -> None:
    reports: list[Report] = []
    two = threading.Semaphore(0)

    def note(report: Report) -> None:
        reports.append(report)
        two.release()

    with tracking(FakeServer(), encoder=small_batches(3), on_report=note) as made:
        for number in range(7):
            made.track("A", f"user-{number}")
        assert all(two.acquire(timeout=10) for _ in range(2))
        assert [report.imported for report in reports] == [3, 3]
        assert (made.stats().imported, made.stats().pending) == (6, 1)
        assert made.flush().imported == 7
    assert sum(report.total for report in reports) == 7


def test_an_open_batch_is_sent_after_linger_seconds() -> None:
    clock = FakeClock()
    done = threading.Event()
    with tracking(FakeServer(), clock, linger=1.0, on_report=lambda _: done.set()) as made:
        made.track("A", "u")
        assert done.wait(10)
    assert clock.waits == [1.0]


def test_an_event_that_does_not_fit_opens_the_next_batch() -> None:
    server = FakeServer()
    tight = encoder(limits=Limits(max_batch_bytes=700, max_event_bytes=600))
    with tracking(server, encoder=tight) as made:
        for number in range(10):
            made.track("A", f"user-{number}", {"x": "y" * 100})
        report = made.flush()
    assert report.imported == 10
    assert [one["properties"]["distinct_id"] for one in sent_all(server)] == [f"user-{number}" for number in range(10)]
    assert len(server.requests) > 2


# A full queue


def test_a_full_queue_blocks_until_a_batch_is_delivered() -> None:
    hung = Hung()
    server = FakeServer(hung)
    with tracking(server, queue_size=2) as made:
        made.track("A", "u")
        made.track("A", "u")
        third = threading.Thread(target=made.track, args=("A", "u"))
        third.start()
        assert hung.asked.wait(10)  # the blocked call has packed the open batch
        assert third.is_alive()
        assert made.stats().accepted == 2
        hung.go.set()
        third.join(10)
        assert made.flush().imported == 3


def test_a_full_queue_raises_after_block_timeout() -> None:
    hung = Hung()
    clock = StillClock()
    with tracking(FakeServer(hung), clock, queue_size=2, block_timeout=5) as made:
        made.track("A", "u")
        made.track("A", "u")
        with pytest.raises(QueueFull, match="the queue stayed full for 5 s: 2 events wait"):
            made.track("A", "u")
        assert clock.now == START + 5
        hung.go.set()
        assert made.flush().imported == 2
        assert made.stats().accepted == 2


def test_a_full_queue_raises_at_once_with_on_full_raise() -> None:
    with tracking(FakeServer(), queue_size=2, on_full="raise") as made:
        made.track("A", "u")
        made.track("A", "u")
        with pytest.raises(QueueFull):
            made.track("A", "u")
        made.flush()
        made.track("A", "u")
        assert made.flush().total == 1


def test_a_full_queue_drops_and_counts_events_with_on_full_drop() -> None:
    with tracking(FakeServer(), queue_size=2, on_full="drop") as made:
        for _ in range(5):
            assert made.track("A", "u") is None
        assert (made.stats().accepted, made.stats().dropped, made.stats().pending) == (5, 3, 2)
        assert made.flush().imported == 2


def test_dropped_events_are_counted_in_the_log_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    hung = Hung()
    clock = StillClock()
    with tracking(FakeServer(hung), clock, queue_size=2, on_full="drop") as made:
        made.track_many(events(2 + 5))
        dropped = "an event was dropped because the queue is full"
        assert caplog.messages == [f"{dropped}: 2 events wait"]
        clock.now += 60
        made.track_many(events(3))
        assert caplog.messages[1:] == [f"{dropped}: 2 events wait (and 4 more in the last 60 s)"]
        hung.go.set()
        assert (made.flush().imported, made.stats().dropped) == (2, 5 + 3)
    assert caplog.messages[2:] == [f"2 more in the last 0 s: {dropped}"]


def test_queue_bytes_bounds_the_queue() -> None:
    hung = Hung()
    with tracking(FakeServer(hung), encoder=small_batches(1), queue_bytes=500, on_full="raise") as made:
        with pytest.raises(QueueFull, match="bytes"):
            made.track_many(events(100))
        assert 2 <= made.stats().pending < 10
        hung.go.set()
        made.flush()


# Concurrent and nested calls


def test_a_conversion_that_tracks_an_event_does_not_deadlock() -> None:
    server = FakeServer()

    def convert(_value: object) -> str:
        made.track("Inner", "u")
        return "converted"

    with tracking(server, encoder=encoder(default=convert)) as made:
        made.track("Outer", "u", {"x": object()})
        assert made.flush().imported == 2
    assert [one["event"] for one in sent_all(server)] == ["Outer", "Inner"]


def test_an_event_of_a_thread_that_holds_another_lock_waits_for_no_thread() -> None:
    """A `__del__` may track at any allocation, also where the lock of the workers is held."""
    server = FakeServer()
    sent = threading.Event()
    with tracking(server, encoder=small_batches(1), on_report=lambda _: sent.set()) as made:
        made.track("A", "u")
        assert sent.wait(10)
        sent.clear()
        workers, queue = made.engine.workers, made.engine.queue
        inside, waiting = threading.Event(), threading.Event()

        def track_inside() -> None:
            inside.set()
            assert waiting.wait(10)
            assert made.track("B", "u") is None

        def wait_for_the_workers() -> None:
            assert inside.wait(10)
            waiting.set()
            workers.nudge()

        threads = [
            threading.Thread(target=workers._locked, args=[track_inside], daemon=True),
            threading.Thread(target=queue._locked, args=[wait_for_the_workers], daemon=True),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
        assert sent.wait(10)  # by a worker, without another call
        assert made.stats().imported == 2


def test_many_threads_track_concurrently() -> None:
    server = FakeServer()
    with tracking(server, encoder=small_batches(50), concurrency=3, queue_size=200) as made:

        def run(name: str) -> None:
            for number in range(500):
                made.track("A", name, insert_id=f"{name}-{number}")

        threads = [threading.Thread(target=run, args=(f"thread{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        report = made.flush()
    assert report.imported == 2000
    assert len(set(server.imported)) == 2000
