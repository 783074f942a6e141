"""track: the verdict on each event, the retries, and the log when events stay undelivered."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from mixpress.errors import AuthError
from mixpress.report.report import Failure, Report
from mixpress.retry import RetryPolicy
from support.clients import tracking
from support.events import events, small_batches
from support.replies import UNREACHED, answer, busy, ok, refusing
from support.server import FakeServer


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("A", "null"), "distinct-id-disallowed"),
        (("", "u"), "event-blank"),
        (("A", "u", 5), "properties-type"),
        (("A", "u", {"x": b"bytes"}), "unsupported-type"),
    ],
)
def test_a_rejection_is_returned_counted_and_passed_to_on_failure(arguments: Any, rule: str) -> None:
    failures: list[Failure] = []
    server = FakeServer()
    with tracking(server, on_failure=failures.append) as made:
        made.track("Good", "u")
        rejection = made.track(*arguments)
        assert made.stats().rejected == 1
        report = made.flush()
    assert rejection is not None
    assert rejection.rule == rule
    assert [(failure.index, failure.rule, failure.kind) for failure in failures] == [(1, rule, "rejected")]
    assert (report.total, report.imported, report.rejected) == (2, 1, 1)
    assert report.failures == failures


def test_a_refusal_has_the_index_of_its_event() -> None:
    failures: list[Failure] = []
    with tracking(FakeServer(refusing(1)), encoder=small_batches(2), on_failure=failures.append) as made:
        made.track("A", "null")
        for _ in range(4):
            made.track("A", "u")
        report = made.flush()
    assert [(failure.index, failure.kind) for failure in report.failures] == [
        (0, "rejected"),
        (2, "refused"),
        (4, "refused"),
    ]
    assert sorted(failures, key=lambda failure: failure.index) == report.failures
    assert (report.total, report.imported, report.rejected, report.refused) == (5, 2, 1, 2)


def test_network_errors_are_retried_as_the_policy_says_and_never_raised() -> None:
    """Unlike an import, which gives up a server that never answered after three attempts."""
    server = FakeServer(*[UNREACHED] * 6, ok())
    with tracking(server) as made:
        made.track("A", "u")
        report = made.flush()
    assert (report.imported, report.retries) == (1, 6)


def test_an_event_is_undelivered_after_the_last_attempt() -> None:
    with tracking(FakeServer(busy()), retry=RetryPolicy(attempts=3)) as made:
        made.track("A", "u")
        report = made.flush()
        stats = made.stats()
    assert (report.undelivered, report.requests, report.throttled) == (1, 3, 3)
    assert (stats.undelivered, stats.retried, stats.throttled) == (1, 2, 3)


def test_bad_credentials_are_in_each_report_and_once_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Each batch is tried once, since the server may accept the credentials by then."""
    failures: list[Failure] = []
    reports: list[Report] = []
    unauthorized = answer(401, {"error": "Invalid credentials"})
    server = FakeServer(*[unauthorized] * 3, ok())
    with tracking(server, encoder=small_batches(2), on_failure=failures.append, on_report=reports.append) as made:
        made.track_many(events(6))
        report = made.flush()
        assert (report.total, report.undelivered, report.requests) == (6, 6, 3)
        assert [one.undelivered for one in reports] == [2, 2, 2]
        assert (made.stats().undelivered, made.stats().pending) == (6, 0)
        assert len(failures) == 6
        assert all("401 Unauthorized: Invalid credentials" in failure.message for failure in failures)
        [line] = errors(caplog)
        made.track("A", "u")
        assert made.flush().imported == 1
    assert line == (
        "2 tracked events could not be delivered: 401 Unauthorized: Invalid credentials (the credentials are not "
        "accepted; for a service account, project_id must be one of its projects); every batch is tried once "
        "and fails like this until the client is made with other credentials"
    )
    assert errors(caplog)[1:] == [f"2 more in the last 0 s: {line.removeprefix('2 ')}"]  # written by close


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (answer(404, "no such page"), "404 Not Found: no such page"),
        (answer(503, "later"), "given up after 10 attempts; last error: 503 Service Unavailable: later"),
        (UNREACHED, "connection refused"),
        (KeyError("a bug"), "'a bug'"),
    ],
)
def test_the_reason_for_undelivered_events_is_logged(reply: Any, why: str, caplog: pytest.LogCaptureFixture) -> None:
    with tracking(FakeServer(reply)) as made:
        made.track("A", "u")
        made.track("A", "u")
        assert made.flush().undelivered == 2
    assert errors(caplog) == [f"2 tracked events could not be delivered: {why}"]


def test_an_error_that_ends_an_import_is_raised_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with tracking(FakeServer(answer(401, "no"))) as made, pytest.raises(AuthError):
        made.import_events(events(3))
    assert errors(caplog) == []


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
