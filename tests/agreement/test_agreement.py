"""The core and the emulator agree on generated events: what one lets through, the other accepts, rule by rule.

They share no code. Every difference that they may have is in `differences`; anything else is a mistake in one.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import event as note
from hypothesis import example, given, settings

from emulator.sender import NOW
from strategies import events

from .agreeing import Direct, Way, compare_as_it_is, problem_of, rules_of, to_number
from .differences import REFUSED_ALONE, REJECTED_ALONE, SENT_AND_REFUSED
from .nasty import json_events, valid

TARGETS = ("/import?strict=1", "/import", "/track")
WAYS = [Way(target, limits) for target in TARGETS for limits in ("documented", "observed")]
EACH_WAY = pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.name} {way.limits}")
SHARE = settings(max_examples=max(25, settings().max_examples // 3))
DEEP: Any = 1
for _ in range(70):
    DEEP = [DEEP]


@EACH_WAY
@SHARE
@given(sent=events() | json_events())
def test_what_the_core_lets_through_is_accepted_and_stored_as_it_was_sent(way: Way, sent: Any) -> None:
    encoded = way.encoder().encode([sent])
    if encoded.rejected:
        note(f"rejected: {encoded.rejected[0].rule}")
        return
    [batch] = encoded.batches
    server = way.server()
    problem = problem_of(server.send(way.target, batch.body))
    [written] = json.loads(batch.body, parse_int=to_number)
    if problem is not None:
        named = rules_of(problem)
        if written["properties"]["time"] >= 2**64:
            named |= {"time-in-future"}  # a double in the emulator, which is no integer of seconds
        assert named & SENT_AND_REFUSED[way.name].keys(), (problem, batch.body)
        return
    if written["properties"].get("$ignore", ...) is not ...:
        assert server.stored() == []
        return
    [stored] = server.stored()
    if written["properties"].get("time", 0) != stored["properties"]["time"]:
        assert stored["properties"]["time"] == NOW * 1000
        written["properties"]["time"] = NOW * 1000
    assert stored == written


@EACH_WAY
@SHARE
@given(sent=json_events())
@example(sent=valid(token="t", deep=DEEP, wide=[1] * 255))
def test_what_the_emulator_refuses_the_core_rejects_by_the_same_rule(way: Way, sent: Any) -> None:
    compare_as_it_is(way, sent, REFUSED_ALONE, REJECTED_ALONE[way.name])


LONG = "x" * 255
LARGE = {f"list {number}": [LONG] * 254 for number in range(15)} | {"rest": [LONG] * 70}
STRICT, IMPORT, TRACK = (Way(target, "documented") for target in TARGETS)
OBSERVED = Way("/import?strict=1", "observed")


@pytest.mark.parametrize(
    ("way", "sent", "rule"),
    [
        (STRICT, valid(time=NOW + 7200), "time-in-future"),
        *[(way, {**valid(token="t"), "event": " " * 255 + "x"}, "event-blank") for way in (STRICT, IMPORT, TRACK)],
        (TRACK, valid(token=None), "token-missing"),
    ],
)
def test_a_listed_event_is_sent_by_the_core_and_refused(way: Way, sent: Any, rule: str) -> None:
    assert rule in SENT_AND_REFUSED[way.name]
    [batch] = way.encoder().encode([sent]).batches
    assert rule in rules_of(problem_of(Direct(way.limits).send(way.target, batch.body)) or "")


@pytest.mark.parametrize(
    ("way", "sent", "rule"),
    [
        (STRICT, valid(time=NOW - 0.5), "time-type"),
        (STRICT, valid(time=float(NOW)), "time-type"),
        (STRICT, valid(text="\ud800"), "invalid-unicode"),
        (STRICT, valid(text="x" * 1_000_000), "event-too-large"),
        (TRACK, valid(), "token-missing"),
    ],
)
def test_a_listed_event_is_changed_by_the_core_and_refused_as_it_is(way: Way, sent: Any, rule: str) -> None:
    assert rule in REFUSED_ALONE
    server = Direct(way.limits)
    assert rules_of(problem_of(server.send(way.target, json.dumps([sent]).encode())) or "") == {rule}
    [batch] = way.encoder().encode([sent]).batches
    assert problem_of(server.send(way.target, batch.body)) is None


def without(name: str) -> Any:
    event = valid(token="t")
    del event["properties"][name]
    return event


@pytest.mark.parametrize(
    ("way", "sent", "rule"),
    [
        (STRICT, valid(**{LONG + "a": 1, LONG + "b": 2}), "key-collision"),
        (OBSERVED, valid(**LARGE), "event-too-large"),
        *[(way, without("time"), "time-missing") for way in (IMPORT, TRACK)],
        *[(way, without("$insert_id"), "insert-id-missing") for way in (IMPORT, TRACK)],
        (IMPORT, without("distinct_id"), "distinct-id-missing"),
        (Way("/import", "observed"), valid(time=NOW + 7200), "time-in-future"),
        (Way("/track", "observed"), valid(token="t", time=NOW + 7200), "time-in-future"),
    ],
)
def test_a_listed_event_is_rejected_by_the_core_and_accepted(way: Way, sent: Any, rule: str) -> None:
    assert rule in REJECTED_ALONE[way.name]
    assert [each.rule for each in way.encoder().encode([sent]).rejected] == [rule]
    assert problem_of(Direct(way.limits).send(way.target, json.dumps([sent]).encode())) is None


def test_the_table_of_messages_does_not_change_with_what_a_caller_adds() -> None:
    message = "'event' is invalid: must be a string"
    named = rules_of(message)
    named |= {"time-in-future"}
    assert rules_of(message) == {"event-type"}
