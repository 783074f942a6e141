"""POST /engage: the operations on a user's profile, its meta data, and the replies."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from mixpress.emulator import Emulator

from .conftest import Start
from .sender import FORM, JSON, NOW, Sender


def update(operation: str = "$set", content: object = ..., distinct_id: object = "u", /, **more: Any) -> dict[str, Any]:
    """Return a valid update; a member given as `...` is left out."""
    given = {"$token": "t", "$distinct_id": distinct_id, operation: {} if content is ... else content}
    given |= {f"${name}": value for name, value in more.items()}
    return {name: value for name, value in given.items() if value is not ...}


@pytest.mark.parametrize(
    ("operation", "content", "properties"),
    [
        ("$set", {"plan": "pro", "n": {"a": [1]}}, {"plan": "pro", "logins": 2, "tags": ["a", "b"], "n": {"a": [1]}}),
        ("$set_once", {"plan": "pro", "first": 1}, {"plan": "free", "logins": 2, "tags": ["a", "b"], "first": 1}),
        ("$add", {"logins": -5, "new": 1.5}, {"plan": "free", "logins": -3, "tags": ["a", "b"], "new": 1.5}),
        ("$union", {"tags": ["b", "c", "c"], "x": []}, {"plan": "free", "logins": 2, "tags": ["a", "b", "c"], "x": []}),
        ("$append", {"tags": "b", "x": [1]}, {"plan": "free", "logins": 2, "tags": ["a", "b", "b"], "x": [[1]]}),
        ("$remove", {"tags": "a", "plan": "free", "x": 1}, {"plan": "free", "logins": 2, "tags": ["b"]}),
        ("$unset", ["plan", "x"], {"logins": 2, "tags": ["a", "b"]}),
        ("$delete", "", None),
    ],
)
def test_an_operation_changes_the_profile(
    server: Emulator, sender: Sender, operation: str, content: object, properties: object
) -> None:
    before = {"plan": "free", "logins": 2, "tags": ["a", "b"]}
    assert sender.post("/engage", [update("$set", before)]).body == b"1"
    assert server.profile("u") == before
    answer = sender.post("/engage", [update(operation, content)])
    assert (answer.status, answer.body) == (200, b"1")
    assert server.profile("u") == properties
    assert server.profile("other") is None


@pytest.mark.parametrize(
    ("operation", "content", "properties"),
    [
        ("$set", {"a": 1}, {"a": 1}),
        ("$set_once", {"a": 1}, {"a": 1}),
        ("$add", {"a": 1}, {"a": 1}),
        ("$union", {"a": [1, 1, "1", 1.0, True]}, {"a": [1, "1", 1.0, True]}),
        ("$append", {"a": 1}, {"a": [1]}),
        ("$remove", {"a": 1}, None),
        ("$unset", ["a"], None),
        ("$delete", "", None),
    ],
)
def test_only_some_operations_create_a_profile(
    server: Emulator, sender: Sender, operation: str, content: object, properties: object
) -> None:
    assert sender.post("/engage", [update(operation, content)]).body == b"1"
    assert server.profile("u") == properties


def test_updates_are_applied_in_their_order(server: Emulator, sender: Sender) -> None:
    updates = [
        update("$set", {"a": 1}),
        update("$add", {"a": 1}, "v"),
        update("$add", {"a": 1}),
        update("$delete", ""),
        update("$add", {"a": 5}),
    ]
    assert sender.post("/engage", updates).body == b"1"
    assert (server.profile("u"), server.profile("v")) == ({"a": 5}, {"a": 1})
    assert [each["distinct_id"] for each in server.profiles()] == ["u", "v"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (orjson.dumps(update("$set", {"a": 1})), JSON),
        (b"data=" + quote(orjson.dumps([update("$set", {"a": 1})])).encode(), FORM),
        (b"data=" + quote(base64.b64encode(orjson.dumps(update("$set", {"a": 1})))).encode(), FORM),
        (b"data=" + quote(orjson.dumps([update("$set", {"a": 1})])).encode(), ""),
    ],
    ids=["one", "form", "base64", "no type"],
)
@pytest.mark.parametrize("path", ["/engage", "/engage/"])
def test_a_body_is_json_or_a_form(server: Emulator, sender: Sender, body: bytes, kind: str, path: str) -> None:
    assert sender.post(path, body, kind=kind, user=None).body == b"1"
    assert server.profile("u") == {"a": 1}


@pytest.mark.parametrize(
    ("target", "more", "last_seen", "ip"),
    [
        ("/engage", {}, NOW * 1000, "127.0.0.1"),
        ("/engage?ip=1", {}, NOW * 1000, "127.0.0.1"),
        ("/engage?ip=0", {}, NOW * 1000, None),
        ("/engage?ip=0", {"ip": "203.0.113.9"}, NOW * 1000, "203.0.113.9"),
        ("/engage", {"ip": "0"}, NOW * 1000, None),
        ("/engage?ip=1", {"ip": 0, "ignore_time": True}, None, None),
        ("/engage", {"ignore_time": False, "ip": ""}, NOW * 1000, None),
    ],
)
def test_an_update_moves_last_seen_and_location_unless_it_says_otherwise(
    server: Emulator, sender: Sender, target: str, more: dict[str, Any], last_seen: object, ip: object
) -> None:
    assert sender.post(target, [update("$set", {"a": 1}, **more)]).body == b"1"
    [profile] = server.profiles()
    times = {"created": NOW * 1000, "updated": NOW * 1000, "updates": 1}
    assert profile == {"distinct_id": "u", "properties": {"a": 1}, "last_seen": last_seen, "ip": ip, **times}


def test_replies(sender: Sender) -> None:
    good, bad = update(), update(token=1)
    sentence = "'$token' is invalid: must be a string"
    assert sender.post("/engage", [bad]).body == b"0"
    assert sender.post("/engage", [bad, good]).body == b"1"
    assert sender.post("/engage", []).body == b"0"
    assert sender.post("/engage?verbose=1", [bad, good]).json == {"error": None, "status": 1}
    assert sender.post("/engage?verbose=1", [bad]).json == {"error": sentence, "status": 0}
    strict = sender.post("/engage?strict=1&verbose=1", [good, bad, good])
    assert (strict.status, strict.json) == (200, {"error": None, "num_good_events": 2, "status": 1})
    assert sender.post("/engage?strict=1", [bad]).json == {"error": sentence, "num_good_events": 0, "status": 0}
    assert sender.post("/engage?callback=f", [good]).body == b"f(1);"
    assert sender.post("/engage?callback=f(", [good]).status == 400
    assert sender.post("/engage?img=1", [good]).headers["Content-Type"] == "image/gif"


def test_gzip_is_refused_as_documented_and_taken_as_observed(server: Emulator, sender: Sender, start: Start) -> None:
    answer = sender.post("/engage", [update()], packed=True)
    sentence = "/engage does not support Content-Encoding: gzip; send the body uncompressed"
    assert (answer.status, answer.json) == (400, {"error": sentence, "status": "error"})
    assert server.profiles() == []
    observed, sender = start(limits="observed")
    assert sender.post("/engage", [update()], packed=True).body == b"1"
    assert observed.profile("u") == {}
