"""The replies byte by byte, as clients of the API saw them, and what a retry of the same bytes does."""

from __future__ import annotations

from urllib.parse import quote

import orjson
import pytest

from mixpress.emulator import Emulator, RateLimit

from .conftest import Start
from .sender import FORM, JSON, NDJSON, Sender, event

STRICT = "/import?strict=1"
SERVICE = "/import?strict=1&project_id=1"
TWO = [event(insert_id="a"), event(insert_id="b")]
BAD = event(insert_id="a_b")
FAILED = (
    b'{"code":400,"error":"some data points in the request failed validation","failed_records":'
    b'[{"index":1,"insert_id":"a_b","field":"$insert_id","message":'
    b"\"'$insert_id' is invalid: must only contain alphanumeric or hyphen '-' characters\"}],"
    b'"num_records_imported":1,"status":"Bad Request"}'
)
LIMITED = b"Project exceeded rate limits. Please retry the request with exponential backoff."


@pytest.mark.parametrize(
    ("target", "events", "status", "body"),
    [
        (STRICT, TWO, 200, b'{"code":200,"num_records_imported":2,"status":"OK"}'),
        (SERVICE, TWO, 200, b'{"code":200,"num_records_imported":2,"status":"OK"}'),
        (STRICT, [TWO[0], BAD], 400, FAILED),
        ("/import", [TWO[0], BAD], 200, b"1"),
        ("/import", [BAD], 200, b"0"),
        ("/import?verbose=1", TWO, 200, b'{"error":null,"status":1}'),
        ("/import?strict=0&verbose=1", TWO, 200, b'{"error":null,"status":1}'),
        ("/track", [event(token="of no project")], 200, b"1"),
        ("/track?verbose=1", [event(token="t")], 200, b'{"error":null,"status":1}'),
        ("/track", TWO, 200, b"0"),
    ],
)
def test_a_reply_has_the_bytes_of_the_api(
    sender: Sender, target: str, events: list[object], status: int, body: bytes
) -> None:
    answer = sender.post(target, events)
    assert (answer.status, answer.body) == (status, body)


def test_a_refusal_has_the_bytes_of_the_api(start: Start) -> None:
    _, sender = start(credentials=[("token", "")], max_body_bytes=1000, rate_limit=RateLimit(events=1, bytes=10_000))
    answers = [
        sender.post(STRICT, TWO, user="other:"),
        sender.post(STRICT, b" " * 1001),
        sender.post(STRICT, TWO),
    ]
    assert [(answer.status, answer.body) for answer in answers] == [
        (401, b'{"code":401,"error":"Invalid credentials","status":"Unauthorized"}'),
        (413, b'{"code":413,"error":"request exceeds max limit of 1000 bytes","status":"Request Entity Too Large"}'),
        (429, b'{"code":429,"error":"' + LIMITED + b'","status":"Too Many Requests"}'),
    ]
    assert {answer.headers["Content-Type"] for answer in answers} == {JSON}


def test_the_events_of_a_400_that_are_not_listed_are_imported(server: Emulator, sender: Sender) -> None:
    assert sender.post(STRICT, [TWO[0], BAD, TWO[1]]).json["num_records_imported"] == 2
    assert server.events() == TWO


def test_the_same_bytes_again_change_nothing(server: Emulator, sender: Sender) -> None:
    body = orjson.dumps([*TWO, event(insert_id="a"), event(insert_id=...)])
    replies = [sender.post("/import", body, packed=packed).body for packed in (False, True, False)]
    assert replies == [b"1"] * 3
    with_ids = [each for each in server.events() if "$insert_id" in each["properties"]]
    assert with_ids == TWO, "an event without $insert_id is stored each time"
    assert server.count() == 5


@pytest.mark.parametrize("target", ["/track?ip=1", "/track?ip=0", "/track"])
def test_an_own_ip_property_remains(server: Emulator, sender: Sender, target: str) -> None:
    sent = event(token="t", ip="203.0.113.9")
    assert sender.post(target, [sent]).body == b"1"
    assert server.events() == [sent]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("target", ["/track?ip=0&verbose=1", "/import?verbose=1"])
def test_a_form_may_be_gzipped_whole(server: Emulator, sender: Sender, target: str, packed: bool) -> None:
    form = b"data=" + quote(orjson.dumps([event(token="t")])).encode()
    assert sender.post(target, form, kind=FORM, packed=packed).json == {"error": None, "status": 1}
    assert server.events() == [event(token="t")]


def test_ndjson_is_for_import_alone(sender: Sender) -> None:
    body = orjson.dumps(event(token="t"))
    assert sender.post(STRICT, body, kind=NDJSON).status == 200
    answer = sender.post("/track", body, kind=NDJSON)
    assert (answer.status, answer.json["status"]) == (415, "error")
