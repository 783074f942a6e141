"""The engine on a fake server and a fake clock: mapping, retries, pauses, splits, and how an import ends."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mixpress._core import Encoder
from mixpress.clock import Clock
from mixpress.errors import AuthError, ImportInterrupted, TransportError
from mixpress.report import Progress, Report
from mixpress.retry import RetryPolicy
from mixpress.transport import Request, Response

from .fakes import (
    RESET,
    START,
    UNREACHED,
    FakeClock,
    FakeServer,
    answer,
    bad,
    busy,
    client,
    event,
    events,
    ids,
    ok,
    refusing,
    sent,
    small_batches,
)

UNAUTHORIZED = answer(401, {"code": 401, "error": "Invalid credentials", "status": "Unauthorized"})


def kinds(report: Report) -> dict[int, str]:
    return {failure.index: failure.kind for failure in report.failures}


# What is sent, and what comes of it


def test_good_events_are_imported() -> None:
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
    assert report.bytes_raw == sum(len(text) + 1 for text in map(_as_json, events(5))) + 1


def _as_json(one: dict[str, Any]) -> bytes:
    [batch] = Encoder(compression=None).encode([one]).batches
    return batch.events()[0]


def test_nothing_is_sent_for_nothing() -> None:
    server = FakeServer()
    assert client(server).import_events([]) == Report(total=0, imported=0, failures=[])
    assert server.requests == []


def test_refusals_are_mapped_to_the_callers_indexes() -> None:
    """Events 0 and 3 are rejected before sending, so the server's positions are not the caller's."""
    given = [bad(0), event(1), event(2), bad(3), event(4), event(5)]
    report = client(FakeServer(refusing(1, 3))).import_events(given)
    assert (report.imported, report.rejected, report.refused) == (2, 2, 2)
    assert kinds(report) == {0: "rejected", 2: "refused", 3: "rejected", 5: "refused"}
    refused = report.failures[1]
    assert (refused.index, refused.message, refused.field, refused.rule) == (2, "no 1", "properties.x", None)
    rejected = report.failures[0]
    assert (rejected.rule, rejected.field) == ("distinct-id-disallowed", "properties.distinct_id")
    assert rejected.insert_id == "event-0"


def test_refusals_are_mapped_in_every_batch() -> None:
    given = [bad(0), *events(7)]
    report = client(FakeServer(refusing(0)), encoder=small_batches(2)).import_events(given)
    assert kinds(report) == {0: "rejected", 1: "refused", 3: "refused", 5: "refused", 7: "refused"}


def test_reasons_are_counted_with_their_first_example() -> None:
    given = [bad(0), event(1), bad(2), "text", event(4)]
    report = client(FakeServer(refusing(1))).import_events(given)
    counted = {reason: (tally.count, tally.example.index) for reason, tally in report.by_reason.items()}
    assert counted == {"distinct-id-disallowed": (2, 0), "event-not-object": (1, 3), "no 1": (1, 4)}


def test_failures_are_counted_beyond_those_that_are_kept() -> None:
    report = client(FakeServer()).import_events(bad(number) for number in range(10_500))
    assert report.rejected == 10_500
    assert len(report.failures) == 10_000
    assert report.by_reason["distinct-id-disallowed"].count == 10_500


def test_different_reasons_are_counted_apart_up_to_a_thousand() -> None:
    def refuse_in_other_words(request: Request) -> Response:
        return answer(400, {"error": f"no {ids(request)[0]}"})

    report = client(FakeServer(refuse_in_other_words), encoder=small_batches(1)).import_events(events(1100))
    assert len(report.by_reason) == 1001
    assert report.by_reason["other"].count == 100
    assert report.by_reason["other"].example.index == 1000


def test_cuts_and_warnings_are_in_the_report() -> None:
    given = [event(0, url="http://x/" + "a" * 300), event(1, url="b" * 256, price=float("nan")), bad(2)]
    report = client(FakeServer()).import_events(given)
    assert (report.truncated, report.warnings) == (2, 1)
    cut = report.cut_by_path["properties.url"]
    assert (cut.count, cut.example.index, cut.example.advice) == (2, 0, "url")
    assert report.warned_by_rule["not-a-number"].example.index == 1


# Retries: identical bytes, after the documented waits


def test_a_busy_server_gets_the_identical_bytes_again() -> None:
    clock = FakeClock()
    server = FakeServer(busy(), answer(503, "upstream"), RESET, answer(500, ""), ok())
    report = client(server, clock).import_events(events(3))
    assert (report.imported, report.requests, report.retries) == (3, 5, 4)
    assert len({request.body for request in server.requests}) == 1
    assert clock.waits == [2 + 3, 4 + 3, 8 + 3, 16 + 3]
    assert report.bytes_sent == 5 * len(server.requests[0].body)
    assert report.elapsed == sum(clock.waits)


def test_after_ten_attempts_the_events_are_undelivered_and_the_rest_goes_on() -> None:
    clock = FakeClock()
    server = FakeServer(*[answer(502, "bad gateway")] * 10, ok())
    report = client(server, clock, encoder=small_batches(2)).import_events(events(3))
    assert (report.imported, report.undelivered) == (1, 2)
    assert kinds(report) == {0: "undelivered", 1: "undelivered"}
    assert report.failures[0].message == "given up after 10 attempts; the last: 502 Bad Gateway: bad gateway"
    assert clock.waits == [wait + 3 for wait in (2, 4, 8, 16, 32, 60, 60, 60, 60)]


def test_the_server_says_when() -> None:
    clock = FakeClock()
    client(FakeServer(busy(retry_after="20"), ok()), clock).import_events(events(1))
    assert clock.waits == [20 + 3]


def test_a_refused_batch_is_never_sent_again() -> None:
    server = FakeServer(answer(400, {"error": "no"}), ok())
    report = client(server, encoder=small_batches(2)).import_events(events(4))
    assert (report.imported, report.refused, report.requests) == (2, 2, 2)
    assert server.imported == ["event-0", "event-1", "event-2", "event-3"]


def test_a_wrong_path_is_not_tried_again() -> None:
    report = client(FakeServer(answer(404, "not found"))).import_events(events(2))
    assert (report.undelivered, report.requests) == (2, 1)
    assert report.failures[0].message == "404 Not Found: not found"


def test_the_whole_client_pauses() -> None:
    """While one batch waits, no other is sent: every later request comes after the pause."""
    clock = FakeClock()
    times: list[float] = []
    together = threading.Barrier(3)

    def answer_busy_at_first(_request: Request) -> Response:
        times.append(clock.monotonic())
        if len(times) <= 3:
            together.wait(10)  # three requests are under way when the first pause begins
            return busy()
        return ok()

    settings: dict[str, Any] = {"encoder": small_batches(1), "concurrency": 3}
    report = client(FakeServer(answer_busy_at_first), clock, **settings).import_events(events(12))
    assert report.imported == 12
    assert times[:3] == [START] * 3
    assert len(times) == 15
    assert min(times[3:]) >= START + 2


# Too large for the server


def refuse_more_than(most: int, **names: Any) -> Any:
    def handle(request: Request) -> Response:
        if len(sent(request)) > most:
            return answer(413, {"code": 413, "error": names.get("error", "too large")})
        return ok()

    return handle


def test_a_batch_that_is_too_large_is_halved_until_it_fits() -> None:
    server = FakeServer(refuse_more_than(2))
    clock = FakeClock()
    report = client(server, clock).import_events(events(8))
    assert report.imported == 8
    assert [len(sent(request)) for request in server.requests] == [8, 4, 2, 2, 4, 2, 2]
    assert clock.waits == []


def test_a_limit_that_the_server_names_holds_for_later_batches() -> None:
    size = len(_as_json(event(0)))
    server = FakeServer(
        refuse_more_than(2, error=f"request exceeds max limit of {2 * size + 10} bytes"),
    )
    report = client(server, encoder=small_batches(4)).import_events(events(12))
    assert report.imported == 12
    assert [len(sent(request)) for request in server.requests] == [4, 2, 2, 2, 2, 2, 2]


def test_one_event_that_is_too_large_keeps_no_other_one_back() -> None:
    def refuse_the_third(request: Request) -> Response:
        return answer(413, {"error": "too large"}) if "event-2" in ids(request) else ok()

    given = [bad(9), *events(5)]
    report = client(FakeServer(refuse_the_third)).import_events(given)
    assert (report.imported, report.rejected, report.refused) == (4, 1, 1)
    assert kinds(report) == {0: "rejected", 3: "refused"}
    assert report.failures[1].message == "too large for this server: too large"


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


# Memory and threads


def test_the_iterable_is_not_read_far_ahead() -> None:
    """At most two batches for each thread are alive: what waits, and what is under way."""
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


def test_no_more_requests_at_one_time_than_allowed() -> None:
    under_way: list[int] = []
    seen: list[int] = []
    numbers = itertools.count()
    together = threading.Barrier(3)

    def count(request: Request) -> Response:
        under_way.append(1)
        if next(numbers) < 3:
            together.wait(10)  # three there are
        seen.append(len(under_way))
        under_way.pop()
        return ok()

    client(FakeServer(count), encoder=small_batches(1), concurrency=3).import_events(events(300))
    assert max(seen) == 3


def test_no_more_threads_than_batches() -> None:
    seen: set[int] = set()

    def see(_request: Request) -> Response:
        seen.add(sum(thread.name == "mixpress-send" for thread in threading.enumerate()))
        return ok()

    client(FakeServer(see), concurrency=10).import_events(events(3))
    assert seen == {1}


def test_a_client_is_used_by_several_threads() -> None:
    server = FakeServer(refusing(0))
    shared = client(server, encoder=small_batches(10), concurrency=3)
    reports: list[Report] = []
    threads = [threading.Thread(target=lambda: reports.append(shared.import_events(events(100)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(report.imported, report.refused) for report in reports] == [(90, 10)] * 4


# What is not an iterable of events


@pytest.mark.parametrize("given", [event(), "text", b"bytes"])
def test_one_event_is_not_many(given: Any) -> None:
    with pytest.raises(TypeError, match="put it in a list"):
        client(FakeServer()).import_events(given)


@pytest.mark.parametrize("given", [None, 5])
def test_what_can_not_be_iterated(given: Any) -> None:
    with pytest.raises(TypeError, match="not iterable"):
        client(FakeServer()).import_events(given)
