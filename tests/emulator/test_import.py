"""POST /import: every reply, and every way in which a body can be written."""

from __future__ import annotations

import base64
import gzip
import tracemalloc
import zlib
from urllib.parse import quote, quote_plus, urlencode

import orjson
import pytest

from mixpress.emulator import Emulator
from mixpress.emulator.payload import _gunzip

from .conftest import Start
from .sender import FORM, JSON, NDJSON, NOW, Sender, event

STRICT = "/import?strict=1"
TWO = [event(insert_id="a"), event(insert_id="b")]


def test_strict_counts_what_it_took(server: Emulator, sender: Sender) -> None:
    answer = sender.post(STRICT, TWO)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json == {"code": 200, "num_records_imported": 2, "status": "OK"}
    assert server.events() == TWO


def test_an_empty_array_imports_nothing(server: Emulator, sender: Sender) -> None:
    assert sender.post(STRICT, []).json == {"code": 200, "num_records_imported": 0, "status": "OK"}
    assert sender.post("/import", []).body == b"0"


def test_strict_names_each_failed_event_and_takes_the_others(server: Emulator, sender: Sender) -> None:
    events = [event(insert_id="a"), event("", insert_id="b"), event(insert_id="c c"), "text", event(insert_id=...)]
    answer = sender.post(STRICT, events)
    assert answer.status == 400
    assert answer.json == {
        "code": 400,
        "error": "some data points in the request failed validation",
        "failed_records": [
            {
                "index": 1,
                "insert_id": "b",
                "field": "event",
                "message": "'event' must not be missing or blank",
            },
            {
                "index": 2,
                "insert_id": "c c",
                "field": "$insert_id",
                "message": "'$insert_id' is invalid: must only contain alphanumeric or hyphen '-' characters",
            },
            {
                "index": 3,
                "insert_id": "",
                "field": "",
                "message": "an event must be a JSON object of 'event' and 'properties'",
            },
            {
                "index": 4,
                "insert_id": "",
                "field": "$insert_id",
                "message": "'$insert_id' must not be missing",
            },
        ],
        "num_records_imported": 1,
        "status": "Bad Request",
    }
    assert server.events() == [events[0]]


@pytest.mark.parametrize(
    ("events", "plain", "verbose"),
    [
        (TWO, b"1", {"error": None, "status": 1}),
        ([event(""), event(insert_id="b")], b"1", {"error": None, "status": 1}),
        ([event("")], b"0", {"error": "'event' must not be missing or blank", "status": 0}),
        ([], b"0", {"error": "no data objects in the body", "status": 0}),
    ],
)
def test_without_strict_it_says_whether_anything_was_taken(
    sender: Sender, events: list[object], plain: bytes, verbose: object
) -> None:
    answer = sender.post("/import", events)
    assert (answer.status, answer.body) == (200, plain)
    assert answer.headers["Content-Type"].startswith("text/plain")
    answer = sender.post("/import?verbose=1", events)
    assert (answer.status, answer.json) == (200, verbose)
    assert answer.headers["Content-Type"] == "application/json"


def test_strict_is_asked_for_by_1_alone(sender: Sender) -> None:
    assert sender.post("/import?strict=0", [event("")]).body == b"0"


# -- bodies


def lines(*events: object, end: bytes = b"\n") -> bytes:
    return b"".join(orjson.dumps(each) + end for each in events)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, orjson.dumps(TWO)),
        ("Application/JSON; charset=utf-8", orjson.dumps(TWO)),
        (NDJSON, lines(*TWO)),
        (NDJSON, lines(*TWO, end=b"\r\n")),
        (NDJSON, b"\n" + lines(*TWO, end=b"\n\n").rstrip()),
        (FORM, b"data=" + quote(orjson.dumps(TWO)).encode()),
        (FORM, b"ip=0&data=" + quote_plus(orjson.dumps(TWO)).encode() + b"&verbose=1"),
        (FORM, b"data=" + quote(base64.b64encode(orjson.dumps(TWO))).encode()),
        (FORM, b"data=" + base64.b64encode(orjson.dumps(TWO))),
        (FORM, b"data=" + base64.urlsafe_b64encode(orjson.dumps(TWO)).rstrip(b"=")),
    ],
    ids=[
        *["json", "json with a charset", "ndjson", "ndjson of CRLF", "ndjson with blank lines"],
        *["form", "form with more", "form of base64", "form of bare base64", "form of base64 for URLs"],
    ],
)
def test_every_kind_of_body_gives_the_same_events(
    server: Emulator, sender: Sender, kind: str, body: bytes, packed: bool
) -> None:
    answer = sender.post(STRICT, body, kind=kind, packed=packed)
    assert answer.json == {"code": 200, "num_records_imported": 2, "status": "OK"}
    assert server.events() == TWO
    [seen] = server.requests()
    assert (seen.status, seen.events, seen.content_encoding) == (200, 2, "gzip" if packed else "")


def test_the_vendors_own_client_is_understood(server: Emulator, sender: Sender) -> None:
    body = urlencode({"data": '{"event": "e", "properties": {"time": 1699990000.25}}', "verbose": 1, "ip": 0})
    assert sender.post("/import", body.encode(), kind=FORM).json == {"error": None, "status": 1}
    assert server.events() == [{"event": "e", "properties": {"time": 1699990000.25}}]


def test_base64_with_a_plus_that_was_not_encoded(server: Emulator, sender: Sender) -> None:
    sent = event(said="~~~???>>>")
    encoded = base64.b64encode(orjson.dumps([sent]))
    assert b"+" in encoded or b"/" in encoded
    assert sender.post(STRICT, b"data=" + encoded, kind=FORM).status == 200
    assert server.events() == [sent]


def test_gzip_of_several_members(server: Emulator, sender: Sender) -> None:
    body = orjson.dumps(TWO)
    packed = gzip.compress(body[:50]) + gzip.compress(body[50:])
    assert sender.post(STRICT, packed, headers={"Content-Encoding": "gzip"}).status == 200
    assert server.events() == TWO


@pytest.mark.parametrize(
    "body",
    [b"[]", gzip.compress(b"[]")[:-1], gzip.compress(b"[]") + b"trailing", zlib.compress(b"[]")],
    ids=["not packed", "cut off", "trailing bytes", "zlib"],
)
def test_a_body_that_is_not_gzip_is_refused(sender: Sender, body: bytes) -> None:
    answer = sender.post(STRICT, body, headers={"Content-Encoding": "gzip"})
    assert (answer.status, answer.json["code"], answer.json["status"]) == (400, 400, "Bad Request")
    assert answer.json["error"].startswith("the body is not gzip")


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        (JSON, b"", "line 1 column 1"),
        (JSON, b'[{"event":', "line 1 column 11"),
        (JSON, b"[NaN]", "NaN"),
        (JSON, b"[-Infinity]", "-Infinity"),
        (JSON, b"[1e999]", "1e999"),
        (JSON, b"[1" + b"0" * 400 + b"]", "10000000000000000000"),
        (JSON, b"\xef\xbb\xbf[]", "line 1 column 1"),
        (JSON, b"[" * 100_000, "recursion"),
        (NDJSON, lines(*TWO) + b'{"event"', "line 3:"),
        (FORM, b"data=nothing-that-one-knows", "line 1 column 1"),
        (FORM, b"verbose=1", "field 'data'"),
        (FORM, b"", "field 'data'"),
        (FORM, b"a=1&" * 200, "fields"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_whole(
    server: Emulator, sender: Sender, kind: str, body: bytes, said: str
) -> None:
    answer = sender.post(STRICT, body, kind=kind)
    assert answer.status == 400
    assert set(answer.json) == {"code", "error", "status"}
    assert said in answer.json["error"]
    assert server.events() == []


@pytest.mark.parametrize("kind", ["", "text/plain", "application/jsonl", "multipart/form-data"])
def test_an_unknown_content_type_is_refused(sender: Sender, kind: str) -> None:
    answer = sender.post(STRICT, TWO, kind=kind)
    assert (answer.status, answer.json["status"]) == (415, "Unsupported Media Type")
    assert answer.json["error"].endswith(f"not '{kind}'")


def test_an_unknown_content_encoding_is_refused(sender: Sender) -> None:
    answer = sender.post(STRICT, TWO, headers={"Content-Encoding": "br"})
    assert (answer.status, answer.json["error"]) == (415, "Content-Encoding is gzip or left out, not 'br'")


@pytest.mark.parametrize(
    ("kind", "text"),
    [(JSON, b'"\\ud800"'), (JSON, b'"\xff"'), (NDJSON, b'"\\udfff x"'), (FORM, b'"%FF"'), (FORM, b'"\xff"')],
    ids=["lone surrogate", "no UTF-8", "lone surrogate in a line", "no UTF-8 in a form", "raw in a form"],
)
def test_text_that_is_not_unicode_fails_its_event_alone(
    server: Emulator, sender: Sender, kind: str, text: bytes
) -> None:
    good, bad = orjson.dumps(event(insert_id="a")), orjson.dumps(event(insert_id="b", X=["?"]))
    separator = b"\n" if kind == NDJSON else b","
    body = separator.join([good, bad.replace(b'"?"', text)])
    body = body if kind == NDJSON else b"[" + body + b"]"
    answer = sender.post(STRICT, b"data=" + body if kind == FORM else body, kind=kind)
    message = "properties.X[0] is invalid: string should be valid utf8"
    assert answer.json["failed_records"] == [
        {"index": 1, "insert_id": "b", "field": "properties.X[0]", "message": message}
    ]
    assert server.events() == [event(insert_id="a")]


def test_a_name_or_an_id_that_is_not_unicode(server: Emulator, sender: Sender) -> None:
    names = orjson.dumps(event(inner={"?": 1})).replace(b'"?"', b'"\\udc00"')
    ids = orjson.dumps(event(insert_id="?")).replace(b'"?"', b'"\\ud83d"')
    answer = sender.post(STRICT, b"[" + names + b"," + ids + b"]")
    said = [(record["field"], record["insert_id"]) for record in answer.json["failed_records"]]
    assert said == [("properties.inner", "id-1"), ("properties.$insert_id", "?")]


def test_an_integer_beyond_64_bits_is_the_nearest_double(server: Emulator, sender: Sender) -> None:
    body = orjson.dumps([event(small=2**64 - 1, big=0)]).replace(b'"big":0', b'"big":123456789012345678901')
    assert sender.post(STRICT, body).status == 200
    # And likewise where the second reader is at work, for the sake of another event's text.
    assert sender.post(STRICT, body[:-1] + b',"\\ud800"]').json["num_records_imported"] == 1
    [stored] = server.events()
    assert stored["properties"]["small"] == 2**64 - 1
    assert stored["properties"]["big"] == 1.2345678901234568e20


# -- limits of a request


def test_two_thousand_events_and_one_more(server: Emulator, sender: Sender) -> None:
    events = [event(insert_id=f"id-{number}") for number in range(2001)]
    assert sender.post(STRICT, events, packed=True).json == {
        "code": 400,
        "error": "the request has 2001 events: at most 2000 are allowed",
        "status": "Bad Request",
    }
    assert server.count() == 0
    assert sender.post(STRICT, events[:2000], packed=True).json["num_records_imported"] == 2000
    assert server.count() == 2000


def too_large(limit: int) -> dict[str, object]:
    error = f"request exceeds max limit of {limit} bytes"
    return {"code": 413, "error": error, "status": "Request Entity Too Large"}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", [JSON, FORM])
def test_the_limit_is_of_uncompressed_json(start: Start, kind: str, packed: bool) -> None:
    server, sender = start(max_body_bytes=1000)
    size = len(orjson.dumps([event(text="")]))
    # A quote takes three bytes in a form, so that the form itself is over the limit.
    for surplus, status in [(0, 200), (1, 413)]:
        body = orjson.dumps([event(text="'" * (1000 - size + surplus))])
        form = b"data=" + quote(body, safe="").encode()
        answer = sender.post(STRICT, form if kind == FORM else body, kind=kind, packed=packed)
        assert answer.status == status
    assert answer.json == too_large(1000)
    assert server.count() == 1


@pytest.mark.parametrize(("size", "status"), [(10_000_000, 200), (10_000_001, 413)])
def test_ten_megabytes_by_default(sender: Sender, size: int, status: int) -> None:
    body = b"[" + b" " * (size - 2) + b"]"
    answer = sender.post(STRICT, body)
    assert answer.status == status
    if status == 413:
        assert answer.json == too_large(10_000_000)


@pytest.mark.parametrize("kind", [JSON, NDJSON, FORM])
def test_a_small_body_that_unpacks_to_very_much_is_stopped(start: Start, kind: str) -> None:
    _, sender = start(max_body_bytes=1000)
    assert sender.post(STRICT, b" " * 50_000_000, kind=kind, packed=True).json == too_large(1000)


def test_what_is_over_the_limit_takes_no_memory() -> None:
    packed = gzip.compress(b" " * 50_000_000)
    tracemalloc.start()
    try:
        assert len(_gunzip(packed, 1000)) == 1001
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_body_over_the_limit_is_answered_after_it_was_read(start: Start) -> None:
    server, sender = start(max_body_bytes=1000)
    answer = sender.post(STRICT, b" " * 20_000_000)
    assert answer.json == too_large(1000)
    [seen] = server.requests()
    assert (seen.status, seen.body_bytes, seen.events) == (413, 20_000_000, 0)
    assert sender.post(STRICT, [event()]).status == 200


# -- who may


@pytest.mark.parametrize("user", ["token:", "secret:"])
def test_a_project_needs_no_password(sender: Sender, user: str) -> None:
    assert sender.post(STRICT, TWO, user=user).status == 200


def test_a_service_account_needs_its_project(sender: Sender) -> None:
    answer = sender.post(STRICT, TWO, user="robot:hunter2")
    error = "Invalid credentials: a service account needs project_id in the query"
    assert (answer.status, answer.json) == (401, {"code": 401, "error": error, "status": "Unauthorized"})
    assert sender.post(STRICT + "&project_id=", TWO, user="robot:hunter2").status == 401
    assert sender.post(STRICT + "&project_id=7", TWO, user="robot:hunter2").status == 200
    assert sender.post(STRICT + "&project_id=7", TWO, user="robot:hun:ter2").status == 200


INVALID = {"code": 401, "error": "Invalid credentials", "status": "Unauthorized"}


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic ",
        "Basic dG9r!ZW46",
        "Bearer dG9rZW46",
        "Basic dG9rZW4=",
        "Basic Og==",
        "Basic OnB3",
        "Basic //8=",
    ],
    ids=["none", "no value", "empty", "no base64", "bearer", "no colon", "no name", "password alone", "no UTF-8"],
)
def test_credentials_that_are_none(server: Emulator, sender: Sender, authorization: str) -> None:
    answer = sender.post(STRICT + "&project_id=7", TWO, user=None, headers={"Authorization": authorization})
    assert (answer.status, answer.json) == (401, INVALID)
    assert server.count() == 0


def test_the_credentials_given_are_the_only_ones(start: Start) -> None:
    server, sender = start(credentials=[("robot", "hunter2"), ("token", "")])
    for user, status in [
        *[("robot:hunter2", 200), ("token:", 200)],
        *[("robot:hunter3", 401), ("robot:", 401), ("token:hunter2", 401), ("Robot:hunter2", 401)],
    ]:
        answer = sender.post("/import?project_id=7", TWO, user=user)
        assert answer.status == status, user
        assert status == 200 or answer.json == INVALID
    assert server.count() == 2


def test_a_stranger_does_not_hear_what_is_wrong_with_the_body(sender: Sender) -> None:
    assert sender.post("/import", b"{", user=None).status == 401


# -- what is not there


@pytest.mark.parametrize("target", ["/", "/imports", "/import/", "/engage", "/track/x"])
def test_another_path_is_404(sender: Sender, target: str) -> None:
    answer = sender.post(target, TWO)
    error = f"there is no POST {target} here: there is POST /import and POST /track"
    assert (answer.status, answer.json) == (404, {"code": 404, "error": error, "status": "Not Found"})


@pytest.mark.parametrize("target", ["/import", "/track"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_another_method_is_405(server: Emulator, sender: Sender, method: str, target: str) -> None:
    answer = sender.request(method, target)
    assert (answer.status, answer.json["status"]) == (405, "Method Not Allowed")
    assert answer.headers["Allow"] == "POST"
    assert server.requests()[0].method == method


def test_the_time_is_the_clocks(start: Start) -> None:
    _, sender = start(now=lambda: NOW - 1_000_000)
    answer = sender.post(STRICT, [event()])
    assert answer.failures == [(0, "properties.time", "'properties.time' is invalid: must not be in the future")]
