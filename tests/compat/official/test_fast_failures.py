"""fast=True: retries, and the messages that were not delivered, which `flush` raises for."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from mixpress import RetryPolicy
from mixpress.compat.mixpanel import MixpanelException
from mixpress.emulator import Emulator
from support.events import sent
from support.replies import UNREACHED, answer, busy, ok, refusing

from .fast_consumers import ACCOUNT, event, failing, faked, fast, group, ids, person, urls
from .recorder import recording


def test_retries_send_the_same_bytes() -> None:
    with faked(UNREACHED, busy(), answer(502, "bad gateway"), ok()) as (consumer, server):
        consumer.send("events", event())
        consumer.flush()
    assert len(server.requests) == 4
    assert len({request.body for request in server.requests}) == 1


def test_lost_messages_are_in_the_exception_and_can_be_sent_again() -> None:
    with faked(busy(), busy(), ok(), retry=RetryPolicy(attempts=2)) as (consumer, server):
        consumer.send("events", event(1))
        consumer.send("events", event(2, distinct_id="null"))
        consumer.send("events", event(3))
        error = failing(consumer)
        assert error.endpoint == "events"
        assert str(error).startswith("events: 3 of 3 messages failed (1 rejected, 2 undelivered; the first: ")
        assert sorted(ids(json.loads(error.message))) == ["event-1", "event-2", "event-3"]
        assert error.lost == {"events": error.message}
        [report] = error.reports["events"]
        assert (report.rejected, report.undelivered) == (1, 2)
        assert {failure.rule for failure in report.failures} == {"distinct-id-disallowed", None}
        consumer.flush()  # a failure is raised only once
        consumer.send("events", error.message)
        assert "1 of 3 messages" in str(failing(consumer))
        assert ids(sent(server.requests[-1])) == ["event-1", "event-3"]


def test_the_exception_names_each_endpoint() -> None:
    with faked(refusing(0), answer(200, {"error": "no such group", "status": 0}), credentials=ACCOUNT) as (consumer, _):
        consumer.send("imports", event(1))
        consumer.send("groups", group())
        error = failing(consumer)
    assert set(error.lost) == set(error.reports) == {"imports", "groups"}
    assert json.loads(error.lost["groups"]) == [json.loads(group())]
    assert ids(json.loads(error.lost["imports"])) == ["event-1"]
    assert "imports: 1 of 1" in str(error)
    assert "groups: 1 of 1 messages failed (1 refused; the first: no such group)" in str(error)


def test_wrong_credentials_raise_without_a_retry() -> None:
    denied = answer(401, {"code": 401, "error": "Invalid credentials a-well-kept-secret", "status": "Unauthorized"})
    with faked(denied, credentials=ACCOUNT) as (consumer, server):
        consumer.send("imports", event())
        assert "Invalid credentials ***" in str(failing(consumer))
    assert len(server.requests) == 1


def test_a_flush_that_times_out_counts_what_is_waiting() -> None:
    with recording() as server, fast(**server.urls) as consumer:
        server.hold.clear()
        consumer.send("people", person())
        consumer.send("events", event())
        with pytest.raises(MixpanelException, match="people: 0 of 0 messages failed, 1 pending"):
            consumer.flush(timeout=0)
        server.hold.set()
        consumer.flush()
        assert {request.path.partition("?")[0] for request in server.requests} == {"/engage", "/track"}


def test_a_full_queue_can_raise() -> None:
    with faked(queue_size=1, on_full="raise") as (consumer, _):
        consumer.send("events", event(1))
        with pytest.raises(MixpanelException, match="the queue is full") as caught:
            consumer.send("events", event(2))
        assert ids([json.loads(caught.value.message)]) == ["event-2"]


def test_close_gives_up_and_raises() -> None:
    with recording() as server:
        server.hold.clear()
        with fast(**server.urls) as consumer:
            consumer.send("events", event())
            with pytest.raises(MixpanelException, match="1 pending"):
                consumer.flush(timeout=0)
            assert server.asked.wait(20)
            with pytest.raises(MixpanelException, match="1 undelivered"):
                consumer.close(timeout=0)
        server.hold.set()


def test_failures_are_logged_even_without_flush(caplog: pytest.LogCaptureFixture) -> None:
    with faked() as (consumer, _):
        for number in range(3):
            consumer.send("events", event(number, distinct_id="null"))
        assert [record.getMessage() for record in caplog.records] == [
            "a message to events was rejected: distinct-id-disallowed"
        ]
    assert caplog.messages[1:] == ["2 more in the last 0 s: distinct-id-disallowed"]


def test_on_failure_gets_every_failure() -> None:
    seen: list[Any] = []
    with faked(answer(200, "0"), on_failure=seen.append) as (consumer, _):
        consumer.send("events", event())
        consumer.send("people", person())
        failing(consumer)
    assert [failure.kind for failure in seen] == ["refused", "refused"]


def test_threads_lose_no_message() -> None:
    with Emulator() as server, fast(**urls(server)) as consumer:
        start = threading.Barrier(8)

        def run(thread: int) -> None:
            start.wait()
            for number in range(500):
                consumer.send("events", event(thread * 500 + number))

        threads = [threading.Thread(target=run, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        consumer.flush()
        assert sorted(ids(server.events())) == sorted(f"event-{number}" for number in range(4000))
        assert sum(request.events for request in server.requests()) == 4000


def test_events_of_two_projects_are_sent_in_separate_requests() -> None:
    with faked() as (consumer, server):
        for number, token in enumerate(["one", "two", "one"]):
            consumer.send("events", event(number, token=token))
        consumer.flush()
        assert sorted(ids(sent(request)) for request in server.requests) == [["event-0", "event-2"], ["event-1"]]
