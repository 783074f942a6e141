"""Derived `$insert_id`s: the canonical text byte for byte, and the same id from every source."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import mixpress
import reference
from cases.rule_cases import expand
from encoder.twins import core_encoder, outcome_of_core, outcome_of_reference
from reference import Options
from strategies import Color, Pairs, events, names, options, plain_events

SOME = settings(max_examples=settings().max_examples // 5)
TABLE = Path(__file__).parents[1] / "cases" / "derive" / "cases.json"
CASES = [expand(case) for case in json.loads(TABLE.read_text())]


# The name of a field must be encodable as UTF-8.
fields_of_an_event = names.filter(lambda name: name.isprintable()) | st.sampled_from(["event", "time", "distinct_id"])


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES])
def test_each_case_has_its_canonical_text_and_id(case: dict[str, Any]) -> None:
    event, fields = case["event"], case.get("fields")
    assert reference.canonical_text(event, fields) == case["canonical"]
    expected = hashlib.sha256(case["canonical"].encode()).hexdigest()[:36]
    assert reference.derive_insert_id(event, fields) == expected
    assert mixpress.derive_insert_id(event, fields) == expected


@SOME
@given(events(), st.none() | st.lists(fields_of_an_event, max_size=3))
def test_any_event_has_the_id_of_the_reference(event: Any, fields: list[str] | None) -> None:
    try:
        expected = reference.derive_insert_id(event, fields)
    except (TypeError, ValueError):  # an event can have a reason for each, and either may be raised
        with pytest.raises((TypeError, ValueError)):
            mixpress.derive_insert_id(event, fields)
    else:
        assert mixpress.derive_insert_id(event, fields) == expected


@SOME
@given(st.lists(events(), min_size=1, max_size=3), options())
def test_an_encoder_adds_the_derived_id(given_events: list[Any], chosen: Options) -> None:
    deriving = Options(**{**vars(chosen), "insert_id": "derive"})
    result = outcome_of_core(core_encoder(deriving).encode(given_events))
    assert result == outcome_of_reference(reference.encode(given_events, deriving))


@SOME
@given(
    st.lists(events(), min_size=1, max_size=3),
    options(),
    st.lists(fields_of_an_event, min_size=1, max_size=3),
    st.booleans(),
)
def test_an_encoder_adds_the_id_derived_from_fields(
    given_events: list[Any], chosen: Options, fields: list[str], explain: bool
) -> None:
    deriving = replace(chosen, insert_id="derive", insert_id_from=tuple(fields), explain=explain)
    result = outcome_of_core(core_encoder(deriving).encode(given_events))
    assert result == outcome_of_reference(reference.encode(given_events, deriving))


@SOME
@given(plain_events(), st.lists(fields_of_an_event, min_size=1, max_size=3))
def test_the_id_derived_from_fields_is_the_same_from_every_source(event: Any, fields: list[str]) -> None:
    assume(isinstance(event, dict) and isinstance(event.get("properties"), dict))
    event["properties"].pop("$insert_id")
    expected = mixpress.derive_insert_id(event, fields)
    encoder = core_encoder(Options(insert_id="derive", insert_id_from=tuple(fields)))
    results = [encoder.encode([event]), encoder.encode_json(orjson.dumps(event))]
    for batch in (batch for result in results for batch in result.batches):
        assert json.loads(batch.events()[0])["properties"]["$insert_id"] == expected


def test_an_event_with_none_of_the_fields_gets_no_id() -> None:
    properties = {"time": 1700000000, "distinct_id": "u", "order": None}
    encoder = mixpress.Encoder(insert_id="derive", insert_id_from=("order", "oder"))
    [rejection] = encoder.encode([{"event": "Paid", "properties": properties}]).rejected
    assert rejection.rule == "insert-id-missing"


def test_rows_of_arrow_have_the_id_derived_from_fields() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    properties = {"time": 1700000000, "distinct_id": "u", "order": "A-17", "amount": 5}
    table = pyarrow.Table.from_pylist([{"event": "Paid", **properties}])
    encoder = mixpress.Encoder(insert_id="derive", insert_id_from=("order", "event"))
    [batch] = encoder.encode_arrow(table).batches
    expected = mixpress.derive_insert_id({"event": "Paid", "properties": properties}, ["order", "event"])
    assert json.loads(batch.events()[0])["properties"]["$insert_id"] == expected


def test_a_field_after_one_that_nests_too_deep_is_still_hashed() -> None:
    deep: Any = []
    for _ in range(70):
        deep = [deep]
    event = {"event": "e", "properties": {"time": 1, "distinct_id": "u", "deep": deep, "order": ["A-17"]}}
    assert mixpress.derive_insert_id(event, ["order"]) == reference.derive_insert_id(event, ["order"])
    chosen = Options(insert_id="derive", insert_id_from=("order",), explain=True)
    result = outcome_of_core(core_encoder(chosen).encode([event]))
    assert result == outcome_of_reference(reference.encode([event], chosen))


@SOME
@given(plain_events())
def test_the_id_is_the_same_from_json_and_from_objects(event: Any) -> None:
    assume(isinstance(event, dict) and isinstance(event.get("properties"), dict))
    event["properties"].pop("$insert_id")
    encoder = core_encoder(Options(insert_id="derive"))
    assert outcome_of_core(encoder.encode_json(orjson.dumps(event))) == outcome_of_core(encoder.encode([event]))
    for batch in encoder.encode([event]).batches:
        written = json.loads(batch.events()[0])["properties"]
        assert written["$insert_id"] == mixpress.derive_insert_id(event)


def test_an_event_keeps_its_own_id_even_a_wrong_one() -> None:
    event = {"event": "e", "properties": {"time": 1700000000, "distinct_id": "u", "$insert_id": None}}
    [rejection] = core_encoder(Options(insert_id="derive")).encode([event]).rejected
    assert rejection.rule == "insert-id-type"


@pytest.mark.parametrize(
    "event", [5, None, [], "text", {"event": object()}, {"properties": {"a": b"b"}}, {"properties": {"a": {1: 2}}}]
)
def test_a_value_without_a_json_form_raises(event: Any) -> None:
    with pytest.raises(TypeError):
        mixpress.derive_insert_id(event)


def test_a_value_that_contains_itself_raises() -> None:
    own: list[Any] = []
    own += [own, own]
    with pytest.raises(ValueError, match="64"):
        mixpress.derive_insert_id({"event": "e", "properties": {"a": own}})


def test_equal_events_of_other_types_have_the_same_id() -> None:
    written = {
        "event": "e",
        "properties": {"time": 1700000000, "distinct_id": "u", "a": {"y": [1, 2], "x": "a long text is in it"}},
    }
    meant = Pairs(
        [
            (
                "properties",
                {
                    "a": Pairs([("x", Color.TEXT), ("y", (1, 2))]),
                    "distinct_id": "u",
                    "time": 1700000000.0,
                    "token": "t",
                },
            ),
            ("event", "e"),
        ]
    )
    assert mixpress.derive_insert_id(meant) == mixpress.derive_insert_id(written)
