"""Identity events of an original project: `$identify`, `$create_alias` and `$merge` make ids one user."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress.emulator import Emulator
from mixpress.emulator.store import profile_schema
from mixpress.emulator.updates import clusters
from mixpress.emulator.updates.profile import Profile
from mixpress.emulator.updates.touched import Touched

from .conftest import Start
from .sender import NOW, Sender
from .test_engage import update

NAMES = ["a", "b", "c", "d", "e", "f"]


def identity_event(name: str, /, **properties: Any) -> dict[str, Any]:
    named = {
        "token": "t",
        **{f"${key}" if key != "alias" and key != "distinct_id" else key: value for key, value in properties.items()},
    }
    return {"event": name, "properties": named}


IDENTIFY = identity_event("$identify", identified_id="ada", anon_id="d1")
OF_BROWSERS = identity_event("$identify", distinct_id="ada", anon_distinct_id="d1")
ALIAS = identity_event("$create_alias", distinct_id="ada", alias="d1")
MERGE = identity_event("$merge", distinct_ids=["ada", "d1"])


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        *(
            (target, sent)
            for target in ("/track", "/import", "/import?strict=1")
            for sent in (IDENTIFY, OF_BROWSERS, ALIAS)
        ),
        ("/import", MERGE),
        ("/import?strict=1", MERGE),
    ],
)
def test_an_identity_event_makes_two_ids_one_user(
    server: Emulator, sender: Sender, target: str, sent: dict[str, Any]
) -> None:
    sender.post("/engage", [update("$set", {"a": 1, "b": 1}, "d1"), update("$set", {"b": 2}, "ada")])
    assert sender.post(target, [sent]).status == 200
    assert server.profile("ada") == server.profile("d1") == {"a": 1, "b": 2}
    [profile] = server.profiles()
    assert (profile["distinct_id"], profile["updates"]) == ("ada", 2)
    assert sender.post("/engage", [update("$add", {"b": 1}, "d1"), update("$add", {"b": 1}, "ada")]).body == b"1"
    assert server.profile("d1") == {"a": 1, "b": 4}
    assert server.profile("other") is None


def test_a_merge_is_for_import_alone(server: Emulator, sender: Sender) -> None:
    answer = sender.post("/track?verbose=1", [MERGE])
    assert answer.json == {"error": "'event' is invalid: $merge is accepted by /import alone", "status": 0}
    sender.post("/engage", [update("$set", {"a": 1}, "d1")])
    assert server.profile("ada") is None


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (identity_event("$identify", identified_id="a"), "$anon_id' is invalid: $identify must have two ids to merge"),
        (identity_event("$create_alias", distinct_id="a", alias=""), "alias' is invalid: $create_alias must have two "),
        (identity_event("$identify", identified_id="a", anon_id=7), "$anon_id' is invalid: $identify must have two "),
        (identity_event("$merge", distinct_ids=["a", "null"]), "$distinct_ids' is invalid: 'null' is a disallowed "),
        (identity_event("$merge", distinct_ids=["a", "b", "c"]), "$distinct_ids' is invalid: must be two distinct_ids"),
    ],
)
def test_an_identity_event_without_two_ids_is_refused(sender: Sender, sent: dict[str, Any], message: str) -> None:
    [(_, _, found)] = sender.post("/import?strict=1", [sent]).failures
    assert found.startswith(f"'properties.{message}")


def test_a_refused_and_an_ignored_event_merge_nothing(server: Emulator, sender: Sender) -> None:
    sender.post("/engage", [update("$set", {"a": 1}, "d1")])
    ignored = {"event": "$identify", "properties": {**IDENTIFY["properties"], "$ignore": True}}
    server.fail_next("400:1")
    sender.post("/import?strict=1", [ignored, IDENTIFY])
    assert server.profile("ada") is None


def test_a_simplified_project_merges_nothing(start: Start) -> None:
    server, sender = start(identity="simplified")
    sender.post("/engage", [update("$set", {"a": 1}, "d1")])
    answer = sender.post("/import?strict=1", [IDENTIFY])
    sentence = "identity events are not allowed when project is using simplified identity management"
    assert (answer.status, answer.json["failed_records"]) == (400, [sentence])
    assert sender.post("/track", [IDENTIFY]).body == b"0"
    assert server.profile("ada") is None


def test_ignore_alias_is_for_the_profile_of_the_id_itself(server: Emulator, sender: Sender) -> None:
    sender.post("/engage", [update("$set", {"a": 1}, "ada")])
    sender.post("/track", [ALIAS])
    assert sender.post("/engage", [update("$delete", "", "d1", ignore_alias=True)]).body == b"1"
    assert server.profile("d1") == {"a": 1}
    assert sender.post("/engage", [update("$delete", "", "d1")]).body == b"1"
    assert server.profile("ada") is None


def test_the_property_that_was_updated_last_remains(start: Start) -> None:
    clock = [float(NOW)]
    server, sender = start(now=lambda: clock[0])
    sender.post("/engage", [update("$set", {"a": "old", "b": 1}, "ada", ip="198.51.100.1")])
    clock[0] += 10
    sender.post("/engage", [update("$set", {"a": "new", "c": 1}, "d1", ignore_time=True, ip="198.51.100.2")])
    sender.post("/track", [IDENTIFY])
    [profile] = server.profiles()
    times = {"last_seen": NOW * 1000, "created": NOW * 1000, "updated": (NOW + 10) * 1000}
    properties = {"a": "new", "b": 1, "c": 1}
    assert profile == {"distinct_id": "ada", "properties": properties, "ip": "198.51.100.2", "updates": 2, **times}


def test_a_joined_profile_has_no_more_properties_than_a_profile_may_have() -> None:
    older = Profile(("", "a"), {f"a{number}": 0 for number in range(1500)}, updated=1)
    newer = Profile(("", "b"), {f"b{number}": 0 for number in range(1500)}, updated=2)
    for kept, moved in ((older, newer), (newer, older)):
        properties = clusters.joined(kept, moved).properties
        assert len(properties) == 2000
        assert newer.properties.items() <= properties.items()


@pytest.fixture(scope="module")
def connection() -> Iterable[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    profile_schema.create(connection, "main")
    yield connection
    connection.close()


@given(pairs=st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES))))
def test_clusters_are_those_of_the_pairs(connection: sqlite3.Connection, pairs: list[tuple[str, str]]) -> None:
    profile_schema.clear(connection)
    expected = {name: {name} for name in NAMES}
    for first, second in pairs:
        clusters.unite(connection, Touched(connection), first, second)
        together = expected[first] | expected[second]
        expected |= dict.fromkeys(together, together)
    for one in NAMES:
        for other in NAMES:
            same = clusters.find(connection, one) == clusters.find(connection, other)
            assert same == (other in expected[one])
        assert clusters.find(connection, one) in expected[one]


@pytest.mark.parametrize("hub_first", [False, True])
def test_a_large_cluster_costs_no_more_for_each_id_than_a_small_one(
    connection: sqlite3.Connection, hub_first: bool
) -> None:
    profile_schema.clear(connection)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    connection.set_progress_handler(count, 100)
    used: list[int] = []
    for size in (500, 500, 500, 500):
        before = steps
        for number in range(size):
            pair = (f"{len(used)}-{number}", "hub")
            clusters.unite(connection, Touched(connection), *(pair[::-1] if hub_first else pair))
        used.append(steps - before)
    connection.set_progress_handler(None, 0)
    assert used[-1] < 2 * used[0] + 10
