"""The control API's listings of profiles, groups, merged ids and updates, and its counters of updates."""

from __future__ import annotations

from typing import Any

import pytest

from mixpress.emulator import Emulator, RateLimit, replies
from mixpress.emulator.updates import history

from .conftest import Start
from .control import error, get
from .sender import NOW, Sender, event
from .test_engage import update
from .test_groups import update as group_update
from .test_merged_ids import identity_event

TOO_LARGE = "request exceeds max limit of 100 bytes"
TIMES = {"created": NOW * 1000, "updated": NOW * 1000}


@pytest.fixture
def filled(server: Emulator, sender: Sender) -> Sender:
    """Send three users, of whom one has two ids, and two groups."""
    sender.post("/engage?ip=0", [update("$set", {"n": 1}, "Ada"), update("$set", {"n": 2}, "bob")])
    sender.post("/track", [identity_event("$identify", identified_id="Ada", anon_id="anon-1")])
    sender.post("/engage", [update("$add", {"n": 5}, "anon-1", ignore_time=True, ip="0"), update("$set", {}, "cy")])
    sender.post("/groups", [group_update("$set", {"a": 1}), group_update("$set", {}, "team", "Blue")])
    return sender


def ids(sender: Sender, name: str, key: str, **parameters: Any) -> list[Any]:
    found = get(sender, name, **parameters)
    return [each[key] for each in found[name]]


def test_profiles_are_listed_with_all_ids(filled: Sender) -> None:
    found = get(filled, "profiles", limit=1)
    ada = {"id": 1, "distinct_id": "Ada", "distinct_ids": ["Ada", "anon-1"], "properties": {"n": 6}}
    assert found == {
        "profiles": [{**ada, "last_seen": NOW * 1000, "ip": None, "updates": 2, **TIMES}],
        "total": 3,
        "limit": 1,
        "offset": 0,
    }


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, ["Ada", "bob", "cy"]),
        ({"sort": "-id"}, ["cy", "bob", "Ada"]),
        ({"sort": "-updates"}, ["Ada", "cy", "bob"]),
        ({"sort": "distinct_id", "offset": 1, "limit": 1}, ["bob"]),
        ({"distinct_id": "anon-1"}, ["Ada"]),
        ({"distinct_id": "ada"}, []),
        ({"search": "ANON"}, ["Ada"]),
        ({"search": "a"}, ["Ada"]),
        ({"search": "%"}, []),
        ({"after": 1}, ["bob", "cy"]),
    ],
)
def test_profiles_are_selected_by_their_ids(filled: Sender, parameters: dict[str, Any], expected: list[str]) -> None:
    assert ids(filled, "profiles", "distinct_id", **parameters) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, ["acme", "Blue"]),
        ({"group_key": "team"}, ["Blue"]),
        ({"group_id": "acme", "group_key": "company"}, ["acme"]),
        ({"group_key": ""}, []),
        ({"search": "BLU"}, ["Blue"]),
        ({"search": "comp"}, ["acme"]),
        ({"sort": "-group_key"}, ["Blue", "acme"]),
        ({"after": 4}, ["Blue"]),
    ],
)
def test_groups_are_selected(filled: Sender, parameters: dict[str, Any], expected: list[str]) -> None:
    assert ids(filled, "groups", "group_id", **parameters) == expected


def test_a_listed_group_is_as_the_python_one(filled: Sender, server: Emulator) -> None:
    assert [{**each, "id": ...} for each in get(filled, "groups")["groups"]] == [
        {"id": ..., **group} for group in server.groups()
    ]


@pytest.mark.parametrize(
    ("parameters", "count"),
    [({}, 1), ({"distinct_id": "anon-1"}, 1), ({"distinct_id": "bob"}, 0), ({"search": "ada"}, 1), ({"search": "b"}, 0),
     ({"distinct_id": "Ada", "search": "b"}, 0), ({"offset": 1}, 0),
     ({"after": 0, "sort": "-id"}, 1), ({"after": 1}, 0)],
)  # fmt: skip
def test_identities_are_the_clusters(filled: Sender, parameters: dict[str, Any], count: int) -> None:
    found = get(filled, "identities", **parameters)
    assert found["identities"] == [{"id": 1, "distinct_ids": ["Ada", "anon-1"]}] * count
    assert found["total"] == (1 if "offset" in parameters else count)


def test_the_updates_of_a_profile_are_those_of_all_its_ids(filled: Sender) -> None:
    found = get(filled, "updates", distinct_id="Ada")
    origin = {"received": NOW * 1000, "endpoint": "/engage"}
    sent = {"$distinct_id": "anon-1", "$add": {"n": 5}, "$ignore_time": True, "$ip": "0"}
    assert found["updates"] == [
        {"id": 3, "request": 3, **origin, "update": sent},
        {"id": 1, "request": 1, **origin, "update": {"$distinct_id": "Ada", "$set": {"n": 1}}},
    ]
    assert found["total"] == 2


@pytest.mark.parametrize(
    ("parameters", "numbers"),
    [
        ({}, [6, 5, 4, 3, 2, 1]),
        ({"sort": "id", "limit": 2, "offset": 1}, [2, 3]),
        ({"request": 3}, [4, 3]),
        ({"group_key": "team", "group_id": "Blue"}, [6]),
        ({"distinct_id": "bob", "request": 1}, [2]),
        ({"distinct_id": "nobody"}, []),
    ],
)
def test_updates_are_selected(filled: Sender, parameters: dict[str, Any], numbers: list[int]) -> None:
    assert ids(filled, "updates", "id", **parameters) == numbers


def test_the_history_is_bounded(monkeypatch: pytest.MonkeyPatch, start: Start) -> None:
    monkeypatch.setattr(history, "KEPT_UPDATES", 3)
    _, sender = start()
    sender.post("/engage", [update("$set", {"n": number}) for number in range(5)])
    assert ids(sender, "updates", "id") == [5, 4, 3]


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (
            "profiles?group_id=a",
            "unknown parameter 'group_id'; the parameters are distinct_id, search, after, sort, ",
        ),
        ("profiles?sort=name", "'sort' must be one of id, updated, updates, distinct_id, with - in front"),
        ("groups?limit=0", "'limit' must be an integer from 1 to 1000, got '0'"),
        ("identities?sort=distinct_id", "'sort' must be one of id, with - in front"),
        ("groups?after=x", "'after' must be an integer from 0 to"),
        ("updates?group_id=a", "a profile is 'distinct_id', or 'group_key' and 'group_id'"),
        ("updates?distinct_id=a&group_id=a&group_key=a", "a profile is 'distinct_id', or 'group_key' and 'group_id'"),
    ],
)
def test_a_wrong_parameter_is_named(sender: Sender, target: str, sentence: str) -> None:
    status, found = error(sender, "GET", target)
    assert (status, found[: len(sentence)]) == (400, sentence)


def test_updates_are_counted_apart_from_events(filled: Sender, server: Emulator) -> None:
    filled.post("/engage", [update(), update(token=1)])
    filled.post("/import?strict=1", [event(), event("")])
    stats = server.stats()
    assert stats["updates"] == {"received": 8, "accepted": 7, "refused": 1}
    assert {name: stats[name] for name in ("profiles", "groups", "merged_ids")} == {
        "profiles": 4,
        "groups": 2,
        "merged_ids": 2,
    }
    assert {name: stats[name] for name in ("received", "imported", "refused", "stored")} == {
        "received": 3,
        "imported": 2,
        "refused": 1,
        "stored": 2,
    }
    assert sum(bucket["refused"] for bucket in stats["timeline"]) == 1


def test_a_request_of_updates_is_listed_with_their_numbers(server: Emulator, sender: Sender) -> None:
    sender.post("/engage?verbose=1", [update(), update(token=1, insert_id="i")])
    [request] = server.requests()
    assert (request.path, request.status, request.events, request.imported, request.refused) == (
        "/engage",
        200,
        2,
        1,
        1,
    )
    [listed] = get(sender, "requests", endpoint="/engage")["requests"]
    assert listed["events"] == 2


def test_a_refused_update_is_found_by_its_id(sender: Sender) -> None:
    sender.post("/engage", [update(token=1), update("$set", 7, "v")])
    assert [each["event"]["$set"] for each in get(sender, "refused", distinct_id="v")["refused"]] == [7]
    assert get(sender, "refused", endpoint="/engage")["total"] == 2


def test_reset_deletes_everything(filled: Sender, server: Emulator) -> None:
    assert filled.post("/_emulator/reset", {}).status == 200
    for name in ("profiles", "groups", "identities", "updates"):
        assert get(filled, name)["total"] == 0
    assert server.stats()["updates"] == {"received": 0, "accepted": 0, "refused": 0}


# -- faults


@pytest.mark.parametrize("path", ["/engage", "/groups"])
@pytest.mark.parametrize(
    ("fault", "status", "content"),
    [
        ("401", 401, {"error": "Invalid credentials", "status": "error"}),
        ("403", 403, {"error": "Forbidden", "status": "error"}),
        ("413:100", 413, {"code": 413, "error": TOO_LARGE, "status": "Request Entity Too Large"}),
        ("429", 429, {"error": replies.RATE_LIMITED, "status": 0}),
    ],
)
def test_a_fault_replaces_the_reply(
    server: Emulator, sender: Sender, path: str, fault: str, status: int, content: Any
) -> None:
    server.fail_next(fault)
    answer = sender.post(path, [group_update("$set", {}) if path == "/groups" else update()])
    assert (answer.status, answer.json) == (status, content)
    assert (server.profiles(), server.groups()) == ([], [])


def test_a_fault_refuses_single_updates(server: Emulator, sender: Sender) -> None:
    server.fail_next("400:0+2")
    answer = sender.post("/engage?strict=1", [update("$set", {}, name) for name in "abc"])
    assert answer.json == {"error": None, "num_good_events": 1, "status": 1}
    assert [each["distinct_id"] for each in server.profiles()] == ["b"]
    assert [each.index for each in server.refused()] == [0, 2]


def test_a_limit_of_size_applies(start: Start) -> None:
    server, sender = start(faults="413:40")
    assert sender.post("/engage", [update()]).status == 413
    assert server.profiles() == []


def test_the_rate_limit_is_that_of_the_token(start: Start) -> None:
    _, sender = start(rate_limit=RateLimit(events=2, bytes=10_000))
    assert sender.post("/engage", [update(), update()]).status == 200
    assert sender.post("/groups", [group_update("$set", {})]).status == 429
    assert sender.post("/engage", [update(token="other")]).status == 200
    assert sender.post("/track", [event(token="t")]).status == 429
