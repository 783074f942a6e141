"""After text that is not JSON every event has a verdict, or the rejection says how much of the text was given up."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from encoder.twins import core_encoder, outcome_of_core, outcome_of_reference
from mixpress import Encoder
from reference import Options

GOOD = '{"event":"e","properties":{"time":1700000000,"distinct_id":"u","$insert_id":"i"}}'
NESTED = '{"event":"e","properties":{"time":1700000000,"distinct_id":"u","$insert_id":"i","a":[{"b":{}},"}]"]}}'
BROKEN = [
    '{"event": tru}',
    '{"event": "e", "properties": {"a": [1, {"b": }]}}',
    '{"event": "e" "properties": {}}',
    '{"event": "a\tb"}',
    '{"event": "\\x"}',
    '{"a": 1,}',
    "tru",
    "{'a': 1}",
    "",
]


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("separator", [",", ", ", ",\n", "\r,"])
def test_a_broken_element_costs_no_other(broken: str, separator: str) -> None:
    text = "[" + separator.join([GOOD, broken, NESTED, broken, GOOD]) + "]"
    encoded = Encoder(compression=None).encode_json(text)
    assert (sum(map(len, encoded.batches)), len(encoded.rejected)) == (3, 2)
    batches = Encoder(compression=None).iter_batches(text)
    assert (sum(map(len, batches)), batches.total) == (3, 5)


@pytest.mark.parametrize("broken", [broken for broken in BROKEN if broken.startswith("{")])
@pytest.mark.parametrize("row_end", ["\n", "\r", "\r\n", ""])
def test_a_broken_object_costs_no_other(broken: str, row_end: str) -> None:
    encoded = Encoder(compression=None).encode_json(row_end.join([GOOD, broken, NESTED, broken, GOOD]))
    assert (sum(map(len, encoded.batches)), len(encoded.rejected)) == (3, 2)


@pytest.mark.parametrize("row_end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("cut", range(1, len(GOOD)))
def test_a_cut_row_costs_no_other(cut: int, row_end: str) -> None:
    encoded = Encoder(compression=None).encode_json(row_end.join([GOOD, GOOD[:cut], GOOD, GOOD]))
    assert sum(map(len, encoded.batches)) == 3
    assert len(encoded.rejected) == 1


@pytest.mark.parametrize("broken", [GOOD[:-1], GOOD.replace('"e"', '"e'), GOOD[:-2] + "]}"])
def test_what_is_given_up_is_said(broken: str) -> None:
    text = "[" + ",".join([GOOD, broken, GOOD, GOOD]) + "]"
    encoded = Encoder(compression=None).encode_json(text)
    assert sum(map(len, encoded.batches)) == 1
    (rejection,) = encoded.rejected
    (given_up,) = re.findall(r"; (\d+) bytes from there on are skipped, with any events in them", rejection.message)
    (start,) = re.findall(r"byte (\d+)", rejection.message)
    assert 0 <= int(given_up) - (len(text) - int(start)) <= 20  # from the start of the token with the error


pieces = st.sampled_from([GOOD, NESTED, *BROKEN, *'[]{},:"', "\n", "\r", "\n  ", "\n{", '"a":', "{\n", "\\"])


@given(st.lists(pieces, max_size=25).map("".join))
def test_any_pieces_are_read_like_the_reference(text: str) -> None:
    chosen: Any = Options()
    result = outcome_of_core(core_encoder(chosen).encode_json(text))
    assert result == outcome_of_reference(reference.encode_json(text, chosen))
    view = memoryview(text.encode())
    assert result == outcome_of_core(core_encoder(chosen).encode_json(view))
