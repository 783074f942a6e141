"""POST /groups: the operations on a group's profile."""

from __future__ import annotations

from typing import Any

import pytest

from mixpress.emulator import Emulator

from .sender import NOW, Sender


def update(operation: str, content: object, /, key: object = "company", group_id: object = "acme") -> dict[str, Any]:
    given = {"$token": "t", "$group_key": key, "$group_id": group_id, operation: content}
    return {name: value for name, value in given.items() if value is not ...}


@pytest.mark.parametrize(
    ("operation", "content", "properties"),
    [
        ("$set", {"plan": "pro"}, {"plan": "pro", "tags": ["a", "b"]}),
        ("$set_once", {"plan": "pro", "first": 1}, {"plan": "free", "tags": ["a", "b"], "first": 1}),
        ("$unset", ["plan"], {"tags": ["a", "b"]}),
        ("$remove", {"tags": "a"}, {"plan": "free", "tags": ["b"]}),
        ("$union", {"tags": ["c"]}, {"plan": "free", "tags": ["a", "b", "c"]}),
        ("$delete", "", None),
    ],
)
def test_an_operation_changes_the_group(
    server: Emulator, sender: Sender, operation: str, content: object, properties: object
) -> None:
    before = {"plan": "free", "tags": ["a", "b"]}
    assert sender.post("/groups", [update("$set", before), update("$set", {}, key="team")]).body == b"1"
    assert sender.post("/groups", [update(operation, content)]).body == b"1"
    assert server.group("company", "acme") == properties
    assert server.group("team", "acme") == {}
    assert server.group("acme", "company") is None
    assert server.profile("acme") is None


def test_a_group_has_no_last_seen_and_no_location(server: Emulator, sender: Sender) -> None:
    assert sender.post("/groups?ip=1", [update("$set", {"a": 1})]).body == b"1"
    times = {"created": NOW * 1000, "updated": NOW * 1000, "updates": 1}
    ids = {"group_key": "company", "group_id": "acme"}
    assert server.groups() == [{**ids, "properties": {"a": 1}, "last_seen": None, "ip": None, **times}]
    assert server.profiles() == []


@pytest.mark.parametrize("operation", ["$add", "$append"])
def test_some_operations_are_of_users_alone(sender: Sender, operation: str) -> None:
    sentence = f"'{operation}' is no operation of /groups: the operations are $set, "
    assert sender.post("/groups?verbose=1", [update(operation, {"a": 1})]).json["error"].startswith(sentence)


@pytest.mark.parametrize(("name", "given"), [("$group_key", {"key": ...}), ("$group_id", {"group_id": ...})])
def test_a_group_needs_both_ids(sender: Sender, name: str, given: dict[str, Any]) -> None:
    answer = sender.post("/groups?verbose=1", [update("$set", {}, **given)])
    assert answer.json == {"error": f"'{name}' must not be missing", "status": 0}


def test_callback_has_no_effect(sender: Sender) -> None:
    assert sender.post("/groups?callback=f", [update("$set", {})]).body == b"1"
