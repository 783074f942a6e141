"""What the replies about lookup tables mean: pure functions."""

from __future__ import annotations

from typing import Any

import pytest

from mixpress.lookup.reply import Failed, Listed, LookupTable, Replaced, read_list, read_replacement
from mixpress.reply import TryLater, Unauthorized
from support.replies import answer, busy

FAILED = {
    "code": 400,
    "error": "some data points in the request failed validation",
    "failed_records": [
        {"index": 2, "message": "invalid row: row indexes 1 and 2 have the same primary key"},
        {"index": 3, "message": "invalid row: wrong number of fields"},
        {"index": 4, "message": "invalid row: primary key is required and cannot be blank"},
    ],
    "status": 0,
}


def failure(reply: object) -> Any:
    assert isinstance(reply, Failed), reply
    return reply.error


@pytest.mark.parametrize("body", [{"code": 200, "status": "OK"}, {"code": 200, "status": "ok"}, {}, "1"])
def test_a_success(body: Any) -> None:
    assert read_replacement(answer(200, body), "a") == Replaced()


@pytest.mark.parametrize("body", [{"code": 500, "status": "OK"}, {"error": "no"}, {"status": 0}, "0"])
def test_a_200_that_is_no_success(body: Any) -> None:
    assert failure(read_replacement(answer(200, body), "a")).kind == "refused"


def test_a_page_instead_of_a_reply_is_tried_again() -> None:
    assert isinstance(read_replacement(answer(200, "<html>a portal</html>"), "a"), TryLater)
    assert isinstance(read_list(answer(200, "<html>a portal</html>")), TryLater)


def test_the_rows_of_a_refusal() -> None:
    error = failure(read_replacement(answer(400, FAILED), "a"))
    assert (error.kind, error.count) == ("refused", 3)
    assert [(problem.row, problem.message) for problem in error.problems] == [
        (each["index"], each["message"])
        for each in FAILED["failed_records"]  # type: ignore[attr-defined]
    ]
    assert "the table was not replaced: the server lists 3 rows\n  row 2: invalid row: row indexes" in str(error)


@pytest.mark.parametrize(
    "records",
    [None, [], 3, [3], [{}], [{"index": "a", "message": 4}], ["a sentence"], [{"index": -1}], [{"index": True}]],
)
def test_a_refusal_without_rows(records: Any) -> None:
    error = failure(read_replacement(answer(400, {"error": "no CSV", "failed_records": records}), "a"))
    assert error.problems == ()
    assert str(error).startswith("400 Bad Request: no CSV; the table was not replaced")


def test_a_refusal_of_many_rows_is_bounded() -> None:
    records = [{"index": number, "message": "m" * 5000} for number in range(5000)]
    error = failure(read_replacement(answer(400, {"failed_records": records}), "a"))
    assert (len(error.problems), error.count) == (10, 5000)
    assert len(str(error)) < 5000


def test_an_unknown_id_names_it_and_what_to_do() -> None:
    body = {"code": 404, "error": "Lookup table with id 'a' was not found.", "status": "Not Found"}
    error = failure(read_replacement(answer(404, body), "a"))
    assert error.kind == "not-found"
    assert "has the id 'a'; `mixpress lookup list` shows" in str(error)


def test_a_table_that_is_too_large() -> None:
    error = failure(read_replacement(answer(413, {"code": 413, "error": "too large"}), "a"))
    assert error.kind == "too-large"
    assert "100,000,000 bytes of CSV before gzip" in str(error)


@pytest.mark.parametrize("read", [lambda reply: read_replacement(reply, "a"), read_list])
def test_the_limit_of_a_day_is_not_waited_for(read: Any) -> None:
    error = failure(read(busy()))
    assert (error.kind, error.retry_after) == ("rate-limited", None)
    assert "100 calls in any 24 hours" in str(error)
    assert "24 hours after the oldest" in str(error)
    error = failure(read(busy(retry_after="7200")))
    assert error.retry_after == 7200
    assert "in 2 h 0 min" in str(error)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("read", [lambda reply: read_replacement(reply, "a"), read_list])
def test_credentials_that_are_not_accepted(status: int, read: Any) -> None:
    assert isinstance(read(answer(status, {"error": "no"})), Unauthorized)


@pytest.mark.parametrize("status", [408, 500, 502, 503])
@pytest.mark.parametrize("read", [lambda reply: read_replacement(reply, "a"), read_list])
def test_trouble_of_the_server_is_temporary(status: int, read: Any) -> None:
    assert isinstance(read(answer(status, "upstream connect error")), TryLater)


@pytest.mark.parametrize("read", [lambda reply: read_replacement(reply, "a"), read_list])
def test_any_other_status_is_final(read: Any) -> None:
    assert failure(read(answer(307, "", location="https://elsewhere.test/x"))).kind == "refused"
    assert "request.method" in str(failure(read(answer(405, {"error": "no"}))))


def test_the_tables_of_a_list() -> None:
    results = [{"id": "a", "name": "Songs"}, {"id": 7, "name": "Plans", "more": 1}, {"id": "c"}]
    listed = read_list(answer(200, {"code": 200, "status": "OK", "results": results}))
    assert listed == Listed((LookupTable("a", "Songs"), LookupTable("7", "Plans"), LookupTable("c", "")))


@pytest.mark.parametrize("results", [None, {}, [3], [{"name": "x"}], [{"id": None}], [{"id": True}]])
def test_a_list_that_is_none_is_tried_again(results: Any) -> None:
    assert isinstance(read_list(answer(200, {"code": 200, "results": results})), TryLater)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 413, 418, 429, 500])
@pytest.mark.parametrize(
    "read",
    [lambda reply, hide: read_replacement(reply, "a", hide=hide), lambda reply, hide: read_list(reply, hide=hide)],
)
def test_no_credential_is_quoted(status: int, read: Any) -> None:
    body = {"error": "no canary", "failed_records": [{"index": 1, "message": "a canary"}]}
    found = read(answer(status, body), lambda text: text.replace("canary", "***"))
    assert "canary" not in repr(found)
    assert "canary" not in str(getattr(found, "error", ""))
