"""The pause of the whole client, and the cancellation of one import or batch."""

from __future__ import annotations

import logging

import pytest

from mixpress.log import RepeatLog
from mixpress.retry import RetryPolicy
from mixpress.send.backoff import Gate, Halt
from support.clocks import START, FakeClock


def gate(clock: FakeClock) -> Gate:
    return Gate(RetryPolicy(), clock, RepeatLog(clock))


def test_without_a_pause_nothing_waits() -> None:
    clock = FakeClock()
    assert gate(clock).wait(Halt())
    assert clock.waits == []


def test_a_thread_waits_for_the_pause_and_its_jitter_once() -> None:
    clock = FakeClock()
    shared = gate(clock)
    shared.hold(10, "busy")
    assert shared.wait(Halt())
    assert shared.wait(Halt())  # the pause is over
    assert clock.waits == [10 + 3]


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    clock = FakeClock()
    shared = gate(clock)
    shared.hold(10, "long")
    shared.hold(2, "short")
    assert shared.paused() == "waiting 10 s: long"
    shared.wait(Halt())
    assert clock.waits == [10 + 3]


def test_a_pause_that_is_extended_is_waited_for_to_its_end() -> None:
    class LaterClock(FakeClock):
        def wait(self, wake: object, seconds: float) -> None:
            super().wait(wake, seconds)  # type: ignore[arg-type]
            if len(self.waits) == 1:
                shared.hold(20, "again")

    clock = LaterClock()
    shared = gate(clock)
    shared.hold(10, "busy")
    assert shared.wait(Halt())
    assert clock.now >= START + 10 + 3 + 20


def test_a_cancelled_import_does_not_wait() -> None:
    clock = FakeClock()
    shared = gate(clock)
    shared.hold(10, "busy")
    halt = Halt()
    halt.stop(None)
    assert not shared.wait(halt)
    assert clock.waits == []


def test_the_first_error_of_a_cancellation_counts() -> None:
    halt = Halt()
    first = ValueError("first")
    halt.stop(first)
    halt.stop(ValueError("second"))
    assert halt.error is first


def test_a_pause_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    shared = gate(FakeClock())
    with caplog.at_level(logging.WARNING, "mixpress"):
        for _ in range(10):
            shared.hold(10, "429 Too Many Requests")
    assert caplog.messages == ["pausing for 10.0 s: 429 Too Many Requests"]


def test_a_repeated_reason_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    shared = gate(clock)
    with caplog.at_level(logging.WARNING, "mixpress"):
        for _ in range(7):
            shared.hold(10, "503 Service Unavailable")
            shared.wait(Halt())
    assert caplog.messages == [
        "pausing for 10.0 s: 503 Service Unavailable",
        "pausing for 10.0 s: 503 Service Unavailable (and 4 more in the last 65 s)",
    ]
