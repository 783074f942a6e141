"""The core and the emulator agree on generated updates of profiles, as they do on events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from mixpress.emulator.limits import LimitsName
from strategies.updates import OPERATIONS, updates

from .agreeing import compare_as_it_is, problem_of, rules_of, to_number
from .agreeing_updates import DirectUpdates, UpdateWay
from .differences import UPDATES_REFUSED_ALONE, UPDATES_REJECTED_ALONE, UPDATES_SENT
from .nasty import nest
from .nasty_updates import json_updates, keys, list_of_bytes, valid_update

PROFILES: tuple[LimitsName, ...] = ("documented", "observed")
ENGAGE, GROUPS = ([UpdateWay(endpoint, limits) for limits in PROFILES] for endpoint in ("engage", "groups"))
EACH_WAY = pytest.mark.parametrize("way", [*ENGAGE, *GROUPS], ids=lambda way: f"{way.endpoint} {way.limits}")
SHARE = settings(max_examples=max(25, settings().max_examples // 3))


@EACH_WAY
@SHARE
@given(data=st.data())
def test_what_the_core_lets_through_is_accepted_and_stored_as_it_was_sent(way: UpdateWay, data: st.DataObject) -> None:
    sent = data.draw(updates(way.endpoint) | json_updates(way.endpoint))
    encoded = way.encoder().encode([sent])
    if encoded.rejected:
        note(f"rejected: {encoded.rejected[0].rule}")
        return
    [batch] = encoded.batches
    server = way.server()
    problem = problem_of(server.send(way.target, batch.body))
    note(f"emulator: {problem}")
    if problem is not None:
        assert rules_of(problem, way.messages) & UPDATES_SENT.keys(), (problem, batch.body)
        return
    assert server.stored() == expected_profile(json.loads(batch.body, parse_int=to_number)[0])


def expected_profile(written: dict[str, Any]) -> dict[str, Any] | None:
    """Return what an update makes of a profile that does not exist."""
    for operation in ("$set", "$set_once", "$add"):
        if operation in written:
            return dict(written[operation])
    if "$append" in written:
        return {name: [value] for name, value in written["$append"].items()}
    if "$union" in written:
        return {name: unique(values) for name, values in written["$union"].items()}
    return None


def unique(values: list[Any]) -> list[Any]:
    """Return the values without those that are the same JSON as an earlier one."""
    return [json.loads(text) for text in dict.fromkeys(json.dumps(value, sort_keys=True) for value in values)]


@EACH_WAY
@SHARE
@given(data=st.data())
def test_what_the_emulator_refuses_the_core_rejects_by_the_same_rule(way: UpdateWay, data: st.DataObject) -> None:
    compare_as_it_is(way, data.draw(json_updates(way.endpoint)), UPDATES_REFUSED_ALONE, UPDATES_REJECTED_ALONE)


def engage(operation: str = "$set", content: Any = None, **more: Any) -> Any:
    named = {name.replace("S_", "$"): value for name, value in more.items()}
    return valid_update("engage", operation, {"a": 1} if content is None else content, **named)


LIMIT = 262_144
LONG = "x" * 255
LARGE = {f"list {number}": list_of_bytes(250_000) for number in range(4)}
ON_ENGAGE, OBSERVED = ENGAGE
[ON_GROUPS, _] = GROUPS


@pytest.mark.parametrize(
    ("sent", "rule"),
    [
        (engage("$append", {"a": list_of_bytes(LIMIT - 1)}), "value-too-large"),
    ],
)
def test_a_listed_update_is_sent_by_the_core_and_refused(sent: Any, rule: str) -> None:
    assert rule in UPDATES_SENT
    [batch] = ON_ENGAGE.encoder().encode([sent]).batches
    assert rules_of(problem_of(ON_ENGAGE.server().send("/engage", batch.body)) or "", ON_ENGAGE.messages) == {rule}


@pytest.mark.parametrize(
    ("sent", "rule"),
    [
        ({"$distinct_id": "u", "$set": {}}, "token-missing"),
        (engage("$set", {"a": "\ud800"}), "invalid-unicode"),
        (engage("$set", {"a": "x" * 1_000_000}), "event-too-large"),
        (engage("$set", {"a": ["x" * LIMIT]}), "value-too-large"),
    ],
)
def test_a_listed_update_is_changed_by_the_core_and_refused_as_it_is(sent: Any, rule: str) -> None:
    assert rule in UPDATES_REFUSED_ALONE
    problem = problem_of(ON_ENGAGE.server().send("/engage", json.dumps([sent]).encode()))
    assert rules_of(problem or "", ON_ENGAGE.messages) == {rule}
    [batch] = ON_ENGAGE.encoder().encode([sent]).batches
    assert problem_of(ON_ENGAGE.server().send("/engage", batch.body)) is None


@pytest.mark.parametrize(
    ("way", "sent", "rule"),
    [
        (ON_ENGAGE, engage("$set", {LONG + "a": 1, LONG + "b": 2}), "key-collision"),
        (OBSERVED, engage("$set", LARGE), "event-too-large"),
        (ON_ENGAGE, engage("$set", {"a": keys(255)}), "too-many-keys"),
        (ON_ENGAGE, engage(S_ignore_alias=True), "unknown-field"),
        (ON_GROUPS, valid_update("groups", "$set", {}, **{"$ip": "0"}), "unknown-field"),
        (ON_GROUPS, valid_update("groups", "$set", {}, **{"$ignore_time": True}), "unknown-field"),
        *[
            (ON_ENGAGE, engage(**{name: "x"}), "operation-unknown")
            for name in ("$time", "$device_id", "$user_id", "$had_persisted_distinct_id")
        ],
        (ON_GROUPS, valid_update("groups", "$set", {}, **{"$time": 1}), "operation-unknown"),
    ],
)
def test_a_listed_update_is_rejected_by_the_core_and_accepted(way: UpdateWay, sent: Any, rule: str) -> None:
    assert rule in UPDATES_REJECTED_ALONE
    assert [each.rule for each in way.encoder().encode([sent]).rejected] == [rule]
    assert problem_of(way.server().send(way.target, json.dumps([sent]).encode())) is None


def without(name: str, update: Any) -> Any:
    return {key: value for key, value in update.items() if key != name}


GROUP = valid_update("groups", "$set", {})


@pytest.mark.parametrize(
    ("way", "sent", "rule"),
    [
        (ON_ENGAGE, ["$set"], "event-not-object"),
        (ON_ENGAGE, without("$distinct_id", engage()), "distinct-id-missing"),
        (ON_ENGAGE, engage(S_distinct_id=""), "distinct-id-missing"),
        (ON_ENGAGE, engage(S_distinct_id=7), "distinct-id-type"),
        (ON_ENGAGE, engage(S_distinct_id="Null"), "distinct-id-disallowed"),
        (ON_GROUPS, without("$group_key", GROUP), "group-key-missing"),
        (ON_GROUPS, {**GROUP, "$group_key": 7}, "group-key-type"),
        (ON_GROUPS, {**GROUP, "$group_id": ""}, "group-id-missing"),
        (ON_GROUPS, {**GROUP, "$group_id": 7}, "group-id-type"),
        (ON_ENGAGE, engage(S_foo={}), "operation-unknown"),
        (ON_GROUPS, valid_update("groups", "$add", {"a": 1}), "operation-unknown"),
        (ON_ENGAGE, engage(properties={}), "unknown-field"),
        *[(ON_ENGAGE, engage(S_ip=value), "field-type") for value in (7, 0.5, False, None, ["1.2.3.4"])],
        *[(ON_ENGAGE, engage(S_ignore_time=value), "field-type") for value in (1, "true", None)],
        (ON_ENGAGE, engage("$delete", "", S_ignore_alias="true"), "field-type"),
        *[
            (way, valid_update(way.endpoint, "$set", {}, **{"$token": value}), "field-type")
            for way in (ON_ENGAGE, ON_GROUPS)
            for value in (None, 7, ["t"])
        ],
        (ON_ENGAGE, engage(S_token=""), "token-missing"),
        (ON_ENGAGE, without("$set", engage()), "operation-missing"),
        (ON_ENGAGE, engage(S_unset=["a"]), "operation-repeated"),
        *[(ON_ENGAGE, engage(name, 7), "operation-type") for name in OPERATIONS["engage"]],
        (ON_ENGAGE, engage("$add", {"a": "1"}), "add-not-a-number"),
        (ON_ENGAGE, engage("$add", {"a": True}), "add-not-a-number"),
        (ON_GROUPS, valid_update("groups", "$union", {"a": "x"}), "union-not-a-list"),
        (ON_ENGAGE, engage("$unset", ["a", 1]), "unset-not-a-name"),
        (ON_ENGAGE, engage("$set", keys(2001)), "too-many-profile-properties"),
        (ON_ENGAGE, engage("$set", {"a": keys(256)}), "too-many-keys"),
        (ON_ENGAGE, engage("$set", {"a": nest(["object"], 4)}), "too-deep"),
        (OBSERVED, engage("$set", {"a": nest(["object"], 11)}), "too-deep"),
        (ON_ENGAGE, engage("$set", {"a": nest(["list"], 65)}), "too-deep"),
    ],
)
def test_both_reject_by_the_same_rule(way: UpdateWay, sent: Any, rule: str) -> None:
    [rejection] = way.encoder(explain=True).encode([sent]).rejected
    assert rule in {finding.rule for finding in rejection.findings}
    assert rule in rules_of(problem_of(way.server().send(way.target, json.dumps([sent]).encode())) or "", way.messages)


@pytest.mark.parametrize(
    ("way", "sent"),
    [
        *[(ON_ENGAGE, engage(S_ip=value)) for value in ("0", "1.2.3.4", 0)],
        (ON_ENGAGE, engage("$delete", "", S_ignore_alias=True)),
        (ON_ENGAGE, engage("$set", keys(2000))),
        (ON_ENGAGE, engage("$set", {"a": keys(254)})),
        (ON_ENGAGE, engage("$set", {"a": [1] * 1000})),
        (ON_ENGAGE, engage("$set", {"a": nest(["object"], 3)})),
        (OBSERVED, engage("$set", {"a": nest(["object"], 10)})),
        (ON_ENGAGE, engage("$set", {"a": nest(["list"], 64)})),
        (ON_GROUPS, {**GROUP, "$group_id": "null"}),
    ],
)
def test_both_take_what_is_just_within_the_rules(way: UpdateWay, sent: Any) -> None:
    [batch] = way.encoder().encode([sent]).batches
    for body in (json.dumps([sent]).encode(), batch.body):
        assert problem_of(way.server().send(way.target, body)) is None


@pytest.mark.parametrize(
    ("content", "accepted"), [({"a": list_of_bytes(LIMIT)}, True), ({"a": list_of_bytes(LIMIT + 1)}, False)]
)
@pytest.mark.parametrize("way", [ON_ENGAGE, ON_GROUPS], ids=lambda way: way.endpoint)
def test_both_count_the_same_bytes_of_a_value(way: UpdateWay, content: Any, accepted: bool) -> None:
    sent = valid_update(way.endpoint, "$set", content)
    problem = problem_of(DirectUpdates(way.limits).send(way.target, json.dumps([sent]).encode()))
    assert [each.rule for each in way.encoder().encode([sent]).rejected] == ([] if accepted else ["value-too-large"])
    assert (problem is None) == accepted
