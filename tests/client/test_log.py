"""RepeatLog: a repeated reason is logged once a minute, with the number of the suppressed lines."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from mixpress.log import MAX_REASONS, RepeatLog
from support.clocks import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def log(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> RepeatLog:
    caplog.set_level(logging.INFO, "mixpress")
    return RepeatLog(clock, every=60)


def warn(log: RepeatLog, reason: str) -> None:
    log.tell(logging.WARNING, reason, "pausing for %.1f s: %s", 2, reason)


def test_a_repeated_reason_is_logged_once_a_minute_with_a_count(log: RepeatLog, clock: FakeClock, caplog: Any) -> None:
    for _ in range(18):
        warn(log, "busy")
        clock.now += 3
    assert caplog.messages == ["pausing for 2.0 s: busy"]
    clock.now += 21
    warn(log, "busy")
    assert caplog.messages[1:] == ["pausing for 2.0 s: busy (and 17 more in the last 75 s)"]
    clock.now += 60
    warn(log, "busy")
    assert caplog.messages[2:] == ["pausing for 2.0 s: busy"]


def test_each_reason_is_counted_separately(log: RepeatLog, caplog: Any) -> None:
    for reason in ("busy", "gone", "busy", "gone"):
        warn(log, reason)
    assert caplog.messages == ["pausing for 2.0 s: busy", "pausing for 2.0 s: gone"]


def test_suppressed_lines_are_counted_at_the_end(log: RepeatLog, clock: FakeClock, caplog: Any) -> None:
    warn(log, "once")
    for _ in range(3):
        warn(log, "busy")
    clock.now += 10
    log.tell_rest()
    log.tell_rest()
    assert caplog.messages[2:] == ["2 more in the last 10 s: busy"]
    assert caplog.records[-1].levelno == logging.WARNING
    warn(log, "busy")
    assert caplog.messages[3:] == ["pausing for 2.0 s: busy"]


def test_the_number_of_remembered_reasons_is_bounded(log: RepeatLog, caplog: Any) -> None:
    warn(log, "first")
    warn(log, "first")
    for number in range(MAX_REASONS * 3):
        warn(log, f"request {number}")
    assert len(log._entries) == MAX_REASONS
    assert "1 more in the last 0 s: first" in caplog.messages
    assert len(caplog.messages) == 1 + MAX_REASONS * 3 + 1


def test_a_level_that_is_off_is_not_counted(log: RepeatLog, caplog: Any) -> None:
    for _ in range(3):
        log.tell(logging.DEBUG, "detail", "detail")
    caplog.set_level(logging.DEBUG, "mixpress")
    log.tell(logging.DEBUG, "detail", "detail")
    log.tell_rest()
    assert caplog.messages == ["detail"]


def test_a_percent_sign_in_a_reason_is_not_formatted(log: RepeatLog, clock: FakeClock, caplog: Any) -> None:
    for _ in range(3):
        warn(log, "100 %s")
        clock.now += 40
    assert caplog.messages[1:] == ["pausing for 2.0 s: 100 %s (and 1 more in the last 80 s)"]


def test_lines_of_many_threads_are_all_counted(log: RepeatLog, caplog: Any) -> None:
    def warn_often() -> None:
        for _ in range(500):
            warn(log, "busy")

    threads = [threading.Thread(target=warn_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.tell_rest()
    assert caplog.messages == ["pausing for 2.0 s: busy", "1999 more in the last 0 s: busy"]
