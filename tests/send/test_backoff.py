"""The pause of the whole client, and the cancellation of one import or batch."""

from __future__ import annotations

import logging

import pytest

from mixpress.log import RepeatLog
from mixpress.retry import RetryPolicy
from mixpress.send.backoff import Backoff
from mixpress.send.job import CancelToken
from support.clocks import START, FakeClock


def backoff(clock: FakeClock) -> Backoff:
    return Backoff(RetryPolicy(), clock, RepeatLog(clock))


def test_without_a_pause_nothing_waits() -> None:
    clock = FakeClock()
    assert backoff(clock).wait(CancelToken())
    assert clock.waits == []


def test_a_thread_waits_for_the_pause_and_its_jitter_once() -> None:
    clock = FakeClock()
    shared = backoff(clock)
    shared.pause(10, "busy")
    assert shared.wait(CancelToken())
    assert shared.wait(CancelToken())  # the pause is over
    assert clock.waits == [10 + 3]


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    clock = FakeClock()
    shared = backoff(clock)
    shared.pause(10, "long")
    shared.pause(2, "short")
    assert shared.paused() == "waiting 10 s: long"
    shared.wait(CancelToken())
    assert clock.waits == [10 + 3]


def test_a_pause_that_is_extended_is_waited_for_to_its_end() -> None:
    class LaterClock(FakeClock):
        def wait(self, wake: object, seconds: float) -> None:
            super().wait(wake, seconds)  # type: ignore[arg-type]
            if len(self.waits) == 1:
                shared.pause(20, "again")

    clock = LaterClock()
    shared = backoff(clock)
    shared.pause(10, "busy")
    assert shared.wait(CancelToken())
    assert clock.now >= START + 10 + 3 + 20


def test_a_cancelled_import_does_not_wait() -> None:
    clock = FakeClock()
    shared = backoff(clock)
    shared.pause(10, "busy")
    token = CancelToken()
    token.cancel(None)
    assert not shared.wait(token)
    assert clock.waits == []


def test_the_first_error_of_a_cancellation_counts() -> None:
    token = CancelToken()
    first = ValueError("first")
    token.cancel(first)
    token.cancel(ValueError("second"))
    assert token.error is first


def test_a_pause_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    shared = backoff(FakeClock())
    with caplog.at_level(logging.WARNING, "mixpress"):
        for _ in range(10):
            shared.pause(10, "429 Too Many Requests")
    assert caplog.messages == ["pausing for 10.0 s: 429 Too Many Requests"]


def test_a_repeated_reason_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    shared = backoff(clock)
    with caplog.at_level(logging.WARNING, "mixpress"):
        for _ in range(7):
            shared.pause(10, "503 Service Unavailable")
            shared.wait(CancelToken())
    assert caplog.messages == [
        "pausing for 10.0 s: 503 Service Unavailable",
        "pausing for 10.0 s: 503 Service Unavailable (and 4 more in the last 65 s)",
    ]
