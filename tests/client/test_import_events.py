"""import_events: the verdict on each event, and the bounds on memory and threads; on a fake server."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mixpress.report.report import Report
from mixpress.transport import Request, Response
from support.clients import client, kinds
from support.events import as_json, bad, event, events, ids, sent, small_batches
from support.replies import answer, ok, refusing
from support.server import FakeServer

# Verdicts


def test_valid_events_are_imported_and_counted() -> None:
    server = FakeServer()
    report = client(server).import_events(events(5))
    assert report == Report(
        total=5,
        imported=5,
        requests=1,
        bytes_raw=report.bytes_raw,
        bytes_sent=len(server.requests[0].body),
        failures=[],
    )
    assert sent(server.requests[0]) == events(5)
    assert report.bytes_raw == sum(len(text) + 1 for text in map(as_json, events(5))) + 1


def test_an_empty_iterable_sends_nothing() -> None:
    server = FakeServer()
    assert client(server).import_events([]) == Report(total=0, imported=0, failures=[])
    assert server.requests == []


def test_refusals_have_the_index_in_the_iterable() -> None:
    """Events 0 and 3 are rejected before sending, so the server counts other positions."""
    given = [bad(0), event(1), event(2), bad(3), event(4), event(5)]
    report = client(FakeServer(refusing(1, 3))).import_events(given)
    assert (report.imported, report.rejected, report.refused) == (2, 2, 2)
    assert kinds(report) == {0: "rejected", 2: "refused", 3: "rejected", 5: "refused"}
    refused = report.failures[1]
    assert (refused.index, refused.message, refused.field, refused.rule) == (2, "no 1", "properties.x", None)
    rejected = report.failures[0]
    assert (rejected.rule, rejected.field) == ("distinct-id-disallowed", "properties.distinct_id")
    assert rejected.insert_id == "event-0"


def test_refusals_in_later_batches_have_the_index_in_the_iterable() -> None:
    given = [bad(0), *events(7)]
    report = client(FakeServer(refusing(0)), encoder=small_batches(2)).import_events(given)
    assert kinds(report) == {0: "rejected", 1: "refused", 3: "refused", 5: "refused", 7: "refused"}


def test_reasons_are_counted_with_their_first_example() -> None:
    given = [bad(0), event(1), bad(2), "text", event(4)]
    report = client(FakeServer(refusing(1))).import_events(given)
    counted = {reason: (tally.count, tally.example.index) for reason, tally in report.by_reason.items()}
    assert counted == {"distinct-id-disallowed": (2, 0), "event-not-object": (1, 3), "no 1": (1, 4)}


def test_failures_are_counted_beyond_the_ten_thousand_that_are_kept() -> None:
    report = client(FakeServer()).import_events(bad(number) for number in range(10_500))
    assert report.rejected == 10_500
    assert len(report.failures) == 10_000
    assert report.by_reason["distinct-id-disallowed"].count == 10_500


def test_up_to_a_thousand_different_reasons_are_counted_separately() -> None:
    def refuse_in_other_words(request: Request) -> Response:
        return answer(400, {"error": f"no {ids(request)[0]}"})

    report = client(FakeServer(refuse_in_other_words), encoder=small_batches(1)).import_events(events(1100))
    assert len(report.by_reason) == 1001
    assert report.by_reason["other"].count == 100
    assert report.by_reason["other"].example.index == 1000


def test_truncations_and_warnings_are_in_the_report() -> None:
    given = [event(0, url="http://x/" + "a" * 300), event(1, url="b" * 256, price=float("nan")), bad(2)]
    report = client(FakeServer()).import_events(given)
    assert (report.truncated, report.warnings) == (2, 1)
    cut = report.cut_by_path["properties.url"]
    assert (cut.count, cut.example.index, cut.example.advice) == (2, 0, "url")
    assert report.warned_by_rule["not-a-number"].example.index == 1


# Memory and threads


def test_the_iterable_is_not_read_far_ahead() -> None:
    """At most two batches for each thread are alive: one that waits, and one under way."""
    read: list[int] = []
    ahead: list[int] = []
    delivered: list[int] = []

    def counted() -> Iterator[dict[str, Any]]:
        for number in range(200):
            read.append(number)
            yield event(number)

    def measure(request: Request) -> Response:
        ahead.append(len(read) - len(delivered))
        delivered.extend(range(len(ids(request))))
        return ok()

    client(FakeServer(measure), encoder=small_batches(5), concurrency=2).import_events(counted())
    assert len(delivered) == 200
    assert max(ahead) <= (2 * 2 + 2) * 5


def test_concurrency_bounds_the_requests_under_way() -> None:
    under_way: list[int] = []
    seen: list[int] = []
    numbers = itertools.count()
    together = threading.Barrier(3)

    def count(request: Request) -> Response:
        under_way.append(1)
        if next(numbers) < 3:
            together.wait(10)  # three are under way
        seen.append(len(under_way))
        under_way.pop()
        return ok()

    client(FakeServer(count), encoder=small_batches(1), concurrency=3).import_events(events(300))
    assert max(seen) == 3


def test_there_are_no_more_threads_than_batches() -> None:
    seen: set[int] = set()
    before = set(threading.enumerate())

    def see(_request: Request) -> Response:
        started = set(threading.enumerate()) - before
        seen.add(sum(thread.name == "mixpress-send" for thread in started))
        return ok()

    client(FakeServer(see), concurrency=10).import_events(events(3))
    assert seen == {1}


def test_several_threads_share_a_client() -> None:
    server = FakeServer(refusing(0))
    shared = client(server, encoder=small_batches(10), concurrency=3)
    reports: list[Report] = []
    threads = [threading.Thread(target=lambda: reports.append(shared.import_events(events(100)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(report.imported, report.refused) for report in reports] == [(90, 10)] * 4


# Not an iterable of events


@pytest.mark.parametrize("given", [event(), "text", b"bytes"])
def test_a_single_event_is_an_error(given: Any) -> None:
    with pytest.raises(TypeError, match="put it in a list"):
        client(FakeServer()).import_events(given)


@pytest.mark.parametrize("given", [None, 5])
def test_an_object_that_is_not_iterable_is_an_error(given: Any) -> None:
    with pytest.raises(TypeError, match="not iterable"):
        client(FakeServer()).import_events(given)
