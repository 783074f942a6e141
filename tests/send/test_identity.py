"""A project with simplified identity refuses a whole request for one identity event: the others are sent again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress import AsyncClient, Client, RetryPolicy
from mixpress.client.drain_run import drain_spool
from mixpress.emulator import Emulator
from mixpress.report.report import Failure, Report
from mixpress.send.identity import without_identity_events
from mixpress.spool import Spool
from mixpress.transport import Request
from support.clients import ACCOUNT, client, tracking
from support.clocks import START, FakeClock
from support.events import encoder, event, events, ids, sent, small_batches
from support.replies import Answer, answer, busy, ok, refusing
from support.server import FakeServer

SENTENCE = "identity events are not allowed when project is using simplified identity management"
NAMES = ("$merge", "$identify", "$create_alias")
MEMBERS: dict[str, dict[str, Any]] = {
    "$merge": {"$distinct_ids": ["user-1", "user-2"]},
    "$identify": {"$identified_id": "user-1", "$anon_id": "anon-1"},
    "$create_alias": {"distinct_id": "user-1", "alias": "old-1"},
}


def joining(number: int, name: str = "$merge") -> dict[str, Any]:
    return {**event(number, **MEMBERS[name]), "event": name}


def mixed(count: int, *places: int) -> list[dict[str, Any]]:
    """Return events of which those at these places join ids."""
    return [joining(number) if number in places else event(number) for number in range(count)]


def refused_whole(**more: Any) -> Answer:
    return answer(400, {"code": 400, "error": "some failed", "failed_records": [SENTENCE], **more})


def simplified(*replies: Answer) -> FakeServer:
    """A project with simplified identity, which gives these replies in turn to the requests that it does not refuse."""
    left = list(replies)

    def reply(request: Request) -> Answer:
        if any(one["event"] in NAMES for one in sent(request)):
            return refused_whole(num_records_imported=0)
        return left.pop(0) if left else ok()

    return FakeServer(reply)


def verdicts(report: Report) -> list[tuple[int, str, str]]:
    return [(failure.index, failure.kind, failure.message) for failure in report.failures]


@pytest.mark.parametrize("name", NAMES)
def test_one_identity_event_costs_one_event_and_one_request(name: str) -> None:
    given = events(2000)
    given[700] = joining(700, name)
    with Emulator(identity="simplified") as server, Client(ACCOUNT, base_url=server.url) as made:
        report = made.import_events(given)
        stored = [one["properties"]["$insert_id"] for one in server.events()]
    assert (report.imported, report.refused, report.requests, report.retries) == (1999, 1, 2, 0)
    assert report.failures == [Failure(700, "refused", SENTENCE)]
    assert stored == [f"event-{number}" for number in range(2000) if number != 700]


@pytest.mark.parametrize("count", [{}, {"num_records_imported": 0}], ids=str)
def test_a_batch_of_other_events_is_refused_as_before(count: dict[str, int]) -> None:
    server = FakeServer(refused_whole(**count), ok())
    report = client(server).import_events(events(3))
    assert verdicts(report) == [(place, "refused", f"refused with the whole batch: {SENTENCE}") for place in range(3)]
    assert len(server.requests) == 1


def test_a_batch_of_identity_events_alone_is_not_sent_again() -> None:
    server = simplified()
    report = client(server).import_events([joining(0), joining(1)])
    assert (report.refused, len(server.requests)) == (2, 1)


@pytest.mark.parametrize(
    "more",
    [
        {"num_records_imported": 1},
        {"num_records_imported": False},
        {"failed_records": [SENTENCE, {"index": 0, "message": "bad"}]},
        {"failed_records": []},
        {"failed_records": SENTENCE},
    ],
    ids=str,
)
def test_another_reply_sends_nothing_again(more: dict[str, Any]) -> None:
    server = FakeServer(refused_whole(**more), ok())
    assert client(server).import_events(mixed(3, 1)).refused == 3
    assert len(server.requests) == 1


def test_the_others_are_sent_again_once() -> None:
    server = FakeServer(refused_whole())
    report = client(server).import_events(mixed(3, 1))
    whole = f"refused with the whole batch: {SENTENCE}"
    assert verdicts(report) == [(0, "refused", whole), (1, "refused", SENTENCE), (2, "refused", whole)]
    assert len(server.requests) == 2


def test_what_is_refused_of_the_others_has_its_index() -> None:
    report = client(simplified(refusing(1, 3))).import_events(mixed(7, 0, 2, 5))
    assert verdicts(report) == [
        (0, "refused", SENTENCE),
        (2, "refused", SENTENCE),
        (3, "refused", "no 1"),
        (5, "refused", SENTENCE),
        (6, "refused", "no 3"),
    ]


def test_a_retry_of_the_others_sends_identical_bytes() -> None:
    clock, server = FakeClock(), simplified(busy(), answer(503, ""), ok())
    report = client(server, clock).import_events(mixed(3, 1))
    assert (report.imported, report.refused, report.requests, report.retries) == (2, 1, 4, 2)
    assert len({request.body for request in server.requests[1:]}) == 1
    assert clock.waits == [2 + 3, 4 + 3]


def test_others_that_are_too_large_are_halved() -> None:
    server = simplified(answer(413, {"error": "too large"}))
    report = client(server).import_events(mixed(8, 1, 6))
    assert verdicts(report) == [(1, "refused", SENTENCE), (6, "refused", SENTENCE)]
    assert (report.imported, report.total) == (6, 8)


def test_without_an_answer_to_the_others_the_batch_is_undelivered() -> None:
    hasty = RetryPolicy(attempts=1)
    report = client(simplified(busy()), retry=hasty).import_events(mixed(3, 1))
    assert (report.undelivered, report.refused, report.total) == (3, 0, 3)


@pytest.mark.parametrize("settings", [{"format": "ndjson"}, {"compression": None}, {"compression": "gzip"}], ids=str)
def test_the_others_keep_their_bytes_and_the_format(settings: dict[str, Any]) -> None:
    [batch] = encoder(**settings).encode(mixed(5, 1, 4)).batches
    [expected] = encoder(**settings).encode([event(0), event(2), event(3)]).batches
    others = without_identity_events(batch)
    assert others is not None
    assert (others.headers, others.raw_size, others.count) == (batch.headers, expected.raw_size, 3)
    assert (others.events(), list(others.indexes)) == (expected.events(), [0, 2, 3])


@pytest.mark.parametrize("form_base64", [False, True])
def test_the_others_of_a_form_are_a_form(form_base64: bool) -> None:
    form = encoder(endpoint="track", format="form", form_base64=form_base64, compression=None, token="the-token")
    given = [joining(0, "$identify"), event(1)]
    for one in given:
        one["properties"]["time"] = START
    [batch] = form.encode(given).batches
    others = without_identity_events(batch)
    assert others is not None
    assert others.headers == batch.headers
    assert others.events() == batch.events()[1:]


def test_tracked_events_of_a_spool_leave_the_file(tmp_path: Path) -> None:
    with (
        Emulator(identity="simplified") as server,
        Client(ACCOUNT, base_url=server.url, spool=tmp_path / "a", linger=3600.0) as made,
    ):
        for number in range(3):
            made.track("Seen", "user", insert_id=f"event-{number}")
        made.merge("user-1", "user-2")
        report = made.flush()
        assert (report.imported, report.refused, report.pending) == (3, 1, 0)
        assert report.failures[0].message == SENTENCE
        assert made.flush().total == 0
        assert len(server.events()) == 3


def test_without_an_answer_a_spool_keeps_the_batch(tmp_path: Path) -> None:
    hasty = RetryPolicy(attempts=1)
    with tracking(simplified(*[busy()] * 1000), spool=tmp_path / "a", retry=hasty) as made:
        made.track("Seen", "user")
        made.merge("user-1", "user-2")
        assert made.flush().pending == 2
        assert (made.stats().imported, made.stats().refused) == (0, 0)
    with Spool(tmp_path / "a") as left, client(simplified()) as made:
        report = drain_spool(made.engine, left)
        assert (report.imported, report.refused, left.stats().pending) == (1, 1, 0)


def test_an_import_of_files_writes_the_dead_letter_and_the_state(tmp_path: Path) -> None:
    path, letter, state = (str(tmp_path / name) for name in ("a.ndjson", "letter.ndjson", "state"))
    Path(path).write_text("".join(json.dumps(one) + "\n" for one in mixed(6, 2, 3)))
    server = simplified()
    made = client(server, encoder=small_batches(4))
    report = made.import_files(path, dead_letter=letter, state=state)
    assert (report.imported, report.refused) == (4, 2)
    written = [json.loads(line) for line in Path(letter).read_text().splitlines()]
    assert [line["event"]["event"] for line in written] == ["$merge", "$merge"]
    assert made.import_files(path, dead_letter=letter, state=state).requests == 0


def test_an_async_client_does_the_same() -> None:
    async def main(url: str) -> Report:
        async with AsyncClient(ACCOUNT, base_url=url) as made:
            return await made.import_events(mixed(4, 3))

    with Emulator(identity="simplified") as server:
        report = asyncio.run(main(server.url))
    assert (report.imported, verdicts(report)) == (3, [(3, "refused", SENTENCE)])


@given(
    joins=st.lists(st.booleans(), max_size=20),
    moves=st.lists(st.sampled_from(["ok", "busy", "some", "large", "whole", "gone"]), max_size=20),
    size=st.integers(1, 7),
)
def test_every_event_has_one_verdict(joins: list[bool], moves: list[str], size: int) -> None:
    answers = {
        "ok": ok(),
        "busy": busy(),
        "some": refusing(0),
        "large": answer(413, {"error": "too large"}),
        "whole": refused_whole(),
        "gone": answer(404, ""),
    }
    server = simplified(*map(answers.__getitem__, moves))
    batches = [joining(number) if joins[number] else event(number) for number in range(len(joins))]
    report = client(server, encoder=small_batches(size)).import_events(batches)
    failed = {failure.index: failure.kind for failure in report.failures}
    assert report.imported + report.refused + report.undelivered == report.total == len(joins)
    assert len(failed) == len(report.failures)
    assert all(index in failed for index, joined in enumerate(joins) if joined)
    asked = [name for request in server.requests for name in ids(request)]
    assert {f"event-{index}" for index in range(len(joins))} == set(asked)


def test_hostile_events_count_as_other_events() -> None:
    """A number of more digits than Python reads, and values nested deeper than it reads."""

    class Odd:
        headers, indexes = {"Content-Type": "application/json"}, range(4)

        def events(self) -> list[bytes]:
            long = b'{"event": ' + b"9" * 10_000 + b"}"
            return [long, b"[" * 100_000, b'{"event": ["$merge"]}', b'{"event": "$merge"}']

    others = without_identity_events(Odd())  # type: ignore[arg-type]
    assert others is not None
    assert list(others.indexes) == [0, 1, 2]
