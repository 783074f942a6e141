"""Failures that are not objects yet give the report that objects give: the slow twin makes each one at once."""

from __future__ import annotations

import copy
import pickle
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress import Failure, Rejections, Report
from mixpress.report import builder
from mixpress.report.builder import Entry, ReportBuilder
from mixpress.report.failures import Failures, MadeFailures, RejectedFailures, UndeliveredFailures
from mixpress.report.report import Tally
from support.clients import client
from support.events import bad, encoder, event, events
from support.replies import answer
from support.server import FakeServer

BAD: list[Callable[[int], Any]] = [
    bad,
    lambda number: event(number, time=number),
    lambda number: "no event",
    lambda number: {"event": "e"},
    lambda number: event(number, distinct_id=number),
]


REFUSED: list[Literal["refused"]] = ["refused"] * 99


def rejected(indexes: list[int], kinds: list[int]) -> Failures:
    """Return the failures of events with these indexes, which break rules."""
    found = {index: BAD[kind % len(BAD)](index) for index, kind in zip(indexes, kinds, strict=False)}
    given_events = [found.get(index, event(index)) for index in range(max(indexes) + 1)]
    groups: list[Rejections] = []
    list(encoder().iter_batches(given_events, on_rejections=groups.append))
    [group] = groups
    return RejectedFailures(group)


def made(indexes: list[int], kinds: list[int]) -> Failures:
    messages = [f"message {kind}" for kind in kinds]
    return MadeFailures([Failure(*each) for each in zip(indexes, REFUSED, messages, strict=False)])


def undelivered(indexes: list[int], kinds: list[int]) -> Failures:
    return UndeliveredFailures(tuple(indexes), f"message {kinds[0]}")


parts = st.tuples(
    st.sampled_from([rejected, made, undelivered]),
    st.lists(st.integers(0, 30), min_size=1, max_size=8, unique=True).map(sorted),
    st.lists(st.integers(0, 6), min_size=8, max_size=8),
).map(lambda drawn: drawn[0](*drawn[1:]))


class Twin:
    """The failures of a report, made one by one."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: list[Failure] = []
        self.by_reason: dict[str, Tally[Failure]] = {}

    def add(self, failure: Failure) -> None:
        self.counts[failure.kind] += 1
        if len(self.failures) < builder.KEPT_FAILURES:
            self.failures.append(failure)
        is_counted = failure.reason in self.by_reason or len(self.by_reason) < builder.KEPT_REASONS
        name = failure.reason if is_counted else "other"
        before = self.by_reason.get(name, Tally(0, failure))
        self.by_reason[name] = Tally(before.count + 1, before.example)


@given(st.lists(parts, max_size=8), st.integers(0, 20), st.integers(1, 5), st.booleans())
def test_a_report_is_that_of_failures_made_one_by_one(
    given_parts: list[Failures], kept: int, reasons: int, merged: bool
) -> None:
    twin, whole = Twin(), ReportBuilder("events")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "KEPT_FAILURES", kept)
        patch.setattr(builder, "KEPT_REASONS", reasons)
        for part in given_parts:
            whole.append(Entry(part.kinds(), part))
            for failure in part:
                twin.add(failure)
        report = whole.report(elapsed=0.0, total=sum(map(len, given_parts)))
        if merged:
            sums = ReportBuilder("events")
            sums.add_report(report)
            report = sums.report(elapsed=0.0)
    assert {kind: getattr(report, kind) for kind in twin.counts} == twin.counts
    assert list(report.by_reason.items()) == list(twin.by_reason.items())
    assert report.failures == sorted(twin.failures, key=lambda failure: failure.index)


@given(parts, st.integers(0, 9))
def test_what_failures_say_of_themselves_agrees_with_their_objects(part: Failures, most: int) -> None:
    objects = list(part)
    assert len(part) == len(objects)
    assert part.kinds() == Counter(failure.kind for failure in objects)
    assert list(part.reasons().items()) == list(Counter(failure.reason for failure in objects).items())
    for reason in part.reasons():
        assert part.first(reason) == next(failure for failure in objects if failure.reason == reason)
    assert part.first("no reason") is None
    assert list(part.head(most)) == objects[:most]


def imported() -> Report:
    with client(FakeServer()) as sender:
        return sender.import_events([*events(2), *map(bad, range(2, 302))])


def test_no_object_is_made_of_a_failure_until_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    made_of: list[int] = []
    of = RejectedFailures.__iter__

    def iterate(part: RejectedFailures) -> Iterator[Failure]:
        made_of.append(len(part))
        return of(part)

    monkeypatch.setattr(RejectedFailures, "__iter__", iterate)
    report = imported()
    assert (report.rejected, made_of) == (300, [])
    assert [failure.index for failure in report.failures] == list(range(2, 302))
    assert (len(report.failures), made_of) == (300, [300])


def test_the_failures_of_a_report_are_one_list() -> None:
    report = imported()
    assert type(report.failures) is list
    assert report.failures is report.failures
    assert vars(report)["failures"] is report.failures
    assert Report(total=0, imported=0).failures == Report.failures == ()


def pickled(protocol: int) -> Callable[[Report], Report]:
    return lambda report: pickle.loads(pickle.dumps(report, protocol))


WAYS: dict[str, Callable[[Report], Report]] = {
    **{f"pickle {protocol}": pickled(protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)},
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("again", WAYS.values(), ids=WAYS)
def test_a_report_that_was_not_read_is_pickled_and_copied(again: Callable[[Report], Report]) -> None:
    report = imported()
    restored = again(report)
    assert restored.failures == report.failures
    assert type(restored.failures) is list
    assert restored == report


def test_threads_that_read_the_failures_first_at_the_same_time_get_the_same_list() -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(10):
            report, lists = imported(), list[Any]()
            threads = [threading.Thread(target=lambda: lists.append(report.failures)) for _ in range(6)]  # noqa: B023
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert all(found is lists[0] for found in lists)
            assert len(lists[0]) == 300
    finally:
        sys.setswitchinterval(interval)


def test_an_import_without_an_answer_holds_the_indexes_of_its_failures_alone() -> None:
    with client(FakeServer(answer(404, ""))) as sender:
        report = sender.import_events([bad(0), event(1), bad(2), event(3)])
    assert [(failure.index, failure.kind) for failure in report.failures] == [
        (0, "rejected"),
        (1, "undelivered"),
        (2, "rejected"),
        (3, "undelivered"),
    ]
