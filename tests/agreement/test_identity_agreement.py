"""The core and the emulator agree on the ids of events and on identity events, in both kinds of projects."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import event as note
from hypothesis import example, given, settings
from hypothesis import strategies as st

from emulator.sender import NOW

from .agreeing import Way, compare_as_it_is, problem_of, rules_of
from .differences import (
    MERGING_REJECTED,
    REFUSED_ALONE,
    REJECTED_ALONE,
    SENT_AND_REFUSED,
    SIMPLIFIED_LENIENT,
    SIMPLIFIED_REJECTED,
)
from .nasty import json_events, valid

TARGETS = ("/import?strict=1", "/import", "/track")
IDENTITIES: Any = (None, "original", "simplified")
WAYS = [Way(target, "documented", identity) for target in TARGETS for identity in IDENTITIES]
EACH_WAY = pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.name} {way.identity}")
SHARE = settings(max_examples=max(25, settings().max_examples // 4))

MERGING = ("$identify", "$create_alias", "$merge")
IDS = ("$user_id", "$device_id", "$identified_id", "$anon_id", "$anon_distinct_id", "alias", "$distinct_ids")
texts = st.sampled_from(["a", "b", "", "Null", "é", "\u212aull", "x" * 300, "\ud800"])
ids: st.SearchStrategy[Any] = st.one_of(
    texts,
    texts,
    st.sampled_from([None, 7, True, [], {}, {"a": "b", "c": "d"}]),
    st.lists(texts | st.just(1), max_size=3),
)


@st.composite
def identified(draw: st.DrawFn) -> Any:
    """An event of `json_events`, often an identity event, with some of the ids that it may have."""
    sent = draw(json_events())
    if isinstance(sent, dict) and isinstance(sent.get("properties"), dict):
        if draw(st.booleans()):
            sent["event"] = draw(st.sampled_from(MERGING))
        sent["properties"].update(draw(st.dictionaries(st.sampled_from(IDS), ids, max_size=4)))
        if draw(st.booleans()):
            sent["properties"].pop("distinct_id", None)
    return sent


def is_merging(sent: Any) -> bool:
    return isinstance(sent, dict) and sent.get("event") in MERGING


def may_be_refused(way: Way) -> set[str]:
    """Return the rules by which the emulator may refuse what the core sends."""
    rules = set(SENT_AND_REFUSED[way.name])
    if way.identity is not None:
        rules -= {"distinct-id-missing"}
    return rules


def may_be_rejected(way: Way, sent: Any) -> set[str]:
    """Return the rules by which the core may reject what the emulator accepts."""
    rules = set(REJECTED_ALONE[way.name])
    if way.identity == "simplified":
        return rules | set(SIMPLIFIED_REJECTED) | (set() if way.name == "strict" else set(SIMPLIFIED_LENIENT))
    return rules | (set(MERGING_REJECTED) if is_merging(sent) else set())


@EACH_WAY
@SHARE
@given(sent=identified())
@example(sent={"event": "e", "properties": {"time": NOW, "$insert_id": "i", "token": "t", "$device_id": "x" * 255}})
def test_what_the_core_lets_through_is_accepted_with_its_ids(way: Way, sent: Any) -> None:
    encoded = way.encoder().encode([sent])
    if encoded.rejected:
        note(f"rejected: {encoded.rejected[0].rule}")
        return
    [batch] = encoded.batches
    server = way.server()
    problem = problem_of(server.send(way.target, batch.body))
    note(f"emulator: {problem is not None}")
    if problem is not None:
        allowed = may_be_refused(way)
        assert rules_of(problem) & allowed or is_far_ahead(batch.body), (problem, batch.body)
        return
    [properties] = [each["properties"] for each in json.loads(batch.body)]
    if "$ignore" not in properties:
        assert server.stored()[0]["properties"].get("distinct_id", "") == expected_id(way, properties)


def is_far_ahead(body: bytes) -> bool:
    """Return whether the time is beyond 64 bits: a double in the emulator, which is no integer of seconds."""
    return bool(json.loads(body)[0]["properties"]["time"] >= 2**64)


def expected_id(way: Way, properties: dict[str, Any]) -> Any:
    """Return the id that an event has by the documents: its own or, in a simplified project, that of user or device."""
    user, device = properties.get("$user_id"), properties.get("$device_id")
    if "distinct_id" in properties or way.identity != "simplified":
        return properties.get("distinct_id", "")
    if isinstance(user, str) and user:
        return user
    return f"$device:{device}"[:255] if isinstance(device, str) and device else ""  # cut as any text is


@EACH_WAY
@SHARE
@given(sent=identified())
def test_what_the_emulator_refuses_the_core_rejects_by_the_same_rule(way: Way, sent: Any) -> None:
    compare_as_it_is(way, sent, {*REFUSED_ALONE, *may_be_refused(way)}, may_be_rejected(way, sent))


def of(name: str, *left_out: str, **more: Any) -> Any:
    """Return an event without the properties `left_out`. `S_` stands for `$`."""
    event = valid(token="t", **{key.replace("S_", "$"): value for key, value in more.items()})
    for each in left_out:
        del event["properties"][each]
    return {**event, "event": name}


MEMBERS: dict[str, dict[str, Any]] = {
    "$identify": {"S_identified_id": "u", "S_anon_id": "a"},
    "$create_alias": {"alias": "a"},
    "$merge": {"S_distinct_ids": ["u", "a"]},
}
"""The ids that each identity event merges."""

STRICT, ORIGINAL, SIMPLIFIED = (Way(TARGETS[0], "documented", identity) for identity in IDENTITIES)
LENIENT = Way("/import", "documented", "simplified")


@pytest.mark.parametrize(
    ("way", "sent", "rule"),
    [
        (STRICT, of("e", "distinct_id", S_device_id="d"), "distinct-id-missing"),
        (STRICT, of("e", "distinct_id", S_user_id="u"), "distinct-id-missing"),
    ],
)
def test_a_listed_event_is_sent_by_the_core_and_refused(way: Way, sent: Any, rule: str) -> None:
    assert rule in may_be_refused(way)
    [batch] = way.encoder().encode([sent]).batches
    assert rule in rules_of(problem_of(way.server().send(way.target, batch.body)) or "")


@pytest.mark.parametrize(
    ("way", "sent", "rule"),
    [
        (ORIGINAL, of("$merge", "time", S_distinct_ids=["u", "v"]), "time-missing"),
        (ORIGINAL, of("$merge", "$insert_id", S_distinct_ids=["u", "v"]), "insert-id-missing"),
        (Way(TARGETS[0], "observed"), of("$create_alias", time=2_000_000_000, alias="v"), "time-in-future"),
        (ORIGINAL, of("$identify", S_anon_distinct_id="a"), "identity-members"),
        (SIMPLIFIED, of("e", S_device_id="d", S_user_id=5), "user-id-type"),
        (SIMPLIFIED, of("e", S_device_id=[]), "device-id-type"),
        (SIMPLIFIED, of("e", S_device_id="null"), "device-id-disallowed"),
        (SIMPLIFIED, of("e", S_user_id="null"), "user-id-disallowed"),
        (LENIENT, of("e", "distinct_id"), "identity-missing"),
    ],
)
def test_a_listed_event_is_rejected_by_the_core_and_accepted(way: Way, sent: Any, rule: str) -> None:
    assert rule in may_be_rejected(way, sent)
    assert [each.rule for each in way.encoder().encode([sent]).rejected] == [rule]
    assert problem_of(way.server().send(way.target, json.dumps([sent]).encode())) is None


@pytest.mark.parametrize("name", MERGING)
@pytest.mark.parametrize("target", TARGETS)
def test_both_refuse_identity_events_in_a_simplified_project(target: str, name: str) -> None:
    way = Way(target, "documented", "simplified")
    sent = of(name, S_identified_id="u", S_anon_id="a", alias="a", S_distinct_ids=["u", "a"])
    assert [each.rule for each in way.encoder().encode([sent]).rejected] == ["identity-event"]
    assert rules_of(problem_of(way.server().send(target, json.dumps([sent]).encode())) or "") == {"identity-event"}


@pytest.mark.parametrize(
    ("way", "sent"),
    [
        (SIMPLIFIED, of("e", "distinct_id", S_user_id="u")),
        (SIMPLIFIED, of("e", "distinct_id", S_device_id="d", S_user_id="")),
        (SIMPLIFIED, of("e", distinct_id="")),
        (ORIGINAL, of("e", S_user_id="null", S_device_id="null")),
        *[
            (way, of(name, *(["distinct_id"] if name != "$create_alias" else []), **members))
            for way in (STRICT, ORIGINAL)
            for name, members in MEMBERS.items()
        ],
    ],
)
def test_both_take_an_event_with_the_ids_that_it_needs(way: Way, sent: Any) -> None:
    [batch] = way.encoder().encode([sent]).batches
    assert problem_of(way.server().send(way.target, batch.body)) is None


@pytest.mark.parametrize(
    ("way", "sent", "rule"),
    [
        (SIMPLIFIED, of("e", "distinct_id"), "identity-missing"),
        (SIMPLIFIED, of("e", "distinct_id", S_user_id="", S_device_id=None), "identity-missing"),
        (ORIGINAL, of("e", "distinct_id", S_user_id="u", S_device_id="d"), "distinct-id-missing"),
        (STRICT, of("e", "distinct_id"), "distinct-id-missing"),
        (SIMPLIFIED, of("e", distinct_id="null", S_user_id="u"), "distinct-id-disallowed"),
        *[(ORIGINAL, of(name), "identity-members") for name in MERGING if name != "$identify"],
        (ORIGINAL, of("$identify", S_identified_id="u"), "identity-members"),
        *[(ORIGINAL, of("$merge", S_distinct_ids=ids), "identity-members") for ids in (["u"], ["u", "v", "w"], "uv")],
        *[
            (way, of("$identify", S_identified_id="u", S_anon_id=bad), "identity-members")
            for way in (STRICT, ORIGINAL, Way("/track", "documented"))
            for bad in ("null", 7, "")
        ],
        (ORIGINAL, of("$create_alias", alias="N/A"), "identity-members"),
        (ORIGINAL, of("$create_alias", distinct_id="", alias="a"), "identity-members"),
        (ORIGINAL, of("$merge", S_distinct_ids=["u", None]), "identity-members"),
        (Way("/track", "documented", "original"), of("$merge", S_distinct_ids=["u", "v"]), "identity-event"),
    ],
)
def test_both_reject_by_the_same_rule(way: Way, sent: Any, rule: str) -> None:
    assert [each.rule for each in way.encoder().encode([sent]).rejected] == [rule]
    assert rule in rules_of(problem_of(way.server().send(way.target, json.dumps([sent]).encode())) or "")
