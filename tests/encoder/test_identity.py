"""Which ids an event needs, by how the project identifies its users; and the events that merge users."""

from __future__ import annotations

from typing import Any

import pytest

from mixpress import Encoder, Limits

NOW = 1_700_000_000


def rejected(
    event: str = "e", /, *, endpoint: str = "import", identity: str | None = None, **properties: Any
) -> list[str]:
    named = {name.replace("S_", "$"): value for name, value in properties.items()}
    whole = {"event": event, "properties": {"time": NOW, "$insert_id": "i", **named}}
    encoder = Encoder(endpoint, identity=identity, token="t", explain=True, now=lambda: NOW)  # type: ignore[arg-type]
    return [found.rule for rejection in encoder.encode([whole]).rejected for found in rejection.findings]


@pytest.mark.parametrize(
    ("identity", "other", "rules"),
    [
        (None, {}, ["distinct-id-missing"]),
        (None, {"S_device_id": "d"}, []),
        (None, {"S_user_id": "u"}, []),
        (None, {"S_user_id": ""}, ["distinct-id-missing"]),
        (None, {"S_user_id": 5}, ["distinct-id-missing"]),
        (None, {"S_user_id": "null"}, []),
        (None, {"distinct_id": ""}, []),
        ("simplified", {}, ["identity-missing"]),
        ("simplified", {"S_device_id": "d"}, []),
        ("simplified", {"S_user_id": "u", "S_device_id": ""}, []),
        ("simplified", {"S_device_id": "", "S_user_id": None}, ["identity-missing"]),
        ("simplified", {"S_device_id": "Null", "S_user_id": "u"}, ["device-id-disallowed"]),
        ("simplified", {"distinct_id": "u", "S_user_id": "0"}, ["user-id-disallowed"]),
        ("simplified", {"distinct_id": "$device:d", "S_device_id": "d"}, []),
        ("original", {}, ["distinct-id-missing"]),
        ("original", {"S_device_id": "d", "S_user_id": "u"}, ["distinct-id-missing"]),
        ("original", {"distinct_id": "u"}, []),
    ],
)
def test_an_event_needs_an_id(identity: str | None, other: dict[str, Any], rules: list[str]) -> None:
    assert rejected(identity=identity, **other) == rules


@pytest.mark.parametrize(("identity", "rules"), [(None, []), ("original", []), ("simplified", ["identity-missing"])])
def test_on_track_only_a_simplified_project_needs_an_id(identity: str | None, rules: list[str]) -> None:
    assert rejected(endpoint="track", identity=identity) == rules


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("$identify", {"S_identified_id": "u", "S_anon_id": "a"}),
        ("$create_alias", {"distinct_id": "u", "alias": "a"}),
        ("$merge", {"S_distinct_ids": ["u", "v"]}),
    ],
)
class TestEventsThatMergeUsers:
    def test_they_need_their_own_members_and_no_other_id(self, name: str, members: dict[str, Any]) -> None:
        for identity in (None, "original"):
            assert rejected(name, identity=identity, **members) == []
            assert rejected(name, identity=identity) == ["identity-members"]

    def test_a_simplified_project_takes_none(self, name: str, members: dict[str, Any]) -> None:
        assert rejected(name, identity="simplified", **members) == ["identity-event"]

    def test_track_takes_them_but_for_merge(self, name: str, members: dict[str, Any]) -> None:
        assert rejected(name, endpoint="track", **members) == (["identity-event"] if name == "$merge" else [])

    def test_the_name_may_come_after_the_properties(self, name: str, members: dict[str, Any]) -> None:
        properties = {"time": NOW, "$insert_id": "i", **{key.replace("S_", "$"): members[key] for key in members}}
        encoder = Encoder(explain=True, now=lambda: NOW)
        assert encoder.encode([{"properties": properties, "event": name}]).rejected == []


@pytest.mark.parametrize("ids", [["u"], ["u", "v", "w"], "u", {"a": "u", "b": "v"}, []])
def test_a_merge_has_exactly_two_ids(ids: Any) -> None:
    assert rejected("$merge", S_distinct_ids=ids) == ["identity-members"]


def test_one_event_does_not_change_what_the_next_one_needs() -> None:
    merge = {"event": "$merge", "properties": {"time": NOW, "$insert_id": "i", "$distinct_ids": ["u", "v"]}}
    bare = {"event": "e", "properties": {"time": NOW, "$insert_id": "i"}}
    rules = [rejection.rule for rejection in Encoder(now=lambda: NOW).encode([merge, bare, merge, bare]).rejected]
    assert rules == ["distinct-id-missing"] * 2


def test_a_rule_about_ids_that_is_off_is_not_checked() -> None:
    bare = {"event": "e", "properties": {"time": NOW, "$insert_id": "i"}}
    limits = Limits(rules={"identity-missing": "off"})
    assert Encoder(identity="simplified", limits=limits, now=lambda: NOW).encode([bare]).rejected == []


def test_a_long_id_is_cut_and_never_converted() -> None:
    event = {"event": "e", "properties": {"time": NOW, "$insert_id": "i", "$device_id": "https://a.b/" + "c" * 300}}
    encoded = Encoder(on_long_url="parse", now=lambda: NOW).encode([event])
    assert [cut.path for cut in encoded.truncated] == ["properties.$device_id"]
    assert b'"$device_id":"https://a.b/c' in encoded.batches[0].events()[0]
