"""Sending a batch: retries, pauses and splits, on a fake server and a fake clock."""

from __future__ import annotations

import threading
from typing import Any

from mixpress.transport import Request, Response
from support.clients import client, kinds
from support.clocks import START, FakeClock
from support.events import as_json, bad, event, events, ids, sent, small_batches
from support.replies import RESET, answer, busy, ok
from support.server import FakeServer

# Retries


def test_a_retry_sends_identical_bytes_after_the_documented_waits() -> None:
    clock = FakeClock()
    server = FakeServer(busy(), answer(503, "upstream"), RESET, answer(500, ""), ok())
    report = client(server, clock).import_events(events(3))
    assert (report.imported, report.requests, report.retries) == (3, 5, 4)
    assert len({request.body for request in server.requests}) == 1
    assert clock.waits == [2 + 3, 4 + 3, 8 + 3, 16 + 3]
    assert report.bytes_sent == 5 * len(server.requests[0].body)
    assert report.elapsed == sum(clock.waits)


def test_after_ten_attempts_a_batch_is_undelivered_and_the_next_is_sent() -> None:
    clock = FakeClock()
    server = FakeServer(*[answer(502, "bad gateway")] * 10, ok())
    report = client(server, clock, encoder=small_batches(2)).import_events(events(3))
    assert (report.imported, report.undelivered) == (1, 2)
    assert kinds(report) == {0: "undelivered", 1: "undelivered"}
    assert report.failures[0].message == "given up after 10 attempts; last error: 502 Bad Gateway: bad gateway"
    assert clock.waits == [wait + 3 for wait in (2, 4, 8, 16, 32, 60, 60, 60, 60)]


def test_retry_after_sets_the_wait() -> None:
    clock = FakeClock()
    client(FakeServer(busy(retry_after="20"), ok()), clock).import_events(events(1))
    assert clock.waits == [20 + 3]


def test_a_refused_batch_is_never_sent_again() -> None:
    server = FakeServer(answer(400, {"error": "no"}), ok())
    report = client(server, encoder=small_batches(2)).import_events(events(4))
    assert (report.imported, report.refused, report.requests) == (2, 2, 2)
    assert server.imported == ["event-0", "event-1", "event-2", "event-3"]


def test_a_404_is_not_retried() -> None:
    report = client(FakeServer(answer(404, "not found"))).import_events(events(2))
    assert (report.undelivered, report.requests) == (2, 1)
    assert report.failures[0].message == "404 Not Found: not found"


def test_a_pause_holds_back_the_whole_client() -> None:
    """While one batch waits, no other is sent: every later request follows the pause."""
    clock = FakeClock()
    times: list[float] = []
    together = threading.Barrier(3)

    def answer_busy_at_first(_request: Request) -> Response:
        times.append(clock.monotonic())
        if len(times) <= 3:
            together.wait(10)  # three requests are under way when the first pause starts
            return busy()
        return ok()

    settings: dict[str, Any] = {"encoder": small_batches(1), "concurrency": 3}
    report = client(FakeServer(answer_busy_at_first), clock, **settings).import_events(events(12))
    assert report.imported == 12
    assert times[:3] == [START] * 3
    assert len(times) == 15
    assert min(times[3:]) >= START + 2


# Too large for the server


def refuse_more_than(most: int, **names: Any) -> Any:
    def handle(request: Request) -> Response:
        if len(sent(request)) > most:
            return answer(413, {"code": 413, "error": names.get("error", "too large")})
        return ok()

    return handle


def test_a_batch_that_is_too_large_is_halved_until_it_fits() -> None:
    server = FakeServer(refuse_more_than(2))
    clock = FakeClock()
    report = client(server, clock).import_events(events(8))
    assert report.imported == 8
    assert [len(sent(request)) for request in server.requests] == [8, 4, 2, 2, 4, 2, 2]
    assert clock.waits == []


def test_a_limit_named_by_the_server_applies_to_later_batches() -> None:
    size = len(as_json(event(0)))
    server = FakeServer(
        refuse_more_than(2, error=f"request exceeds max limit of {2 * size + 10} bytes"),
    )
    report = client(server, encoder=small_batches(4)).import_events(events(12))
    assert report.imported == 12
    assert [len(sent(request)) for request in server.requests] == [4, 2, 2, 2, 2, 2, 2]


def test_one_event_that_is_too_large_does_not_hold_back_the_others() -> None:
    def refuse_the_third(request: Request) -> Response:
        return answer(413, {"error": "too large"}) if "event-2" in ids(request) else ok()

    given = [bad(9), *events(5)]
    report = client(FakeServer(refuse_the_third)).import_events(given)
    assert (report.imported, report.rejected, report.refused) == (4, 1, 1)
    assert kinds(report) == {0: "rejected", 3: "refused"}
    assert report.failures[1].message == "too large for this server: too large"
