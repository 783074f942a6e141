"""How an import ends early, and what is said of it; and what is told while it runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mixpress.clock import Clock
from mixpress.errors import AuthError, ImportInterrupted, TransportError
from mixpress.report.report import Progress, Report
from mixpress.retry import RetryPolicy
from mixpress.transport import Request, Response
from support.fakes import (
    UNREACHED,
    FakeClock,
    FakeServer,
    answer,
    bad,
    busy,
    client,
    event,
    events,
    kinds,
    ok,
    refusing,
    small_batches,
)

UNAUTHORIZED = answer(401, {"code": 401, "error": "Invalid credentials", "status": "Unauthorized"})

# How an import ends early


def raising_after(count: int, error: BaseException) -> Iterator[dict[str, Any]]:
    yield from events(count)
    raise error


def test_an_iterable_that_raises_at_once() -> None:
    server = FakeServer()
    with pytest.raises(ImportInterrupted, match="after 0 events") as caught:
        client(server).import_events(raising_after(0, OSError("disk on fire")))
    assert caught.value.report == Report(total=0, imported=0, failures=[])
    assert server.requests == []


@pytest.mark.parametrize("concurrency", [1, 4])
def test_what_an_iterable_gave_before_it_raised_is_delivered(concurrency: int) -> None:
    server = FakeServer()
    cause = ValueError("line 5 is odd")
    with pytest.raises(ImportInterrupted, match=r"after 5 events .*ValueError: line 5 is odd") as caught:
        client(server, encoder=small_batches(2), concurrency=concurrency).import_events(raising_after(5, cause))
    assert caught.value.__cause__ is cause
    assert caught.value.report is not None
    assert (caught.value.report.total, caught.value.report.imported) == (5, 5)
    assert sorted(server.imported) == [f"event-{number}" for number in range(5)]


def test_a_wrong_password_stops_the_import_at_once() -> None:
    server = FakeServer(ok(), UNAUTHORIZED)
    read: list[int] = []

    def watched() -> Iterator[dict[str, Any]]:
        for number in range(1000):
            read.append(number)
            yield event(number)

    with pytest.raises(AuthError, match="401 Unauthorized: Invalid credentials") as caught:
        client(server, encoder=small_batches(2)).import_events(watched())
    report = caught.value.report
    assert report is not None
    assert report.imported == 2
    assert report.total == len(read) < 20
    assert report.undelivered == report.total - 2
    assert len(server.requests) == 2
    assert kinds(report) == dict.fromkeys(range(2, report.total), "undelivered")
    assert "Invalid credentials" in report.failures[-1].message


def test_a_server_that_is_not_there() -> None:
    clock = FakeClock()
    server = FakeServer(UNREACHED)
    with pytest.raises(TransportError, match="nobody listens there") as caught:
        client(server, clock).import_events(events(3))
    assert caught.value.report is not None
    assert (caught.value.report.total, caught.value.report.undelivered) == (3, 3)
    assert clock.waits == [2 + 3, 4 + 3]


def test_a_server_that_goes_away_leaves_its_events_undelivered() -> None:
    server = FakeServer(ok(), UNREACHED)
    report = client(server, encoder=small_batches(2), retry=RetryPolicy(attempts=4)).import_events(events(6))
    assert (report.imported, report.undelivered, report.requests) == (2, 4, 9)


def test_an_untrusted_certificate_is_not_tried_twice() -> None:
    server = FakeServer(TransportError("not trusted", "certificate"))
    with pytest.raises(TransportError, match="not trusted"):
        client(server).import_events(events(3))
    assert len(server.requests) == 1


def test_a_transport_that_breaks_its_promise() -> None:
    server = FakeServer(ok(), KeyError("a bug of somebody else"), ok())
    with pytest.raises(ImportInterrupted, match="a bug of somebody else") as caught:
        client(server, encoder=small_batches(2)).import_events(events(100))
    assert isinstance(caught.value.__cause__, KeyError)
    report = caught.value.report
    assert report is not None
    assert kinds(report) == dict.fromkeys(range(2, report.total), "undelivered")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_an_interrupt_passes_through(error: BaseException) -> None:
    server = FakeServer()
    with pytest.raises(type(error)) as caught:
        client(server, encoder=small_batches(2)).import_events(raising_after(5, error))
    assert caught.value is error
    notes = getattr(error, "__notes__", ["mixpress: of the 5 events read until then"])
    assert "of the 5 events read until then" in notes[0]


def test_an_interrupt_wakes_who_waits_for_the_server() -> None:
    """On the real clock: the pause would last for an hour."""
    waiting = threading.Event()

    def busy_for_an_hour(_request: Request) -> Response:
        waiting.set()
        return busy(retry_after="3600")

    def interrupted() -> Iterator[dict[str, Any]]:
        yield from events(2)
        assert waiting.wait(10)
        raise KeyboardInterrupt

    policy = RetryPolicy(max_retry_after=3600)
    with pytest.raises(KeyboardInterrupt):
        client(FakeServer(busy_for_an_hour), Clock(), encoder=small_batches(1), retry=policy).import_events(
            interrupted()
        )


def test_a_callback_that_raises_ends_the_import() -> None:
    def stop(_progress: Progress) -> None:
        raise RuntimeError("stop it")

    with pytest.raises(ImportInterrupted, match="RuntimeError: stop it") as caught:
        client(FakeServer(), encoder=small_batches(1)).import_events(events(50), stop)
    report = caught.value.report
    assert report is not None
    assert report.imported + report.undelivered == report.total < 50


def test_progress_is_told_until_the_end() -> None:
    told: list[Progress] = []
    client(FakeServer(refusing(0)), encoder=small_batches(3)).import_events([bad(), *events(5)], told.append)
    assert told[-1] == Progress(total=6, imported=3, rejected=1, refused=2, undelivered=0, paused="")
    assert [progress.total for progress in told] == sorted(progress.total for progress in told)


def test_progress_says_why_it_waits() -> None:
    told: list[str] = []
    paused = threading.Event()

    class SlowClock(FakeClock):
        """A pause lasts until somebody has been told of it."""

        def wait(self, wake: threading.Event, seconds: float) -> None:
            assert paused.wait(10)
            super().wait(wake, seconds)

    def tell(progress: Progress) -> None:
        if progress.paused:
            told.append(progress.paused)
            paused.set()

    client(FakeServer(busy(), ok()), SlowClock()).import_events(events(1), tell)
    assert told[0] == "waiting 2 s: 429 Too Many Requests: Project exceeded rate limits."


def test_what_the_log_held_back_is_told_at_the_end_of_an_import(caplog: pytest.LogCaptureFixture) -> None:
    server = FakeServer(*[busy()] * 3, ok(), *[busy()] * 2, UNAUTHORIZED)
    made = client(server)
    made.import_events(events(1))
    busy_again = "429 Too Many Requests: Project exceeded rate limits."
    assert caplog.messages == [f"pausing for 2.0 s: {busy_again}", f"2 more in the last 23 s: {busy_again}"]
    with pytest.raises(AuthError):
        made.import_events(events(1))
    assert caplog.messages[2:] == [f"pausing for 2.0 s: {busy_again}", f"1 more in the last 12 s: {busy_again}"]


def test_what_the_log_held_back_is_told_when_the_client_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    with client(FakeServer(*[busy()] * 3, ok())) as made:
        made.track("Seen", "user")
        made.flush()
        assert len(caplog.messages) == 1
    assert caplog.messages[1:] == ["2 more in the last 23 s: 429 Too Many Requests: Project exceeded rate limits."]
    made.close()
    assert len(caplog.messages) == 2
