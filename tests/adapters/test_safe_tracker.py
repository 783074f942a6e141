"""SafeTracker, by which adapters track without raising, blocking or recursing."""

from __future__ import annotations

import os
from typing import Any

import pytest

from mixpress import AsyncClient, Client, process
from mixpress.adapters.logging import MixpressHandler
from mixpress.adapters.safe_tracker import Event, SafeTracker, is_own
from mixpress.adapters.structlog import MixpressProcessor
from mixpress.emulator import Emulator
from support.clocks import FakeClock


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "mixpress"]


def test_an_event_is_tracked(client: Client, server: Emulator) -> None:
    SafeTracker(client, "it").track(lambda: Event("Paid", 17, {"amount": 5}, 1_700_000_000.25))
    assert client.flush().imported == 1
    (event,) = server.events()
    assert event["event"] == "Paid"
    properties = event["properties"]
    assert (properties["distinct_id"], properties["amount"]) == ("17", 5)
    assert properties["time"] == 1_700_000_000_250


def test_an_async_client_is_accepted(server: Emulator) -> None:
    import asyncio

    from .conftest import ACCOUNT

    async def main() -> None:
        async with AsyncClient(ACCOUNT, base_url=server.url) as client:
            SafeTracker(client, "it").track(lambda: Event("Paid", "user-1", {}))

    asyncio.run(main())
    assert server.count("Paid") == 1


@pytest.mark.parametrize("event", [None, Event(None, "user", {}), Event("Paid", None, {})])
def test_without_a_name_or_a_user_nothing_is_tracked(
    event: Any, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    SafeTracker(client, "it").track(lambda: event)
    assert client.flush().total == 0
    assert logged(caplog) == []


def test_an_exception_is_logged_once_a_minute_with_its_traceback(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    def look() -> Any:
        raise KeyError("user-1@example.com")

    clock = FakeClock()
    tracker = SafeTracker(client, "it", clock)
    for _ in range(5):
        tracker.track(look)
    clock.now += 61
    tracker.track(look)
    assert logged(caplog) == [
        "it did not track an event: KeyError was raised",
        "it did not track an event: KeyError was raised (and 4 more in the last 61 s)",
    ]
    assert "in look" in caplog.text


def test_a_full_queue_does_not_block(full: Client, caplog: pytest.LogCaptureFixture) -> None:
    SafeTracker(full, "it").track(lambda: Event("Late", "user-1", {}))
    (line,) = logged(caplog)
    assert line.startswith("it did not track an event: the queue is full: 1 events wait")
    assert full.flush().imported == 1


def test_a_broken_rule_is_logged_without_the_event(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    SafeTracker(client, "it").track(lambda: Event("Paid", "null", {}))
    assert logged(caplog) == [
        "it did not track an event: properties.distinct_id breaks the rule distinct-id-disallowed"
    ]
    assert client.flush().rejected == 1


def test_a_call_inside_a_call_does_nothing(client: Client) -> None:
    tracker = SafeTracker(client, "it")

    def look() -> Event:
        tracker.track(look)
        return Event("Paid", "user-1", {})

    tracker.track(look)
    tracker.track(look)
    assert client.flush().imported == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_forked_child_logs_though_another_thread_held_the_lock(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    tracker = SafeTracker(client, "it")
    log = tracker._log
    assert log._lock.acquire(timeout=1)
    try:
        process._after_fork_in_child()  # the first call in a child
        tracker.log_raised(RuntimeError("in the child"))
    finally:
        log._lock.release()
    assert tracker._log is not log
    assert logged(caplog) == ["it did not track an event: RuntimeError was raised"]


@pytest.mark.parametrize(
    ("logger", "thread", "own"),
    [
        ("mixpress", "MainThread", True),
        ("mixpress.emulator", "MainThread", True),
        ("mixpressing", "MainThread", False),
        ("urllib3.connectionpool", "mixpress-send", True),
        ("urllib3.connectionpool", "MainThread", False),
    ],
)
def test_loggers_and_threads_of_the_client_are_recognized(logger: str, thread: str, own: bool) -> None:
    assert is_own(logger, thread) is own


@pytest.mark.parametrize("make", [MixpressHandler, MixpressProcessor])
def test_what_is_not_a_client_is_refused_and_not_shown(make: Any) -> None:
    with pytest.raises(TypeError, match=r"takes a mixpress\.Client or AsyncClient, got a str") as caught:
        make("a-secret")
    assert "a-secret" not in str(caught.value)
