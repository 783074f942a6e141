"""import_events that ends early: its error, its report and its log; and progress while it runs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mixpress.errors import AuthError, ImportInterrupted, TransportError
from mixpress.report.report import Progress, Report
from mixpress.retry import RetryPolicy
from support.clients import client, kinds
from support.clocks import FakeClock
from support.events import bad, event, events, small_batches
from support.replies import UNREACHED, answer, busy, ok, refusing
from support.server import FakeServer

UNAUTHORIZED = answer(401, {"code": 401, "error": "Invalid credentials", "status": "Unauthorized"})


def raising_after(count: int, error: BaseException) -> Iterator[dict[str, Any]]:
    yield from events(count)
    raise error


def test_an_iterable_that_raises_at_once_sends_nothing() -> None:
    server = FakeServer()
    with pytest.raises(ImportInterrupted, match="after 0 events") as caught:
        client(server).import_events(raising_after(0, OSError("disk on fire")))
    assert caught.value.report == Report(total=0, imported=0, failures=[])
    assert server.requests == []


@pytest.mark.parametrize("concurrency", [1, 4])
def test_events_given_before_the_iterable_raised_are_delivered(concurrency: int) -> None:
    server = FakeServer()
    cause = ValueError("line 5 is odd")
    with pytest.raises(ImportInterrupted, match=r"after 5 events .*ValueError: line 5 is odd") as caught:
        client(server, encoder=small_batches(2), concurrency=concurrency).import_events(raising_after(5, cause))
    assert caught.value.__cause__ is cause
    assert caught.value.report is not None
    assert (caught.value.report.total, caught.value.report.imported) == (5, 5)
    assert sorted(server.imported) == [f"event-{number}" for number in range(5)]


def test_bad_credentials_stop_the_import_at_once() -> None:
    server = FakeServer(ok(), UNAUTHORIZED)
    read: list[int] = []

    def counted() -> Iterator[dict[str, Any]]:
        for number in range(1000):
            read.append(number)
            yield event(number)

    with pytest.raises(AuthError, match="401 Unauthorized: Invalid credentials") as caught:
        client(server, encoder=small_batches(2)).import_events(counted())
    report = caught.value.report
    assert report is not None
    assert report.imported == 2
    assert report.total == len(read) < 20
    assert report.undelivered == report.total - 2
    assert len(server.requests) == 2
    assert kinds(report) == dict.fromkeys(range(2, report.total), "undelivered")
    assert "Invalid credentials" in report.failures[-1].message


def test_a_server_that_was_never_reached_ends_the_import_after_three_attempts() -> None:
    clock = FakeClock()
    server = FakeServer(UNREACHED)
    with pytest.raises(TransportError, match="connection refused") as caught:
        client(server, clock).import_events(events(3))
    assert caught.value.report is not None
    assert (caught.value.report.total, caught.value.report.undelivered) == (3, 3)
    assert clock.waits == [2 + 3, 4 + 3]


def test_events_for_a_server_that_went_away_are_undelivered() -> None:
    server = FakeServer(ok(), UNREACHED)
    report = client(server, encoder=small_batches(2), retry=RetryPolicy(attempts=4)).import_events(events(6))
    assert (report.imported, report.undelivered, report.requests) == (2, 4, 9)


def test_an_untrusted_certificate_is_not_retried() -> None:
    server = FakeServer(TransportError("not trusted", "certificate"))
    with pytest.raises(TransportError, match="not trusted"):
        client(server).import_events(events(3))
    assert len(server.requests) == 1


def test_an_unexpected_exception_of_a_transport_ends_the_import() -> None:
    server = FakeServer(ok(), KeyError("a bug in the transport"), ok())
    with pytest.raises(ImportInterrupted, match="a bug in the transport") as caught:
        client(server, encoder=small_batches(2)).import_events(events(100))
    assert isinstance(caught.value.__cause__, KeyError)
    report = caught.value.report
    assert report is not None
    assert kinds(report) == dict.fromkeys(range(2, report.total), "undelivered")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_an_interrupt_is_raised_unchanged_with_a_note(error: BaseException) -> None:
    server = FakeServer()
    with pytest.raises(type(error)) as caught:
        client(server, encoder=small_batches(2)).import_events(raising_after(5, error))
    assert caught.value is error
    if sys.version_info >= (3, 11):
        [note] = error.__notes__
        assert "of 5 events read until then" in note


def test_an_interrupt_ends_the_pause_of_a_waiting_thread() -> None:
    paused = threading.Event()
    interrupted: list[bool] = []

    class PausedClock(FakeClock):
        """A pause lasts until it is interrupted."""

        def wait(self, wake: threading.Event, seconds: float) -> None:
            paused.set()
            interrupted.append(wake.wait(10))

    def given() -> Iterator[dict[str, Any]]:
        yield from events(2)
        assert paused.wait(10)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client(FakeServer(busy()), PausedClock(), encoder=small_batches(1)).import_events(given())
    assert interrupted == [True]


def test_an_on_progress_that_raises_ends_the_import() -> None:
    def stop(_progress: Progress) -> None:
        raise RuntimeError("stop it")

    with pytest.raises(ImportInterrupted, match="RuntimeError: stop it") as caught:
        client(FakeServer(), encoder=small_batches(1)).import_events(events(50), stop)
    report = caught.value.report
    assert report is not None
    assert report.imported + report.undelivered == report.total < 50


def test_the_last_progress_has_the_final_counts() -> None:
    seen: list[Progress] = []
    client(FakeServer(refusing(0)), encoder=small_batches(3)).import_events([bad(), *events(5)], seen.append)
    assert seen[-1] == Progress(total=6, imported=3, rejected=1, refused=2, undelivered=0, paused="")
    assert [progress.total for progress in seen] == sorted(progress.total for progress in seen)


def test_progress_has_the_reason_of_a_pause() -> None:
    reasons: list[str] = []
    seen = threading.Event()

    class SlowClock(FakeClock):
        """A pause lasts until `on_progress` has seen it."""

        def wait(self, wake: threading.Event, seconds: float) -> None:
            assert seen.wait(10)
            super().wait(wake, seconds)

    def note(progress: Progress) -> None:
        if progress.paused:
            reasons.append(progress.paused)
            seen.set()

    client(FakeServer(busy(), ok()), SlowClock()).import_events(events(1), note)
    assert reasons[0] == "waiting 2 s: 429 Too Many Requests: Project exceeded rate limits."


def test_suppressed_log_lines_are_counted_at_the_end_of_an_import(caplog: pytest.LogCaptureFixture) -> None:
    server = FakeServer(*[busy()] * 3, ok(), *[busy()] * 2, UNAUTHORIZED)
    made = client(server)
    made.import_events(events(1))
    busy_again = "429 Too Many Requests: Project exceeded rate limits."
    assert caplog.messages == [f"pausing for 2.0 s: {busy_again}", f"2 more in the last 23 s: {busy_again}"]
    with pytest.raises(AuthError):
        made.import_events(events(1))
    assert caplog.messages[2:] == [f"pausing for 2.0 s: {busy_again}", f"1 more in the last 12 s: {busy_again}"]


def test_suppressed_log_lines_are_counted_when_the_client_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    with client(FakeServer(*[busy()] * 3, ok())) as made:
        made.track("Seen", "user")
        made.flush()
        assert len(caplog.messages) == 1
    assert caplog.messages[1:] == ["2 more in the last 23 s: 429 Too Many Requests: Project exceeded rate limits."]
    made.close()
    assert len(caplog.messages) == 2
