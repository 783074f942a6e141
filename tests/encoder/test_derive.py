"""`$insert_id` made of the event: the canonical text byte for byte, and the same id from every source."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import mixpress
import reference
from cases.rule_cases import expand
from encoder.twins import account_of_core, account_of_reference, core_encoder
from reference import Options
from strategies import Color, Pairs, events, names, options, plain_events

SOME = settings(max_examples=settings().max_examples // 5)
TABLE = Path(__file__).parents[1] / "cases" / "derive" / "cases.json"
CASES = [expand(case) for case in json.loads(TABLE.read_text())]


# A field is named in text that UTF-8 can hold.
fields_of_an_event = names.filter(lambda name: name.isprintable()) | st.sampled_from(["event", "time", "distinct_id"])


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES])
def test_cases(case: dict[str, Any]) -> None:
    event, fields = case["event"], case.get("fields")
    assert reference.canonical_text(event, fields) == case["canonical"]
    expected = hashlib.sha256(case["canonical"].encode()).hexdigest()[:36]
    assert reference.derive_insert_id(event, fields) == expected
    assert mixpress.derive_insert_id(event, fields) == expected


@SOME
@given(events(), st.none() | st.lists(fields_of_an_event, max_size=3))
def test_any_event(event: Any, fields: list[str] | None) -> None:
    try:
        expected = reference.derive_insert_id(event, fields)
    except (TypeError, ValueError):  # of both kinds there may be one, and either is right
        with pytest.raises((TypeError, ValueError)):
            mixpress.derive_insert_id(event, fields)
    else:
        assert mixpress.derive_insert_id(event, fields) == expected


@SOME
@given(st.lists(events(), min_size=1, max_size=3), options())
def test_encoders_add_it(given_events: list[Any], chosen: Options) -> None:
    deriving = Options(**{**vars(chosen), "insert_id": "derive"})
    result = account_of_core(core_encoder(deriving).encode(given_events))
    assert result == account_of_reference(reference.encode(given_events, deriving))


@SOME
@given(plain_events())
def test_it_is_the_same_from_every_source(event: Any) -> None:
    assume(isinstance(event, dict) and isinstance(event.get("properties"), dict))
    event["properties"].pop("$insert_id")
    encoder = core_encoder(Options(insert_id="derive"))
    assert account_of_core(encoder.encode_json(orjson.dumps(event))) == account_of_core(encoder.encode([event]))
    for batch in encoder.encode([event]).batches:
        written = json.loads(batch.events()[0])["properties"]
        assert written["$insert_id"] == mixpress.derive_insert_id(event)


def test_an_id_that_is_there_is_kept() -> None:
    event = {"event": "e", "properties": {"time": 1700000000, "distinct_id": "u", "$insert_id": None}}
    [rejection] = core_encoder(Options(insert_id="derive")).encode([event]).rejected
    assert rejection.rule == "insert-id-type"


@pytest.mark.parametrize(
    "event", [5, None, [], "text", {"event": object()}, {"properties": {"a": b"b"}}, {"properties": {"a": {1: 2}}}]
)
def test_what_has_no_json_form_has_no_id(event: Any) -> None:
    with pytest.raises(TypeError):
        mixpress.derive_insert_id(event)


def test_what_contains_itself_has_no_id() -> None:
    own: list[Any] = []
    own += [own, own]
    with pytest.raises(ValueError, match="64"):
        mixpress.derive_insert_id({"event": "e", "properties": {"a": own}})


def test_the_same_meaning_is_the_same_id() -> None:
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
