"""RepeatLog: the same reason is told once in a while, and nothing goes uncounted."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from mixpress.log import MAX_REASONS, RepeatLog
from support.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def log(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> RepeatLog:
    caplog.set_level(logging.INFO, "mixpress")
    return RepeatLog(clock, every=60)


def warn(log: RepeatLog, reason: str) -> None:
    log.tell(logging.WARNING, reason, "pausing for %.1f s: %s", 2, reason)


def test_a_reason_is_told_once_and_the_rest_counted(log: RepeatLog, clock: FakeClock, caplog: Any) -> None:
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


def test_each_reason_counts_by_itself(log: RepeatLog, caplog: Any) -> None:
    for reason in ("busy", "gone", "busy", "gone"):
        warn(log, reason)
    assert caplog.messages == ["pausing for 2.0 s: busy", "pausing for 2.0 s: gone"]


def test_what_is_held_back_is_told_in_the_end(log: RepeatLog, clock: FakeClock, caplog: Any) -> None:
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


def test_reasons_that_are_always_new_take_no_memory(log: RepeatLog, caplog: Any) -> None:
    warn(log, "first")
    warn(log, "first")
    for number in range(MAX_REASONS * 3):
        warn(log, f"request {number}")
    assert len(log._entries) == MAX_REASONS
    assert "1 more in the last 0 s: first" in caplog.messages
    assert len(caplog.messages) == 1 + MAX_REASONS * 3 + 1


def test_what_nobody_listens_to_is_not_counted(log: RepeatLog, caplog: Any) -> None:
    for _ in range(3):
        log.tell(logging.DEBUG, "detail", "detail")
    caplog.set_level(logging.DEBUG, "mixpress")
    log.tell(logging.DEBUG, "detail", "detail")
    log.tell_rest()
    assert caplog.messages == ["detail"]


def test_a_percent_sign_in_a_reason_is_text(log: RepeatLog, clock: FakeClock, caplog: Any) -> None:
    for _ in range(3):
        warn(log, "100 %s")
        clock.now += 40
    assert caplog.messages[1:] == ["pausing for 2.0 s: 100 %s (and 1 more in the last 80 s)"]


def test_many_threads_lose_no_count(log: RepeatLog, caplog: Any) -> None:
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
