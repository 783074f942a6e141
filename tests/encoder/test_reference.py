"""The reference agrees with the cases, and with json and orjson where those define the result."""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import reference
from cases.rule_cases import event_of, read_cases, read_json_text_cases, text_of, written_of
from reference import Options, Unreadable
from reference.spell import spell_float, spell_text
from strategies import options, plain_events, plain_values

SOME = settings(max_examples=settings().max_examples // 15)


@pytest.mark.parametrize(("file", "case"), [pytest.param(f, c, id=f"{f}: {c['id']}") for f, c in read_cases()])
def test_each_case_has_its_result(file: str, case: dict[str, Any]) -> None:
    result = reference.encode([event_of(case)], **case.get("options", {}))
    if "rejects" in case:
        assert [[finding.field, finding.rule] for finding in result.rejected] == [case["rejects"]]
        assert (result.batches, result.warnings, result.truncated) == ([], [], [])
        return
    assert result.rejected == []
    assert [[finding.field, finding.rule] for finding in result.warnings] == case.get("warns", [])
    assert [[cut.path, cut.length, cut.advice] for cut in result.truncated] == case.get("truncated", [])
    written = written_of(case)
    if written is not None:
        assert result.batches[0].body == f"[{written}]".encode()


def place_of(found: Unreadable) -> dict[str, int]:
    """The position of an error; a case has `given_up` only if bytes are skipped that may contain events."""
    return {name: value for name, value in asdict(found).items() if name != "given_up" or value}


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in read_json_text_cases()])
def test_each_json_text_case_has_its_result(case: dict[str, Any]) -> None:
    events = list(reference.read_events(text_of(case)))  # once, as some texts take a second
    result = reference.encode(events, **case.get("options", {}))
    became: dict[int, Any] = dict(result.events)
    became |= {broken.index: [broken.field, broken.rule] for broken in result.rejected}
    unreadable = [(i, node) for i, node in enumerate(events) if isinstance(node, Unreadable)]
    assert [index for index, _ in unreadable] == [r.index for r in result.rejected if r.rule == "invalid-json"]
    became |= {index: place_of(found) for index, found in unreadable}
    assert [became[index] for index in sorted(became)] == case["becomes"]
    assert sorted(became) == list(range(len(became)))
    assert [[found.index, found.field, found.rule] for found in result.warnings] == case.get("warns", [])
    cuts = [[cut.index, cut.path, cut.length, cut.advice] for cut in result.truncated]
    assert cuts == case.get("truncated", [])


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_spelled_as_orjson_spells_them(value: float) -> None:
    assert spell_float(value).encode() == orjson.dumps(value)


@given(st.text(st.characters(codec="utf-8")))
def test_texts_are_spelled_as_orjson_spells_them(value: str) -> None:
    assert spell_text(value).encode() == orjson.dumps(value)


@SOME
@given(plain_values)
def test_values_are_written_as_orjson_writes_them(value: Any) -> None:
    event = {"event": "e", "properties": {"time": 1700000000, "distinct_id": "u", "$insert_id": "i", "a": value}}
    result = reference.encode([event], limits={"max_depth": 64, "max_string": 100})
    assert result.rejected == []
    assert result.batches[0].body == orjson.dumps([event])


@SOME
@given(st.lists(plain_events(), max_size=4), options())
def test_an_event_is_the_same_from_json_text(events: list[Any], chosen: Options) -> None:
    from_objects = reference.encode(events, chosen)
    assert reference.encode_json(orjson.dumps(events), chosen) == from_objects
    assert reference.encode_json(orjson.dumps(events, option=orjson.OPT_INDENT_2), chosen) == from_objects
    lines = [orjson.dumps(event) for event in events if not isinstance(event, list)]
    as_lines = reference.encode([event for event in events if not isinstance(event, list)], chosen)
    assert reference.encode_json(b"\n".join(lines), chosen) == as_lines


@SOME
@given(plain_events())
def test_canonical_text_is_as_json_writes_it(event: Any) -> None:
    """If all numbers are integers: a warehouse can then write the canonical text with its own JSON functions."""
    event = json.loads(json.dumps(event), parse_float=lambda _: None)
    assume(isinstance(event, dict) and isinstance(event.get("properties"), dict))
    others = dict(event["properties"])
    time, who, _ = others.pop("time"), others.pop("distinct_id"), others.pop("$insert_id")
    others.pop("token", None)
    parts = [event["event"], time if type(time) is int else None, who, others]
    if type(time) is int and abs(time) < 31_536_000_000:
        parts[1] = time * 1000
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert reference.canonical_text(event) == text
    assert reference.derive_insert_id(event) == sha256(text.encode()).hexdigest()[:36]


@SOME
@given(plain_events())
def test_a_derived_id_is_the_same_from_every_source(event: Any) -> None:
    assume(isinstance(event, dict) and isinstance(event.get("properties"), dict))
    event["properties"].pop("$insert_id")
    actions = dict.fromkeys(reference.RULES, "off")
    from_object = reference.encode([event], insert_id="derive", rules=actions)
    assert reference.encode_json(orjson.dumps(event), insert_id="derive", rules=actions) == from_object
    if from_object.events:
        written = json.loads(from_object.events[0][1])["properties"]["$insert_id"]
        assert written == reference.derive_insert_id(event)
