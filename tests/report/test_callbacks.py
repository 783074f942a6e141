"""on_report and on_failure: called once for each batch and failure; they can neither break nor block the client."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from mixpress.client.client import Client
from mixpress.report.report import Failure, Report
from support.clients import tracking
from support.events import small_batches
from support.replies import refusing
from support.server import FakeServer


def test_on_failure_is_called_once_for_each_rejection_of_many_threads() -> None:
    failures: list[Failure] = []
    with tracking(FakeServer(), on_failure=failures.append) as made:
        threads = [
            threading.Thread(target=lambda: [made.track("A", "null") for _ in range(500)] and None) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(failure.index for failure in failures) == list(range(2000))


def raising(_argument: object) -> None:
    raise ZeroDivisionError("in a callback")


def test_a_callback_that_raises_is_logged_once_and_changes_no_verdict(caplog: pytest.LogCaptureFixture) -> None:
    with tracking(FakeServer(refusing(0)), encoder=small_batches(2), on_report=raising, on_failure=raising) as made:
        for _ in range(10):
            made.track("A", "u")
            made.track("A", "null")
        report = made.flush()
    assert (report.imported, report.refused, report.rejected) == (5, 5, 10)
    messages = [
        record.getMessage().partition(" raised")[0] for record in caplog.records if record.levelno == logging.ERROR
    ]
    assert sorted(messages) == ["on_failure", "on_report"]


@pytest.mark.parametrize("act", [lambda made: made.flush(), lambda made: made.import_events([]), Client.close])
def test_a_blocking_call_inside_a_callback_raises_instead_of_deadlocking(act: Callable[[Client], object]) -> None:
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


def test_a_callback_may_call_track() -> None:
    tracked: list[object] = []

    def call(_report: Report) -> None:
        if not tracked:
            tracked.append(made.track("B", "u"))

    with tracking(FakeServer(), encoder=small_batches(1), on_report=call) as made:
        made.track("A", "u")
        made.flush()
        made.flush()
        assert made.stats().imported == 2
