"""read_reply: the verdict that each reply of the server gives a batch of three events."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus
from typing import Any

import pytest

from mixpress.reply import (
    MAX_QUOTE,
    Hopeless,
    Refusal,
    Reply,
    Taken,
    TooLarge,
    TryLater,
    Unauthorized,
    read_reply,
)
from mixpress.transport import Response
from support.canary import AUTHS, CANARY
from support.clocks import START
from support.replies import answer

HTML = "<html><head><style>b {color: red}</style></head><body><b>502</b> Bad\n Gateway</body></html>"


def all_refused(message: str, taken: int | None = None) -> Taken:
    return Taken(tuple(Refusal(position, message) for position in range(3)), taken=taken)


def record(index: object, **more: Any) -> dict[str, Any]:
    return {"index": index, "insert_id": "id", "field": "event", "message": "bad", **more}


def failed(*records: object, **more: Any) -> Response:
    return answer(400, {"code": 400, "error": "some failed", "failed_records": records, **more})


BAD = Refusal(1, "bad", "id", "event")

TAKEN: dict[str, tuple[Response, Reply]] = {
    "strict": (answer(200, {"code": 200, "num_records_imported": 3, "status": "OK"}), Taken()),
    "a status that is a number": (answer(200, {"status": 1, "error": None}), Taken()),
    "no status at all": (answer(200, {"code": 200, "num_records_imported": 3}), Taken()),
    "an empty object": (answer(200, {}), Taken()),
    "a plain 1": (answer(200, "1"), Taken()),
    "a plain 1 and a newline": (answer(200, "1\n"), Taken()),
    "a plain 0": (
        answer(200, "0"),
        all_refused("the server found no valid event in this batch (it replied 0)", taken=0),
    ),
    "verbose, failed": (answer(200, {"error": "no token", "status": 0}), all_refused("no token")),
    "verbose, failed, no reason": (answer(200, '{"status": 0}'), all_refused('{"status": 0}')),
    "a status that says error": (answer(200, {"error": "no", "status": "error"}), all_refused("no")),
    "200 with failed records": (answer(200, {"failed_records": [record(1)]}), Taken((BAD,))),
    "one of three": (failed(record(1), num_records_imported=2, status="Bad Request"), Taken((BAD,))),
    "no num_records_imported and no status": (failed(record(1)), Taken((BAD,))),
    "$insert_id": (
        failed({"index": 0, "$insert_id": "x", "message": "m"}),
        Taken((Refusal(0, "m", "x", None),)),
    ),
    "insert_id before $insert_id": (failed(record(1, **{"$insert_id": "other"})), Taken((BAD,))),
    "a record with its index alone": (failed({"index": 2}), Taken((Refusal(2, "some failed"),))),
    "in another order": (
        failed(record(2), record(0)),
        Taken((Refusal(0, "bad", "id", "event"), Refusal(2, "bad", "id", "event"))),
    ),
    "the same twice": (failed(record(1), record(1, message="again")), Taken((BAD,))),
    "no failed_records": (answer(400, {"code": 400, "error": "not a list"}), all_refused("not a list")),
    "empty failed_records": (failed(), all_refused("some failed")),
    "failed_records that are no list": (
        answer(400, {"error": "e", "failed_records": {"0": "x"}}),
        all_refused("e"),
    ),
    "texts for records": (
        failed("identity events are not taken"),
        Taken(
            all_refused("refused with the whole batch: identity events are not taken").refused,
            "identity events are not taken",
            None,
        ),
    ),
    "400 as text": (answer(400, "bad request"), all_refused("bad request")),
    "400 with nothing": (answer(400, ""), all_refused("(no text)")),
    "400 that is a list": (answer(400, [1]), all_refused("[1]")),
}


@pytest.mark.parametrize(("response", "reply"), TAKEN.values(), ids=TAKEN)
def test_a_final_reply_settles_the_batch(response: Response, reply: Reply) -> None:
    assert read_reply(response, 3) == reply


@pytest.mark.parametrize("index", [3, -1, "1", 1.0, True, None, [1], 10**30])
def test_an_index_outside_the_batch_refuses_the_batch_unless_the_count_is_known(index: object) -> None:
    """With `num_records_imported`, the other refusals are known to be complete."""
    known = read_reply(failed(record(1), record(index), num_records_imported=2), 3)
    assert known == Taken((BAD,))
    unknown = read_reply(failed(record(1), record(index)), 3)
    whole = "refused with the whole batch: bad"
    assert unknown == Taken((Refusal(0, whole), BAD, Refusal(2, whole)), taken=None)


OTHER: dict[str, tuple[Response, Reply]] = {
    "401": (
        answer(401, {"code": 401, "error": "Invalid credentials", "status": "Unauthorized"}),
        Unauthorized(
            "401 Unauthorized: Invalid credentials (the credentials are not accepted; for a service account, "
            "project_id must be one of its projects)"
        ),
    ),
    "403 of /track": (
        answer(403, {"error": "no", "status": "error"}),
        Unauthorized("403 Forbidden: no (the credentials are valid, but have no permission to send to this project)"),
    ),
    "413 that names its limit": (
        answer(413, {"code": 413, "error": "request exceeds max limit of 10485760 bytes"}),
        TooLarge(10_485_760, "request exceeds max limit of 10485760 bytes"),
    ),
    "413 of a proxy": (answer(413, "<h1>Too Large</h1>"), TooLarge(None, "Too Large")),
    "429": (answer(429, {"error": "slow", "status": 0}), TryLater("429 Too Many Requests: slow", not_taken=True)),
    "429 that says when": (
        answer(429, {"error": "slow"}, retry_after="12"),
        TryLater("429 Too Many Requests: slow", 12.0, not_taken=True),
    ),
    "429 with a date": (
        answer(429, {"error": "slow"}, retry_after=formatdate(START + 90, usegmt=True)),
        TryLater("429 Too Many Requests: slow", 90.0, not_taken=True),
    ),
    "429 with a date that is over": (
        answer(429, {"error": "slow"}, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"),
        TryLater("429 Too Many Requests: slow", 0.0, not_taken=True),
    ),
    "408": (answer(408, ""), TryLater("408 Request Timeout: (no text)")),
    "500": (answer(500, {"error": "oops"}), TryLater("500 Internal Server Error: oops")),
    "502 as HTML": (answer(502, HTML), TryLater("502 Bad Gateway: 502 Bad Gateway")),
    "503 as text, with a time": (
        answer(503, "upstream connect error", retry_after="3"),
        TryLater("503 Service Unavailable: upstream connect error", 3.0),
    ),
    "504": (answer(504, ""), TryLater("504 Gateway Timeout: (no text)")),
    "599, which has no name": (answer(599, "x"), TryLater("599: x")),
    "200 that is a page": (answer(200, HTML), TryLater("not a reply of this API: 502 Bad Gateway")),
    "200 with nothing": (answer(200, ""), TryLater("not a reply of this API: (no text)")),
    "200 with a list": (answer(200, "[]"), TryLater("not a reply of this API: []")),
    "200 with a text": (answer(200, '"1"'), TryLater('not a reply of this API: "1"')),
    "404": (answer(404, "no such page"), Hopeless("404 Not Found: no such page")),
    "414 as text": (answer(414, "too long"), Hopeless(f"414 {HTTPStatus(414).phrase}: too long")),
    "a redirect": (
        answer(301, "", location="https://other.example/import?token=1"),
        Hopeless(
            "301 Moved Permanently: (no text) "
            "(it redirects to https://other.example/import; redirects are not followed)"
        ),
    ),
}


@pytest.mark.parametrize(("response", "reply"), OTHER.values(), ids=OTHER)
def test_any_other_reply_leaves_the_batch_unsettled(response: Response, reply: Reply) -> None:
    assert read_reply(response, 3, now=START) == reply


@pytest.mark.parametrize("value", ["soon", "", "-5", "1.5", "1e9", "9" * 5000, "Wed, 99 Oct 2015", "٣"])
def test_an_invalid_retry_after_is_ignored(value: str) -> None:
    reply = read_reply(answer(429, "", retry_after=value), 3)
    assert reply == TryLater("429 Too Many Requests: (no text)", None, not_taken=True)


def test_a_single_event_that_is_too_large_is_refused() -> None:
    reply = read_reply(answer(413, {"error": "request exceeds max limit of 9 bytes"}), 1)
    assert reply == Taken((Refusal(0, "too large for this server: request exceeds max limit of 9 bytes"),))


@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe\x00", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 10_000, b"\x00", b'{"error": 5}', b"null"],
    ids=["not UTF-8", "deep lists", "deep objects", "a huge number", "a zero byte", "an odd error", "null"],
)
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, TryLater),
        (400, Taken),
        (401, Unauthorized),
        (413, TooLarge),
        (429, TryLater),
        (500, TryLater),
        (404, Hopeless),
        (100, Hopeless),
        (999, TryLater),
    ],
)
def test_an_odd_body_is_read_by_its_status(status: int, kind: type, body: bytes) -> None:
    reply = read_reply(Response(status, {}, body), 3)
    assert type(reply) is (Taken if (status, body) == (200, b'{"error": 5}') else kind)
    if isinstance(reply, Taken):
        assert len(reply.refused) == 3


def test_a_quote_is_one_printable_line_of_bounded_length() -> None:
    reply = read_reply(answer(500, "line\n\x1b[31mred\x1b[0m " + "x" * 10_000), 3)
    assert isinstance(reply, TryLater)
    quoted = reply.reason.removeprefix("500 Internal Server Error: ")
    assert len(quoted) == MAX_QUOTE
    assert quoted.isprintable()
    assert quoted.endswith("…")


def test_credentials_that_the_server_repeats_are_hidden() -> None:
    response = answer(500, "you sent Authorization: Basic c2VjcmV0")
    reply = read_reply(response, 3, hide=lambda text: text.replace("c2VjcmV0", "***"))
    assert reply == TryLater("500 Internal Server Error: you sent Authorization: Basic ***")


def test_credentials_in_a_redirect_or_a_refusal_are_hidden() -> None:
    moved = read_reply(Response(302, {"location": f"https://x.test/{CANARY}"}), 1, hide=AUTHS[0].hide)
    assert "it redirects to https://x.test/***" in repr(moved)
    record = {"index": 0, "field": CANARY, "insert_id": CANARY, "message": CANARY}
    [refusal] = read_reply(answer(400, {"failed_records": [record]}), 1, hide=AUTHS[0].hide).refused  # type: ignore[union-attr]
    assert (refusal.field, refusal.insert_id, refusal.message) == ("***", "***", "***")
