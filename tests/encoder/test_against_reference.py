"""The core and the reference make the same of the same events: bodies, verdicts, cuts and warnings."""

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
from encoder.twins import Account, account_of_core, account_of_reference, core_encoder
from reference import Options
from strategies import events, options

FEW = settings(max_examples=settings().max_examples // 10)
VALID = {"event": "e", "properties": {"time": 1700000000, "distinct_id": "u", "$insert_id": "i"}}


@given(st.lists(events(), min_size=1, max_size=4), options())
def test_any_events(given_events: list[Any], chosen: Options) -> None:
    before = repr(given_events)
    expected = account_of_reference(reference.encode(given_events, chosen))
    result = account_of_core(core_encoder(chosen).encode(given_events))
    note_each(expected)
    assert result == expected
    assert repr(given_events) == before, "the input was changed"


def note_each(account: Account) -> None:
    """For `--hypothesis-show-statistics`: what was reached."""
    for _, _, _, rule in account.rejected:
        note(f"rejected: {rule}")
    for _, _, _, rule in account.warnings:
        note(f"warned: {rule}")
    note(f"cut: {bool(account.truncated)}, batches: {len(account.batches)}")


@FEW
@given(st.lists(events(), min_size=1, max_size=4), options(), st.data())
def test_limits_of_bytes_are_met_exactly(given_events: list[Any], chosen: Options, data: st.DataObject) -> None:
    """Around the size of each event, and of each body that some of them would make."""
    unlimited = {k: v for k, v in chosen.limits.items() if k not in ("max_event_bytes", "max_batch_bytes")}
    written = [
        len(text.encode()) for _, text in reference.encode(given_events, replace(chosen, limits=unlimited)).events
    ]
    assume(written)
    bodies = [sum(written[: n + 1]) + n + 1 for n in range(len(written))]  # a comma or newline each
    name, sizes = data.draw(st.sampled_from([("max_event_bytes", written), ("max_batch_bytes", bodies)]))
    size = data.draw(st.sampled_from(sizes)) + data.draw(st.integers(-1, 2))
    around = replace(chosen, limits={**unlimited, name: size})
    expected = account_of_reference(reference.encode(given_events, around))
    assert account_of_core(core_encoder(around).encode(given_events)) == expected


@FEW
@given(st.lists(events(), min_size=1, max_size=4), options())
def test_gzip_changes_nothing_but_the_body(given_events: list[Any], chosen: Options) -> None:
    expected = account_of_reference(reference.encode(given_events, chosen))
    result = account_of_core(core_encoder(chosen, compression="gzip").encode(given_events))
    plain = [(gzip.decompress(body), indexes, size) for body, indexes, size in result.batches]
    assert result._replace(batches=plain) == expected


@pytest.mark.parametrize("layout", ["json", "ndjson"])
def test_batches_close_at_2000_events(layout: str) -> None:
    result = compare([VALID, "no event"] * 4001, format=layout)
    assert [len(indexes) for _, indexes, _ in result.batches] == [2000, 2000, 1]
    assert result.batches[1][1][0] == 4000


@pytest.mark.parametrize(("layout", "around_an_event"), [("json", 1), ("ndjson", 1)])
@pytest.mark.parametrize("missing", [0, 1])
def test_batches_close_at_a_number_of_bytes(layout: str, around_an_event: int, missing: int) -> None:
    """Three events of 81 bytes, a byte after each, and in an array the bracket before them."""
    whole = 3 * (81 + around_an_event) + (layout == "json")
    result = compare([VALID] * 6, format=layout, limits={"max_batch_bytes": whole - missing})
    assert [len(indexes) for _, indexes, _ in result.batches] == ([2, 2, 2] if missing else [3, 3])


def test_batches_close_at_9_500_000_bytes() -> None:
    event = {**VALID, "properties": {**VALID["properties"], "a": ["x" * 255] * 254}}  # type: ignore[dict-item]
    result = compare([event] * 150)
    assert [len(body) <= 9_500_000 for body, _, _ in result.batches] == [True, True]
    assert len(result.batches[0][0]) > 9_400_000


def test_an_event_larger_than_a_batch_is_one() -> None:
    result = compare([VALID] * 3, limits={"max_batch_bytes": 1})
    assert [indexes for _, indexes, _ in result.batches] == [[0], [1], [2]]


def test_nothing_accepted_is_no_batch() -> None:
    assert compare([5, None]).batches == []
    assert compare([]) == Account([], [], [], [])


def test_a_list_that_holds_itself_twice_is_rejected_at_once() -> None:
    """In a process of its own: by walking all of its 2**64 levels and elements, it would never end."""
    code = (
        "import mixpress; own = []; own += [own, own]\n"
        "properties = {'time': 1700000000, 'distinct_id': 'u', '$insert_id': 'i'}\n"
        "for value in (own, [1j, own]):\n"
        "    event = {'event': 'e', 'properties': {**properties, 'a': value}}\n"
        "    print(mixpress.Encoder().encode([event]).rejected[0].rule)"
    )
    run = subprocess.run([sys.executable, "-c", code], timeout=20, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["too-deep", "too-deep"]


def compare(given_events: list[Any], **named: Any) -> Account:
    chosen = Options(**named)
    result = account_of_core(core_encoder(chosen).encode(given_events))
    assert result == account_of_reference(reference.encode(given_events, chosen))
    return result
