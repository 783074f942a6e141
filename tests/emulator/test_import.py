"""POST /import: replies, credentials, and unknown paths and methods."""

from __future__ import annotations

import pytest

from mixpress.emulator import Emulator

from .conftest import Start
from .sender import NOW, Sender, event

STRICT = "/import?strict=1"
TWO = [event(insert_id="a"), event(insert_id="b")]


def test_strict_counts_the_imported_events(server: Emulator, sender: Sender) -> None:
    answer = sender.post(STRICT, TWO)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json == {"code": 200, "num_records_imported": 2, "status": "OK"}
    assert server.events() == TWO


def test_an_empty_array_imports_nothing(server: Emulator, sender: Sender) -> None:
    assert sender.post(STRICT, []).json == {"code": 200, "num_records_imported": 0, "status": "OK"}
    assert sender.post("/import", []).body == b"0"


def test_strict_names_each_failed_event_and_imports_the_others(server: Emulator, sender: Sender) -> None:
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
def test_without_strict_the_reply_says_whether_anything_was_imported(
    sender: Sender, events: list[object], plain: bytes, verbose: object
) -> None:
    answer = sender.post("/import", events)
    assert (answer.status, answer.body) == (200, plain)
    assert answer.headers["Content-Type"].startswith("text/plain")
    answer = sender.post("/import?verbose=1", events)
    assert (answer.status, answer.json) == (200, verbose)
    assert answer.headers["Content-Type"] == "application/json"


def test_strict_is_only_enabled_by_1(sender: Sender) -> None:
    assert sender.post("/import?strict=0", [event("")]).body == b"0"


# -- unknown paths and methods


@pytest.mark.parametrize("target", ["/imports", "/import/", "/engages", "/track/x"])
def test_another_path_is_404(sender: Sender, target: str) -> None:
    answer = sender.post(target, TWO)
    endpoints = "POST /import, GET and POST /track, POST /engage and POST /groups, GET and PUT /lookup-tables"
    error = f"no endpoint POST {target}: the emulator has {endpoints}"
    assert (answer.status, answer.json) == (404, {"code": 404, "error": error, "status": "Not Found"})


@pytest.mark.parametrize(
    ("target", "allowed", "method"),
    [
        *[("/import", "POST", method) for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")],
        *[("/track", "GET, POST, OPTIONS", method) for method in ("HEAD", "PUT", "DELETE")],
        ("/track/", "GET, POST, OPTIONS", "PUT"),
    ],
)
def test_another_method_is_405(server: Emulator, sender: Sender, target: str, allowed: str, method: str) -> None:
    answer = sender.request(method, target)
    assert answer.status == 405
    assert answer.headers["Allow"] == allowed
    assert server.requests()[0].method == method


def test_times_are_checked_against_the_clock(start: Start) -> None:
    _, sender = start(now=lambda: NOW - 1_000_000)
    answer = sender.post(STRICT, [event()])
    assert answer.failures == [(0, "properties.time", "'properties.time' is invalid: must not be in the future")]
