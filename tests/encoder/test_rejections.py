"""`on_rejections` gets what `on_rejected` gets, many at once, and an object is made only for what is read."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.test_findings_on_demand import of_rejection
from encoder.twins import core_encoder
from mixpress import Encoder, Limits, Rejection, Rejections
from reference import Options
from strategies import events, options
from support.events import bad, event


def rejected_one_by_one(encoder: Encoder, given_events: list[Any]) -> list[Any]:
    rejected: list[Rejection] = []
    list(encoder.iter_batches(given_events, on_rejected=rejected.append))
    return list(map(of_rejection, rejected))


@given(st.lists(events(), min_size=1, max_size=6), options(), st.integers(0, 4))
def test_what_is_handed_over_together_is_what_is_handed_over_one_by_one(
    given_events: list[Any], chosen: Options, most: int
) -> None:
    encoder = core_encoder(chosen)
    groups: list[Rejections] = []
    batches = encoder.iter_batches(given_events, on_rejections=groups.append)
    bodies = [batch.body for batch in batches]
    assert bodies == [batch.body for batch in encoder.iter_batches(given_events)]
    together = [of_rejection(one) for group in groups for one in group.to_list()]
    assert together == rejected_one_by_one(encoder, given_events)
    for group in groups:
        check(group)
        check(group.head(most))
        assert list(map(of_rejection, group.head(most).to_list())) == list(map(of_rejection, group.to_list()[:most]))


def check(group: Rejections) -> None:
    """Compare a group with its list."""
    listed = group.to_list()
    assert len(group) == len(listed)
    assert list(group.rules.items()) == list(Counter(one.rule for one in listed).items())
    for rule in group.rules:
        first = group.first(rule)
        assert first is not None
        assert of_rejection(first) == next(of_rejection(one) for one in listed if one.rule == rule)
    assert group.first("no rule") is None


def test_a_group_is_handed_over_at_a_full_batch_and_at_a_thousand() -> None:
    given_events = [event(0), bad(1), event(2), event(3), *map(bad, range(4, 1504)), event(1504)]
    groups: list[Rejections] = []
    batches = Encoder(limits=Limits(max_batch_events=2)).iter_batches(given_events, on_rejections=groups.append)
    sizes = [(len(batch), list(map(len, groups)), batches.rejected, batches.tallies().rejected) for batch in batches]
    rule = "distinct-id-disallowed"
    assert sizes == [(2, [1], [], {rule: 1}), (2, [1, 1000, 500], [], {rule: 1500})]
    assert repr(groups[1]) == f"Rejections(1000 {rule})"


def test_warnings_and_truncations_stay_with_the_iterator() -> None:
    given_events = [event(0, a=float("nan")), bad(1), event(2, t="x" * 300), bad(3)]
    groups: list[Rejections] = []
    batches = Encoder().iter_batches(given_events, on_rejections=groups.append)
    next(batches)
    assert [one.index for one in batches.warnings] == [0]
    assert [cut.index for cut in batches.truncated] == [2]
    assert [[one.index for one in group.to_list()] for group in groups] == [[1, 3]]


def test_a_callback_that_raises_costs_no_event_and_gets_each_once() -> None:
    raised: list[list[int]] = []

    def on_rejections(group: Rejections) -> None:
        raised.append([one.index for one in group.to_list()])
        raise ValueError("the callback's own fault")

    given_events = [bad(0), event(1, a=float("nan")), bad(2), event(3), bad(4)]
    batches = Encoder(limits=Limits(max_batch_events=2)).iter_batches(given_events, on_rejections=on_rejections)
    with pytest.raises(ValueError, match="own fault"):
        next(batches)
    assert [one.index for one in batches.warnings] == [1]
    assert list(next(batches).indexes) == [1, 3]
    with pytest.raises(ValueError, match="own fault"):
        next(batches)
    assert next(batches, None) is None
    assert (raised, batches.total) == ([[0, 2], [4]], 5)


def test_one_function_receives_the_rejections() -> None:
    with pytest.raises(TypeError, match="pass one of them"):
        Encoder().iter_batches([], on_rejected=print, on_rejections=print)
