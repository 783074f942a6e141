"""track, flush, close and stats: one event at a time, on a fake server and a fake clock."""

from __future__ import annotations

import json
import logging
import random
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from mixpress._core import Encoder, Limits
from mixpress.client.client import Client
from mixpress.clock import Clock
from mixpress.errors import AuthError, DeadLetterError, QueueFull
from mixpress.report.report import Failure, Report
from mixpress.report.stats import Stats
from mixpress.retry import RetryPolicy
from support.fakes import (
    START,
    UNREACHED,
    FakeClock,
    FakeServer,
    Hung,
    StillClock,
    answer,
    bad,
    busy,
    client,
    event,
    events,
    ids,
    ok,
    sent,
)
from support.fakes import refusing as refuse

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
NOW: dict[str, Any] = {"now": lambda: START}


@contextmanager
def tracking(server: FakeServer, clock: Clock | None = None, **settings: Any) -> Iterator[Client]:
    """A client of a fake server; batches leave only when they are full, or flushed, or `linger` says so."""
    settings = {"linger": 1e9, "encoder": Encoder(**NOW)} | settings
    with client(server, clock or StillClock(), **settings) as made:
        yield made


def of(size: int) -> Encoder:
    return Encoder(limits=Limits(max_batch_events=size), **NOW)


# What is sent


def test_an_event_is_sent_as_it_was_at_the_call() -> None:
    server = FakeServer()
    with tracking(server) as made:
        properties = {"plan": "pro"}
        assert made.track("Signed Up", "user-1", properties) is None
        properties["plan"] = "free"
        report = made.flush()
    [one] = sent(server.requests[0])
    assert one["event"] == "Signed Up"
    assert UUID.fullmatch(one["properties"].pop("$insert_id"))
    assert one["properties"] == {"time": int(START * 1000), "plan": "pro", "distinct_id": "user-1"}
    assert (report.total, report.imported, report.pending, report.requests) == (1, 1, 0, 1)


def test_two_equal_clicks_are_two_events_whatever_the_seed() -> None:
    server = FakeServer()
    with tracking(server) as made:
        for _ in range(100):
            random.seed(1)
            made.track("Click", "user-1")
        made.flush()
    assert len(set(server.imported)) == 100


def test_arguments_stand_before_properties_and_these_before_the_defaults() -> None:
    server = FakeServer()
    with tracking(server) as made:
        made.track("A", "u", {"time": 1_700_000_000, "$insert_id": "theirs", "distinct_id": "other"})
        made.track("A", "u", {"time": 5, "$insert_id": "theirs"}, time=1_700_000_001, insert_id="mine")
        made.track("A", "u", time=datetime(2024, 1, 1, tzinfo=timezone.utc))
        made.flush()
    seen = [[one["properties"][name] for name in ("time", "$insert_id", "distinct_id")] for one in sent_all(server)]
    assert seen[:2] == [[1_700_000_000, "theirs", "u"], [1_700_000_001, "mine", "u"]]
    assert seen[2][0] == 1_704_067_200_000


def sent_all(server: FakeServer) -> list[dict[str, Any]]:
    return [one for request in server.requests for one in sent(request)]


def test_many_whole_events() -> None:
    server = FakeServer()
    given: list[Any] = [event(0), {"event": "Bare", "properties": {"distinct_id": "u"}}, bad(2), "text", event(4)]
    with tracking(server) as made:
        found = made.track_many(iter(given))
        report = made.flush()
        with pytest.raises(TypeError, match="put it in a list"):
            made.track_many(event())
    assert {place: rejection.rule for place, rejection in found.items()} == {
        2: "distinct-id-disallowed",
        3: "event-not-object",
    }
    assert (report.total, report.imported, report.rejected) == (5, 3, 2)
    assert UUID.fullmatch(server.imported[1])
    assert given[1] == {"event": "Bare", "properties": {"distinct_id": "u"}}


# What is wrong is known at once


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("A", "null"), "distinct-id-disallowed"),
        (("", "u"), "event-blank"),
        (("A", "u", 5), "properties-type"),
        (("A", "u", {"x": b"bytes"}), "unsupported-type"),
    ],
)
def test_a_mistake_is_returned_counted_and_told(arguments: Any, rule: str) -> None:
    told: list[Failure] = []
    server = FakeServer()
    with tracking(server, on_failure=told.append) as made:
        made.track("Good", "u")
        rejection = made.track(*arguments)
        assert made.stats().rejected == 1
        report = made.flush()
    assert rejection is not None
    assert rejection.rule == rule
    assert [(failure.index, failure.rule, failure.kind) for failure in told] == [(1, rule, "rejected")]
    assert (report.total, report.imported, report.rejected) == (2, 1, 1)
    assert report.failures == told


def test_an_event_that_tracks_while_it_is_read_hangs_nothing() -> None:
    server = FakeServer()

    def convert(_value: object) -> str:
        made.track("Inner", "u")
        return "converted"

    with tracking(server, encoder=Encoder(default=convert, **NOW)) as made:
        made.track("Outer", "u", {"x": object()})
        assert made.flush().imported == 2
    assert [one["event"] for one in sent_all(server)] == ["Outer", "Inner"]


def test_rejections_of_many_threads_are_told_once_each() -> None:
    told: list[Failure] = []
    with tracking(FakeServer(), on_failure=told.append) as made:
        threads = [
            threading.Thread(target=lambda: [made.track("A", "null") for _ in range(500)] and None) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(failure.index for failure in told) == list(range(2000))


# When a batch leaves


def test_a_full_batch_leaves_at_once() -> None:
    told: list[Report] = []
    two = threading.Semaphore(0)

    def tell(report: Report) -> None:
        told.append(report)
        two.release()

    with tracking(FakeServer(), encoder=of(3), on_report=tell) as made:
        for number in range(7):
            made.track("A", f"user-{number}")
        assert all(two.acquire(timeout=10) for _ in range(2))
        assert [report.imported for report in told] == [3, 3]
        assert (made.stats().imported, made.stats().pending) == (6, 1)
        assert made.flush().imported == 7
    assert sum(report.total for report in told) == 7


def test_the_rest_leaves_after_a_second() -> None:
    clock = FakeClock()
    done = threading.Event()
    with tracking(FakeServer(), clock, linger=1.0, on_report=lambda _: done.set()) as made:
        made.track("A", "u")
        assert done.wait(10)
    assert clock.waits == [1.0]


def test_an_event_that_does_not_fit_is_the_first_of_the_next_batch() -> None:
    server = FakeServer()
    tight = Encoder(limits=Limits(max_batch_bytes=700, max_event_bytes=600), **NOW)
    with tracking(server, encoder=tight) as made:
        for number in range(10):
            made.track("A", f"user-{number}", {"x": "y" * 100})
        report = made.flush()
    assert report.imported == 10
    assert [one["properties"]["distinct_id"] for one in sent_all(server)] == [f"user-{number}" for number in range(10)]
    assert len(server.requests) > 2


# What the server says of it


def test_refusals_are_told_by_the_number_of_the_event() -> None:
    told: list[Failure] = []
    with tracking(FakeServer(refuse(1)), encoder=of(2), on_failure=told.append) as made:
        made.track("A", "null")
        for _ in range(4):
            made.track("A", "u")
        report = made.flush()
    assert [(failure.index, failure.kind) for failure in report.failures] == [
        (0, "rejected"),
        (2, "refused"),
        (4, "refused"),
    ]
    assert sorted(told, key=lambda failure: failure.index) == report.failures
    assert (report.total, report.imported, report.rejected, report.refused) == (5, 2, 1, 2)


def test_the_network_raises_nothing_and_is_tried_as_long_as_the_policy_says() -> None:
    """Nobody is there to see that a URL is wrong, and a network that is down at the start comes back."""
    server = FakeServer(*[UNREACHED] * 6, ok())
    with tracking(server) as made:
        made.track("A", "u")
        report = made.flush()
    assert (report.imported, report.retries) == (1, 6)


def test_a_wrong_password_is_in_each_report_and_once_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Each batch tries it once, as the credentials may be known to the server by then."""
    told: list[Failure] = []
    reports: list[Report] = []
    unauthorized = answer(401, {"error": "Invalid credentials"})
    server = FakeServer(*[unauthorized] * 3, ok())
    with tracking(server, encoder=of(2), on_failure=told.append, on_report=reports.append) as made:
        made.track_many(events(6))
        report = made.flush()
        assert (report.total, report.undelivered, report.requests) == (6, 6, 3)
        assert [one.undelivered for one in reports] == [2, 2, 2]
        assert (made.stats().undelivered, made.stats().pending) == (6, 0)
        assert all("401 Unauthorized: Invalid credentials" in failure.message for failure in told)
        [line] = errors(caplog)
        made.track("A", "u")
        assert made.flush().imported == 1
    assert line == (
        "2 tracked events could not be delivered: 401 Unauthorized: Invalid credentials (the credentials are not "
        "accepted; for a service account, project_id must be one of its projects); every batch is tried once "
        "and fails like this until the client is made with other credentials"
    )
    assert errors(caplog)[1:] == [f"2 more in the last 0 s: {line.removeprefix('2 ')}"]  # when it was closed


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (answer(404, "no such page"), "404 Not Found: no such page"),
        (answer(503, "later"), "given up after 10 attempts; last error: 503 Service Unavailable: later"),
        (UNREACHED, "nobody listens there"),
        (KeyError("a bug"), "'a bug'"),
    ],
)
def test_whatever_keeps_tracked_events_from_being_delivered_is_logged(
    reply: Any, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    with tracking(FakeServer(reply)) as made:
        made.track("A", "u")
        made.track("A", "u")
        assert made.flush().undelivered == 2
    assert errors(caplog) == [f"2 tracked events could not be delivered: {why}"]


def test_what_ends_an_import_is_raised_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with tracking(FakeServer(answer(401, "no"))) as made, pytest.raises(AuthError):
        made.import_events(events(3))
    assert errors(caplog) == []


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]


def test_given_up_after_the_last_attempt() -> None:
    with tracking(FakeServer(busy()), retry=RetryPolicy(attempts=3)) as made:
        made.track("A", "u")
        report = made.flush()
        stats = made.stats()
    assert (report.undelivered, report.requests, report.throttled) == (1, 3, 3)
    assert (stats.undelivered, stats.retried, stats.throttled) == (1, 2, 3)


def test_a_report_is_on_what_was_settled_since_the_last_one() -> None:
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


def test_a_flush_that_runs_out_of_time_says_what_is_pending() -> None:
    hung = Hung()
    with tracking(FakeServer(hung), encoder=of(2)) as made:
        for _ in range(3):
            made.track("A", "u")
        made.track("A", "null")
        first = made.flush(timeout=5)
        assert (first.total, first.rejected, first.pending) == (1, 1, 3)
        assert made.stats().pending == 3
        hung.go.set()
        assert made.flush().imported == 3


def test_close_gives_up_what_no_answer_came_to() -> None:
    hung = Hung()
    with tracking(FakeServer(hung), encoder=of(1), concurrency=1) as made:
        for _ in range(3):
            made.track("A", "u")
        assert hung.asked.wait(10)
        threading.Timer(0.1, hung.go.set).start()
        report = made.close(timeout=5)
    assert (report.total, report.imported, report.undelivered) == (3, 1, 2)
    assert "given up before the server had confirmed it: the client was closed" in report.failures[0].message


def test_close_does_not_wait_for_the_end_of_a_pause_that_is_longer() -> None:
    """On the real clock: the pause would last for five minutes, and the close for one."""
    with tracking(FakeServer(busy(retry_after="300")), Clock()) as made:
        made.track("A", "u")
        assert made.flush(timeout=0.2).pending == 1
        assert made.close(timeout=60).undelivered == 1


def test_closing_ends_an_import_of_another_thread() -> None:
    from mixpress.errors import ClientClosed

    hung = Hung()
    raised: list[Any] = []

    def run() -> None:
        try:
            made.import_events(events(5))
        except ClientClosed as error:
            raised.append(error)

    with tracking(FakeServer(hung), encoder=of(1), concurrency=1) as made:
        thread = threading.Thread(target=run)
        thread.start()
        assert hung.asked.wait(10)
        threading.Timer(0.1, hung.go.set).start()
        made.close()
        thread.join(10)
    assert raised[0].report.undelivered >= 1


# A full queue


def test_a_full_queue_blocks_until_there_is_room() -> None:
    hung = Hung()
    server = FakeServer(hung)
    with tracking(server, queue_size=2) as made:
        made.track("A", "u")
        made.track("A", "u")
        third = threading.Thread(target=made.track, args=("A", "u"))
        third.start()
        assert hung.asked.wait(10)  # a full queue packs what it holds
        assert third.is_alive()
        assert made.stats().accepted == 2
        hung.go.set()
        third.join(10)
        assert made.flush().imported == 3


def test_a_full_queue_blocks_no_longer_than_told() -> None:
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


def test_a_full_queue_raises() -> None:
    with tracking(FakeServer(), queue_size=2, on_full="raise") as made:
        made.track("A", "u")
        made.track("A", "u")
        with pytest.raises(QueueFull):
            made.track("A", "u")
        made.flush()
        made.track("A", "u")
        assert made.flush().total == 1


def test_a_full_queue_drops_and_counts() -> None:
    with tracking(FakeServer(), queue_size=2, on_full="drop") as made:
        for _ in range(5):
            assert made.track("A", "u") is None
        assert (made.stats().accepted, made.stats().dropped, made.stats().pending) == (5, 3, 2)
        assert made.flush().imported == 2


def test_what_is_dropped_is_logged_with_its_number(caplog: pytest.LogCaptureFixture) -> None:
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


def test_bytes_fill_a_queue_too() -> None:
    hung = Hung()
    with tracking(FakeServer(hung), encoder=of(1), queue_bytes=500, on_full="raise") as made:
        with pytest.raises(QueueFull, match="bytes"):
            made.track_many(events(100))
        assert 2 <= made.stats().pending < 10
        hung.go.set()
        made.flush()


# Callbacks


def raising(_argument: object) -> None:
    raise ZeroDivisionError("in a callback")


def test_callbacks_that_raise_are_logged_once_and_break_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with tracking(FakeServer(refuse(0)), encoder=of(2), on_report=raising, on_failure=raising) as made:
        for _ in range(10):
            made.track("A", "u")
            made.track("A", "null")
        report = made.flush()
    assert (report.imported, report.refused, report.rejected) == (5, 5, 10)
    told = [record.getMessage().partition(" raised")[0] for record in caplog.records if record.levelno == logging.ERROR]
    assert sorted(told) == ["on_failure", "on_report"]


@pytest.mark.parametrize("act", [lambda made: made.flush(), lambda made: made.import_events([]), Client.close])
def test_a_callback_does_not_wait_for_itself(act: Callable[[Client], object]) -> None:
    raised: list[Exception] = []

    def call(_report: Report) -> None:
        try:
            act(made)
        except RuntimeError as error:
            raised.append(error)

    with tracking(FakeServer(), on_report=call) as made:
        made.track("A", "u")
        made.flush()
    assert "inside a client callback would deadlock" in str(raised[0])


def test_a_callback_may_track() -> None:
    tracked: list[object] = []

    def call(_report: Report) -> None:
        if not tracked:
            tracked.append(made.track("Told", "u"))

    with tracking(FakeServer(), encoder=of(1), on_report=call) as made:
        made.track("A", "u")
        made.flush()
        made.flush()
        assert made.stats().imported == 2


# The rest


def test_a_dead_letter_holds_what_was_not_imported(tmp_path: Path) -> None:
    path = tmp_path / "dead.ndjson"
    with tracking(FakeServer(refuse(1)), dead_letter=path) as made:
        made.track("Refused not", "u")
        made.track("Refused", "u", insert_id="number-2")
        made.track("Rejected", "null")
        report = made.flush()
        made.import_events([bad(7)])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["kind"], line["event"]["event"]) for line in lines] == [
        ("rejected", "Rejected"),
        ("refused", "Refused"),
        ("rejected", "Seen"),
    ]
    assert lines[1]["event"]["properties"]["$insert_id"] == "number-2"
    assert report.unwritten == 0


def test_a_dead_letter_that_can_not_be_opened_is_known_at_the_first_event(tmp_path: Path) -> None:
    with (
        tracking(FakeServer(), dead_letter=tmp_path / "no" / "such") as made,
        pytest.raises(DeadLetterError, match="can't be opened"),
    ):
        made.track("A", "u")


def test_imports_and_tracked_events_count_together() -> None:
    with tracking(FakeServer(refuse(0))) as made:
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


def test_many_threads_track_at_one_time() -> None:
    server = FakeServer()
    with tracking(server, encoder=of(50), concurrency=3, queue_size=200) as made:

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


def test_a_client_that_nobody_holds_is_gone_and_its_events_are_not() -> None:
    import gc
    import weakref

    server = FakeServer()
    delivered = threading.Event()
    made = client(server, encoder=of(1), on_report=lambda _: delivered.set())
    made.track("A", "u")
    workers, reference = made.engine.workers, weakref.ref(made)
    del made
    gc.collect()
    assert reference() is None
    assert delivered.wait(10)
    workers.join_idle(10, also_busy=True)
    assert len(ids(server.requests[0])) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"queue_size": 0}, {"queue_bytes": 0}, {"on_full": "wait"}, {"linger": -1}, {"exit_timeout": float("inf")}],
)
def test_arguments_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        client(FakeServer(), **wrong)
