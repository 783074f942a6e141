"""Which ids an event needs, by how the project identifies its users; and the events that merge users."""

from __future__ import annotations

from typing import Any

import pytest

from mixpress import Encoder, Limits
from strategies.odd import Lying

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
        ("simplified", {"S_device_id": "d", "S_user_id": None}, []),
        ("simplified", {"S_device_id": "d", "S_user_id": 5}, ["user-id-type"]),
        ("simplified", {"S_user_id": 5}, ["user-id-type", "identity-missing"]),
        ("simplified", {"distinct_id": "u", "S_device_id": ["d"]}, ["device-id-type"]),
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


BAD_IDS: Any = ["", "null", "Anonymous", "N/A", 7, 1.5, True, None, {"a": "b"}, ["u"]]


@pytest.mark.parametrize("bad", BAD_IDS)
@pytest.mark.parametrize(
    ("name", "members", "member"),
    [
        ("$identify", {"S_anon_id": "a"}, "$identified_id"),
        ("$identify", {"S_identified_id": "u"}, "$anon_id"),
        ("$create_alias", {"distinct_id": "u"}, "alias"),
    ],
)
def test_an_id_that_is_merged_is_text_and_no_placeholder(name: str, members: Any, member: str, bad: Any) -> None:
    assert rejected(name, **members, **{member: bad}) == ["identity-members"]
    assert rejected(name, **members, **{member: "\u212aull"}) == []  # no placeholder: the list is ASCII


@pytest.mark.parametrize("bad", BAD_IDS)
def test_both_ids_of_a_merge_are_checked(bad: Any) -> None:
    assert rejected("$merge", S_distinct_ids=["u", bad]) == ["identity-members"]
    assert rejected("$merge", S_distinct_ids=[bad, bad]) == ["identity-members"] * 2


def test_an_alias_needs_a_distinct_id_that_is_not_empty() -> None:
    assert rejected("$create_alias", distinct_id="", alias="a") == ["identity-members"]
    assert rejected("$create_alias", distinct_id=7, alias="a") == ["distinct-id-type", "identity-members"]
    assert rejected("$create_alias", distinct_id="NULL", alias="a") == ["distinct-id-disallowed", "identity-members"]


def test_the_ids_of_other_events_are_not_those_of_a_merge() -> None:
    assert rejected("e", distinct_id="u", S_anon_id=7, alias="null", S_distinct_ids=[]) == []
    assert rejected("$identify", S_identified_id="u", S_anon_id="a", alias=7, more={"$anon_id": 7}) == []


def test_a_finding_names_the_id_its_value_and_the_remedy() -> None:
    properties = {"time": NOW, "$insert_id": "i", "$distinct_ids": ["u", 7]}
    [rejection] = Encoder(now=lambda: NOW).encode([{"properties": properties, "event": "$merge"}]).rejected
    assert rejection.field == "properties.$distinct_ids[1]"
    assert rejection.message == "'$distinct_ids[1]' must be text, and is the number 7: set it to the user's id"


def test_the_form_of_the_browser_client_is_sent_if_the_rule_is_off() -> None:
    properties = {"time": NOW, "$insert_id": "i", "distinct_id": "u", "$anon_distinct_id": "a"}
    event = {"event": "$identify", "properties": properties}
    assert [each.rule for each in Encoder(now=lambda: NOW).encode([event]).rejected] == ["identity-members"]
    limits = Limits(rules={"identity-members": "off"})
    assert Encoder(limits=limits, now=lambda: NOW).encode([event]).rejected == []


def test_one_event_does_not_change_what_the_next_one_needs() -> None:
    merge = {"event": "$merge", "properties": {"time": NOW, "$insert_id": "i", "$distinct_ids": ["u", "v"]}}
    bare = {"event": "e", "properties": {"time": NOW, "$insert_id": "i"}}
    rules = [rejection.rule for rejection in Encoder(now=lambda: NOW).encode([merge, bare, merge, bare]).rejected]
    assert rules == ["distinct-id-missing"] * 2


def test_of_several_properties_each_is_checked_and_the_last_one_identifies() -> None:
    whole = {"time": NOW, "$insert_id": "i", "distinct_id": "u"}
    limits = Limits(rules={"key-collision": "off"})
    encoder = Encoder("track", token="t", explain=True, compression=None, limits=limits, now=lambda: NOW)
    [batch] = encoder.encode([Lying([("event", "e"), ("properties", whole), ("properties", whole)])]).batches
    assert batch.body.count(b'"token":"t"') == 2
    [rejection] = encoder.encode([Lying([("event", "e"), ("properties", whole), ("properties", {})])]).rejected
    assert [found.rule for found in rejection.findings] == ["time-missing", "insert-id-missing"]
    assert rejection.insert_id is None


def test_a_device_id_with_the_prefix_of_the_server_is_sent_with_a_warning() -> None:
    event = {"event": "e", "properties": {"time": NOW, "$insert_id": "i", "$device_id": "$device:d"}}
    encoded = Encoder(identity="simplified", now=lambda: NOW).encode([event])
    assert [(warning.rule, warning.field) for warning in encoded.warnings] == [
        ("device-id-prefix", "properties.$device_id")
    ]
    assert len(encoded.batches) == 1
    assert Encoder(now=lambda: NOW).encode([event]).warnings == []


def test_the_message_about_a_user_id_of_a_wrong_type_names_its_value() -> None:
    event = {"event": "e", "properties": {"time": NOW, "$insert_id": "i", "$user_id": 5}}
    [rejection] = Encoder(identity="simplified", now=lambda: NOW).encode([event]).rejected
    assert rejection.message == "'$user_id' must be text, the user's id, and is the number 5"


def test_a_rule_about_ids_that_is_off_is_not_checked() -> None:
    bare = {"event": "e", "properties": {"time": NOW, "$insert_id": "i"}}
    limits = Limits(rules={"identity-missing": "off"})
    assert Encoder(identity="simplified", limits=limits, now=lambda: NOW).encode([bare]).rejected == []


def test_a_long_id_is_cut_and_never_converted() -> None:
    event = {"event": "e", "properties": {"time": NOW, "$insert_id": "i", "$device_id": "https://a.b/" + "c" * 300}}
    encoded = Encoder(on_long_url="parse", now=lambda: NOW).encode([event])
    assert [cut.path for cut in encoded.truncated] == ["properties.$device_id"]
    assert b'"$device_id":"https://a.b/c' in encoded.batches[0].events()[0]
