"""The core and the reference agree on the options that change what is reported or written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from encoder.twins import core_encoder, outcome_of_core, outcome_of_reference
from reference import Options
from strategies import events, options

VALID = {"event": "e", "properties": {"time": 1700000000, "distinct_id": "u", "$insert_id": "i"}}
SOME = settings(max_examples=settings().max_examples // 5)
some_events = st.lists(events(), min_size=1, max_size=3)


def compare(given_events: list[Any], chosen: Options) -> Any:
    expected = reference.encode(given_events, chosen)
    assert outcome_of_core(core_encoder(chosen).encode(given_events)) == outcome_of_reference(expected)
    return expected


@SOME
@given(some_events, options())
def test_explain_lists_every_finding_that_rejects(given_events: list[Any], chosen: Options) -> None:
    explained = compare(given_events, replace(chosen, explain=True))
    plain = reference.encode(given_events, chosen)
    firsts = {rejection.index: rejection for rejection in reversed(explained.rejected)}
    assert [firsts[index] for index in sorted(firsts)] == plain.rejected
    assert explained.batches == plain.batches


@pytest.mark.parametrize(
    ("endpoint", "given"),
    [
        ("import", "\ud800"),
        ("import", {**VALID, "properties": "\ud800"}),
        ("import", {**VALID, "properties": {**VALID["properties"], "time": "\ud800"}}),  # type: ignore[dict-item]
        ("engage", "\ud800"),
        ("engage", {"$token": "t", "$distinct_id": "u", "$set": "\ud800"}),
        ("engage", {"$token": "t", "$distinct_id": "u", "$add": {"n": "\ud800"}}),
    ],
)
def test_a_text_of_a_wrong_type_is_still_checked_for_unicode(endpoint: str, given: Any) -> None:
    chosen = Options(endpoint=endpoint, explain=True, rules={"invalid-unicode": "reject"})
    [_, found] = compare([given], chosen).rejected
    assert found.rule == "invalid-unicode"


def as_text(value: Any) -> Any:
    """A `default` that converts some values, partly to values that need `default` again, and raises for others."""
    if isinstance(value, complex):
        return {"real": value.real, "imaginary": b"bytes"}
    if isinstance(value, bytes):
        return [value.decode()]
    if isinstance(value, range):
        return value  # is asked again, and never ends
    raise TypeError(f"no text for {value!r}")


@SOME
@given(some_events, options())
def test_default_converts_values_without_a_json_form(given_events: list[Any], chosen: Options) -> None:
    compare(given_events, replace(chosen, default=as_text))


def test_default_is_called_again_for_what_it_returns() -> None:
    event = {**VALID, "properties": {**VALID["properties"], "a": 1j}}  # type: ignore[dict-item]
    result = compare([event], Options(default=as_text))
    assert result.events[0][1].endswith('"a":{"real":0.0,"imaginary":["bytes"]}}}')


@pytest.mark.parametrize("value", [range(3), object()])
def test_default_that_fails_is_a_rejection(value: Any) -> None:
    event = {**VALID, "properties": {**VALID["properties"], "a": value}}  # type: ignore[dict-item]
    result = compare([event], Options(default=as_text))
    assert [finding.rule for finding in result.rejected] == ["unsupported-type"]


@SOME
@given(
    some_events,
    options(),
    st.fixed_dictionaries(
        {
            "on_long_url": st.sampled_from(["cut", "parse"]),
            "on_long_json": st.sampled_from(["cut", "flatten"]),
            "on_long_text": st.sampled_from(["cut", "drop"]),
        }
    ),
)
def test_long_texts_are_parsed_flattened_or_dropped(
    given_events: list[Any], chosen: Options, ways: dict[str, Any]
) -> None:
    compare(given_events, replace(chosen, **ways))


@SOME
@given(some_events, options())
def test_forms_in_base64_are_encoded_like_the_reference(given_events: list[Any], chosen: Options) -> None:
    compare(given_events, replace(chosen, endpoint="track", format="form", form_base64=True))
