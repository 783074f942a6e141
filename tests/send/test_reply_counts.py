"""Where the server's own count contradicts the batch, no event without a refusal counts as imported."""

from __future__ import annotations

from typing import Any

import pytest

from mixpress.reply import Refusal, Taken, read_reply
from support.clients import client
from support.events import events
from support.replies import answer
from support.server import FakeServer

ODD_COUNTS = [0, 2, 4, -1, -3, 10**30, 2.5, float("nan"), float("inf"), "3", "many", "", True, False, [], [3], {}]
BAD = Refusal(1, "bad")


def refused(body: dict[str, Any], status: int = 200) -> tuple[Refusal, ...]:
    reply = read_reply(answer(status, body), 3)
    assert isinstance(reply, Taken)
    return reply.refused


@pytest.mark.parametrize("imported", ODD_COUNTS, ids=repr)
@pytest.mark.parametrize("more", [{}, {"failed_records": []}, {"failed_records": None}], ids=repr)
def test_a_success_with_another_count_refuses_the_batch_with_that_reason(imported: object, more: Any) -> None:
    found = refused({"code": 200, "num_records_imported": imported, "status": "OK", **more})
    assert [refusal.position for refusal in found] == [0, 1, 2]
    assert all("the server's num_records_imported is " in refusal.message for refusal in found)
    assert all("for a batch of 3, and does not say which it refused" in refusal.message for refusal in found)


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("imported", [*ODD_COUNTS[:1], 1, 3, *ODD_COUNTS[2:]], ids=repr)
def test_failed_records_and_another_count_refuse_the_batch(imported: object, status: int) -> None:
    body = {"error": "some", "failed_records": [{"index": 1, "message": "bad"}], "num_records_imported": imported}
    first, named, last = refused(body, status)
    assert named == BAD
    assert first.message == last.message
    assert first.message.startswith("refused with the whole batch: the server's num_records_imported is ")
    assert first.message.endswith("for a batch of 3, and names 1 that it refused")


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("imported", [2, 2.0, None])
def test_a_count_that_fits_the_failed_records_is_believed(imported: object, status: int) -> None:
    body = {"error": "some", "failed_records": [{"index": 1, "message": "bad"}], "num_records_imported": imported}
    assert refused(body, status) == (BAD,)


@pytest.mark.parametrize("status", [200, 400])
def test_an_unplaced_record_and_a_wrong_count_refuse_the_batch_with_the_text_of_the_record(status: int) -> None:
    body = {"error": "some", "failed_records": ["none of these"], "num_records_imported": 1}
    assert {refusal.message for refusal in refused(body, status)} == {"refused with the whole batch: none of these"}


def test_a_success_whose_body_has_another_code_refuses_the_batch() -> None:
    found = refused({"code": 400, "status": "Bad Request"})
    assert [refusal.position for refusal in found] == [0, 1, 2]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("records", [None, [], [{"index": 1, "message": "bad"}]], ids=repr)
@pytest.mark.parametrize("imported", ODD_COUNTS[:1] + ODD_COUNTS[2:], ids=repr)
def test_no_event_of_a_contradicted_reply_counts_as_imported(
    imported: object, records: object, status: int, strict: bool
) -> None:
    server = FakeServer(answer(status, {"num_records_imported": imported, "failed_records": records}))
    with client(server, strict=strict) as made:
        report = made.import_events(events(3))
    assert (report.total, report.imported, report.refused, report.undelivered) == (3, 0, 3, 0)
    assert report.requests == 1


@pytest.mark.parametrize(
    ("imported", "taken"), [(0, 0), (2, 2), (4, None), (-1, None), (2.0, None), (True, None), ("2", None), (None, None)]
)
def test_the_reply_says_how_many_of_the_refused_events_it_took(imported: object, taken: int | None) -> None:
    reply = read_reply(answer(200, {"error": "some", "num_good_events": imported, "status": 1}), 3)
    assert isinstance(reply, Taken)
    assert (len(reply.refused), reply.taken) == (3, taken)
