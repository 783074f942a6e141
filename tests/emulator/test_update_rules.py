"""What an update of a profile must be: /engage and /groups refuse the others, each alone, with a reason."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from mixpress.emulator import Emulator

from .conftest import Start
from .sender import JSON, Sender
from .test_engage import update
from .test_rules import nested

TOO_LARGE = "must have at most 262144 bytes of JSON, got 262145"
NAMES = {f"p{number}": number for number in range(2000)}


def keys(count: int) -> dict[str, int]:
    return dict.fromkeys(map(str, range(count)), 1)


def problem(sender: Sender, sent: object, path: str = "/engage") -> str | None:
    answer = sender.post(f"{path}?verbose=1", [sent])
    assert answer.status == 200
    assert answer.json["status"] == (0 if answer.json["error"] else 1)
    found: str | None = answer.json["error"]
    return found


def invalid(name: str, words: str) -> str:
    return f"'{name}' is invalid: {words}"


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ("text", "an update must be a JSON object with '$token', an id and one operation"),
        (update(token=...), "'$token' must not be missing"),
        (update(token=""), "'$token' must not be blank"),
        (update("$set", {}, ...), "'$distinct_id' must not be missing"),
        (update("$set", {}, ""), "'$distinct_id' must not be blank"),
        (update("$set", {}, 7), invalid("$distinct_id", "must be a string")),
        (update("$set", {}, "Null"), invalid("$distinct_id", "'Null' is a disallowed value")),
        (update(unset=["a"]), "the update has 2 operations, $set and $unset: send one an update"),
        (update(ip=7), invalid("$ip", 'must be an address or "0"')),
        (update(ip=False), invalid("$ip", 'must be an address or "0"')),
        (update(ignore_time=1), invalid("$ignore_time", "must be true or false")),
        (update(ignore_alias="true"), invalid("$ignore_alias", "must be true or false")),
        (update("$set", ["a"]), invalid("$set", "must be an object of names and values")),
        (update("$add", {"a": 1, "b": "2"}), invalid("$add.b", "must be a number")),
        (update("$add", {"a": True}), invalid("$add.a", "must be a number")),
        (update("$union", {"a": "b"}), invalid("$union.a", "must be a list")),
        (update("$unset", {"a": 1}), invalid("$unset", "must be a list of names")),
        (update("$unset", ["a", 1]), invalid("$unset", "must be a list of names")),
        (update("$delete", None), invalid("$delete", "must be a string")),
        (update("$set", {**NAMES, "a": 1}), invalid("$set", "must have at most 2000 properties, got 2001")),
        (update("$unset", ["a"] * 2001), invalid("$unset", "must have at most 2000 properties, got 2001")),
        (update("$set", {"a": nested(4)}), invalid("$set.a.in.in.in", "objects must not be nested deeper than 3")),
        (update("$set", {"a": [keys(256)]}), invalid("$set.a[0]", "must have at most 255 keys, got 256")),
        (update("$append", {"a": ["x" * 262_141]}), invalid("$append.a", TOO_LARGE)),
        (update("$set", {"a": "x" * 1_000_000}), "the update is invalid: must be smaller than 1000000 bytes of JSON"),
    ],
)
def test_an_invalid_update_is_refused(server: Emulator, sender: Sender, sent: object, message: str) -> None:
    assert problem(sender, sent) == message
    [refused] = server.refused()
    assert (refused.endpoint, refused.message, refused.event) == ("/engage", message, sent)
    assert server.profiles() == []


@pytest.mark.parametrize(
    "sent",
    [
        update("$set", NAMES),
        update("$set", {"a": nested(3), "b": keys(255), "c": list(range(1000))}),
        update("$append", {"a": ["x" * 262_140]}),
        update("$set", {"a": "x" * 999_000}),
        update(ignore_alias=True, time=1, device_id="d", user_id="u", had_persisted_distinct_id=True),
    ],
)
def test_an_update_at_the_limit_is_accepted(sender: Sender, sent: object) -> None:
    assert problem(sender, sent) is None


@pytest.mark.parametrize(
    ("sent", "start"),
    [
        ({"$token": "t", "$distinct_id": "u"}, "the update has no operation: the operations of /engage are $set, "),
        (update("$increment", {}), "'$increment' is no operation of /engage: the operations are $set, $set_once, "),
        ({**update(), "plan": "pro"}, "'plan' is no operation of /engage"),
        (update(group_key="company"), "'$group_key' is no operation of /engage"),
    ],
)
def test_an_update_has_one_operation_and_nothing_unknown(sender: Sender, sent: object, start: str) -> None:
    assert str(problem(sender, sent)).startswith(start)


@pytest.mark.parametrize(
    ("operation", "content", "words"),
    [
        ("$add", {"ok": 1, "text": 1}, "'$add.text' is invalid: the profile's property is not a number"),
        ("$add", {"list": 1}, "'$add.list' is invalid: the profile's property is not a number"),
        ("$add", {"ok": 1, "big": 1.7e308}, "'$add.big' is invalid: the sum is too large a number"),
        ("$append", {"ok": 1}, "'$append.ok' is invalid: the profile's property is not a list"),
        ("$union", {"list": [2], "text": [1]}, "'$union.text' is invalid: the profile's property is not a list"),
        ("$append", {"list": ["y" * 250] * 700}, "'$append.list' is invalid: must have at most 262144 bytes of JSON"),
        ("$set", dict(list(NAMES.items())[:1997]), "'$set' is invalid: the profile would have more than 2000 "),
    ],
)
def test_an_update_that_does_not_fit_the_profile_changes_nothing(
    server: Emulator, sender: Sender, operation: str, content: Any, words: str
) -> None:
    before = {"ok": 1, "text": "a", "list": ["x" * 250] * 400, "big": 1.7e308}
    sender.post("/engage", [update("$set", before)])
    [profile] = server.profiles()
    assert str(problem(sender, update(operation, content))).startswith(words)
    assert server.profiles() == [profile]
    assert len(server.refused()) == 1


def test_an_integer_beyond_64_bits_becomes_a_double(server: Emulator, sender: Sender) -> None:
    for _ in range(2):
        assert problem(sender, update("$add", {"a": 2**63})) is None
    assert server.profile("u") == {"a": float(2**64)}


def test_names_and_texts_are_cut(server: Emulator, sender: Sender, start: Start) -> None:
    sent = update("$set", {"é" * 300: ["é" * 300]}, "é" * 300)
    assert problem(sender, sent) is None
    assert server.profile("é" * 255) == {"é" * 255: ["é" * 255]}
    observed, sender = start(limits="observed")
    assert problem(sender, sent) is None
    assert observed.profile("é" * 127) == {"é" * 127: ["é" * 127]}


def test_depth_is_that_of_the_limits(start: Start) -> None:
    _, sender = start(limits="observed")
    assert problem(sender, update("$set", {"a": nested(10)})) is None
    assert problem(sender, update("$set", {"a": nested(11)})) is not None


@pytest.mark.parametrize(("count", "status"), [(2000, 200), (2001, 400)])
@pytest.mark.parametrize("path", ["/engage", "/groups"])
def test_a_request_has_at_most_2000_updates(sender: Sender, count: int, status: int, path: str) -> None:
    answer = sender.post(path, [update()] * count)
    assert answer.status == status
    if status == 400:
        assert answer.json == {"error": "the request must have at most 2000 updates, got 2001", "status": "error"}


def test_text_that_is_not_unicode_fails_its_update_alone(server: Emulator, sender: Sender) -> None:
    body = b"[" + orjson.dumps(update("$set", {"a": "?"})).replace(b"?", b"\xff") + b"," + orjson.dumps(update()) + b"]"
    assert sender.post("/engage", body).body == b"1"
    assert [each.message for each in server.refused()] == ["$set.a is invalid: string should be valid utf8"]
    assert server.profile("u") == {}


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[" * 5000, b"[" * 300 + b"]" * 300])
def test_a_body_without_updates_is_a_0(server: Emulator, sender: Sender, body: bytes) -> None:
    answer = sender.post("/engage?verbose=1", body, kind=JSON)
    assert (answer.status, answer.json["status"]) == (200, 0)
    assert server.profiles() == []


def test_a_deeply_nested_value_is_refused(sender: Sender) -> None:
    value: Any = 1
    for _ in range(200):
        value = [value]
    assert str(problem(sender, update("$set", {"a": value}))).endswith("must not be nested more than 64 levels deep")
