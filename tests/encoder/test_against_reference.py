"""The core and the reference give the same result for the same events: bodies, rejections, truncations and warnings."""

from __future__ import annotations

import gzip
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import event as note
from hypothesis import strategies as st

import reference
from encoder.twins import Outcome, core_encoder, outcome_of_core, outcome_of_reference
from reference import Options
from strategies import events, options

FEW = settings(max_examples=settings().max_examples // 10)
VALID = {"event": "e", "properties": {"time": 1700000000, "distinct_id": "u", "$insert_id": "i"}}


@given(st.lists(events(), min_size=1, max_size=4), options())
def test_any_events_are_encoded_like_the_reference(given_events: list[Any], chosen: Options) -> None:
    before = repr(given_events)
    expected = outcome_of_reference(reference.encode(given_events, chosen))
    result = outcome_of_core(core_encoder(chosen).encode(given_events))
    note_each(expected)
    assert result == expected
    assert repr(given_events) == before, "the input was changed"


def note_each(outcome: Outcome) -> None:
    """Note what the examples reach, for `--hypothesis-show-statistics`."""
    for _, _, _, rule in outcome.rejected:
        note(f"rejected: {rule}")
    for _, _, _, rule in outcome.warnings:
        note(f"warned: {rule}")
    note(f"cut: {bool(outcome.truncated)}, batches: {len(outcome.batches)}")


@FEW
@given(st.lists(events(), min_size=1, max_size=4), options(), st.data())
def test_byte_limits_are_exact(given_events: list[Any], chosen: Options, data: st.DataObject) -> None:
    """The limits are around the size of each event, and of each body that the events could make."""
    unlimited = {k: v for k, v in chosen.limits.items() if k not in ("max_event_bytes", "max_batch_bytes")}
    written = [
        len(text.encode()) for _, text in reference.encode(given_events, replace(chosen, limits=unlimited)).events
    ]
    assume(written)
    bodies = [sum(written[: n + 1]) + n + 1 for n in range(len(written))]  # one comma or newline for each event
    name, sizes = data.draw(st.sampled_from([("max_event_bytes", written), ("max_batch_bytes", bodies)]))
    size = data.draw(st.sampled_from(sizes)) + data.draw(st.integers(-1, 2))
    around = replace(chosen, limits={**unlimited, name: size})
    expected = outcome_of_reference(reference.encode(given_events, around))
    assert outcome_of_core(core_encoder(around).encode(given_events)) == expected


@FEW
@given(st.lists(events(), min_size=1, max_size=4), options())
def test_gzip_changes_only_the_body(given_events: list[Any], chosen: Options) -> None:
    expected = outcome_of_reference(reference.encode(given_events, chosen))
    result = outcome_of_core(core_encoder(chosen, compression="gzip").encode(given_events))
    plain = [(gzip.decompress(body), indexes, size) for body, indexes, size in result.batches]
    assert result._replace(batches=plain) == expected


@pytest.mark.parametrize("layout", ["json", "ndjson"])
def test_a_batch_holds_at_most_2000_events(layout: str) -> None:
    result = compare([VALID, "no event"] * 4001, format=layout)
    assert [len(indexes) for _, indexes, _ in result.batches] == [2000, 2000, 1]
    assert result.batches[1][1][0] == 4000


@pytest.mark.parametrize("layout", ["json", "ndjson"])
@pytest.mark.parametrize("missing", [0, 1])
def test_a_batch_closes_at_its_byte_limit(layout: str, missing: int) -> None:
    """Three events of 81 bytes have one byte after each and, in an array, the bracket before them."""
    whole = 3 * (81 + 1) + (layout == "json")
    result = compare([VALID] * 6, format=layout, limits={"max_batch_bytes": whole - missing})
    assert [len(indexes) for _, indexes, _ in result.batches] == ([2, 2, 2] if missing else [3, 3])


def test_a_batch_holds_at_most_9_500_000_bytes() -> None:
    lists = {f"list {number}": ["x" * 255] * 254 for number in range(14)} | {"last": ["x" * 255] * 110}
    event = {**VALID, "properties": {**VALID["properties"], **lists}}  # type: ignore[dict-item]
    result = compare([event] * 12)
    assert [len(indexes) for _, indexes, _ in result.batches] == [10, 2]
    assert 9_400_000 < len(result.batches[0][0]) <= 9_500_000


def test_an_event_larger_than_a_batch_is_a_batch_alone() -> None:
    result = compare([VALID] * 3, limits={"max_batch_bytes": 1})
    assert [indexes for _, indexes, _ in result.batches] == [[0], [1], [2]]


def test_without_accepted_events_there_is_no_batch() -> None:
    assert compare([5, None]).batches == []
    assert compare([]) == Outcome([], [], [], [])


def test_a_list_that_holds_itself_twice_is_rejected_at_once() -> None:
    """It runs in a process with a timeout, as a walk through all 2**64 lists would never end."""
    code = (
        "import mixpress; own = []; own += [own, own]\n"
        "properties = {'time': 1700000000, 'distinct_id': 'u', '$insert_id': 'i'}\n"
        "for value in (own, [1j, own]):\n"
        "    event = {'event': 'e', 'properties': {**properties, 'a': value}}\n"
        "    print(mixpress.Encoder().encode([event]).rejected[0].rule)"
    )
    run = subprocess.run([sys.executable, "-c", code], timeout=20, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["too-deep", "too-deep"]


def compare(given_events: list[Any], **named: Any) -> Outcome:
    chosen = Options(**named)
    result = outcome_of_core(core_encoder(chosen).encode(given_events))
    assert result == outcome_of_reference(reference.encode(given_events, chosen))
    return result
