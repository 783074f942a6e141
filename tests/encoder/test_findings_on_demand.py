"""Findings are kept as records: lists of objects are made when they are read, and tallies need none."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from encoder.twins import core_encoder
from mixpress import BatchIterator, Builder, Encoded, Encoder, Finding, Rejection, Truncation
from reference import Options
from strategies import events, options

NAN = float("nan")
NEEDED = {"time": 1_700_000_000, "distinct_id": "u", "$insert_id": "i-1"}


def event(**properties: Any) -> dict[str, Any]:
    return {"event": "e", "properties": {**NEEDED, **properties}}


BAD = [event(distinct_id="NA"), event(a=NAN, b=[1, {"c": NAN}]), event(t="x" * 300), event(), {"event": "e"}, 5]

Fields = tuple[int, int | None, str | None, str, str, str]


def of_finding(found: Finding) -> Fields:
    return found.index, found.line, found.insert_id, found.field, found.rule, found.message


def of_rejection(found: Rejection) -> tuple[Fields, list[Fields]]:
    return of_finding(found), list(map(of_finding, found.findings))


def of_cut(cut: Truncation) -> tuple[int, str, int, str]:
    return cut.index, cut.path, cut.length, cut.advice


class Eager:
    """What was found, with objects made after every event."""

    def __init__(self, encoder: Encoder, events: Iterable[Any]) -> None:
        self.rejected: list[Any] = []
        self.truncated: list[Any] = []
        self.warnings: list[Any] = []
        builder = encoder.builder()
        for one in events:
            rejection = builder.add(one)
            if rejection is not None:
                self.rejected.append(of_rejection(rejection))
            builder.truncated.sort(key=lambda _: 0)  # read after each event: a list that is read grows
            if builder.full:
                self._finish(builder)
        self._finish(builder)

    def _finish(self, builder: Builder) -> None:
        self.truncated += map(of_cut, builder.truncated)
        self.warnings += map(of_finding, builder.warnings)
        if len(builder):
            builder.finish()


def tally(found: Any) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    rejected: Counter[str] = Counter(rejection.rule for rejection in found.rejected)
    return rejected, Counter(cut.path for cut in found.truncated), Counter(one.rule for one in found.warnings)


@given(st.lists(events(), min_size=1, max_size=4), options())
def test_lists_of_a_call_are_what_was_found_event_by_event(given_events: list[Any], chosen: Options) -> None:
    encoder = core_encoder(chosen)
    eager, encoded = Eager(encoder, given_events), encoder.encode(given_events)
    assert list(map(of_rejection, encoded.rejected)) == eager.rejected
    assert list(map(of_cut, encoded.truncated)) == eager.truncated
    assert list(map(of_finding, encoded.warnings)) == eager.warnings
    expected = reference.encode(given_events, chosen)
    assert [(one.index, one.path, one.length) for one in encoded.truncated] == [
        (one.index, one.path, one.length) for one in expected.truncated
    ]
    assert [(one.index, one.field, one.rule) for one in encoded.warnings] == [
        (one.index, one.field, one.rule) for one in expected.warnings
    ]


@given(st.lists(events(), min_size=1, max_size=4), options())
def test_tallies_agree_with_the_lists(given_events: list[Any], chosen: Options) -> None:
    encoder = core_encoder(chosen)
    rejected: list[Rejection] = []
    for batches in (
        encoder.iter_batches(given_events),
        encoder.iter_batches(given_events, on_rejected=rejected.append),
    ):
        while True:
            batch = next(batches, None)
            tallies = batches.tallies()
            by_rule, by_path, warned = tally(batches)
            assert (tallies.truncated, tallies.warnings) == (by_path, warned)
            assert tallies.rejected == (Counter(one.rule for one in rejected) or by_rule)
            rejected.clear()
            for path in by_path:
                first = tallies.first_truncation(path)
                assert first is not None
                assert of_cut(first) == next(of_cut(cut) for cut in batches.truncated if cut.path == path)
            for rule in warned:
                warning = tallies.first_warning(rule)
                assert warning is not None
                assert of_finding(warning) == next(of_finding(one) for one in batches.warnings if one.rule == rule)
            assert (tallies.first_truncation("no path"), tallies.first_warning("no rule")) == (None, None)
            if batch is None:
                break


def test_tallies_of_a_builder_count_what_it_returned_and_start_again_with_a_batch() -> None:
    builder = Encoder().builder()
    for one in BAD:
        builder.add(one)
    tallies = builder.tallies()
    assert tallies.rejected == {"distinct-id-disallowed": 1, "properties-missing": 1, "event-not-object": 1}
    assert tallies.truncated == {"properties.t": 1}
    assert tallies.warnings == {"not-a-number": 2}
    assert repr(tallies) == "Tallies(3 rejected, 1 truncated, 2 warnings)"
    builder.finish()
    assert repr(builder.tallies()) == "Tallies(0 rejected, 0 truncated, 0 warnings)"
    assert tallies.warnings == {"not-a-number": 2}


def test_a_list_is_a_list_and_the_same_one_each_time() -> None:
    encoded = Encoder().encode(BAD)
    for name in ("rejected", "truncated", "warnings"):
        found = getattr(encoded, name)
        assert type(found) is list
        assert getattr(encoded, name) is found
    encoded.warnings.clear()
    assert encoded.warnings == []
    assert repr(encoded) == "Encoded(1 batches, 3 rejected, 1 truncated, 0 warnings)"
    (rejection, *_) = encoded.rejected
    assert rejection.findings is rejection.findings
    assert [of_finding(rejection)] == list(map(of_finding, rejection.findings))


def test_the_text_of_a_result_counts_what_nobody_has_read() -> None:
    assert repr(Encoder().encode(BAD)) == "Encoded(1 batches, 3 rejected, 1 truncated, 2 warnings)"


def test_a_list_of_a_builder_that_was_read_gets_what_is_found_later() -> None:
    builder = Encoder().builder()
    warnings, truncated = builder.warnings, builder.truncated
    for one in BAD:
        builder.add(one)
    assert builder.warnings is warnings
    assert [warning.field for warning in warnings] == ["properties.a", "properties.b[1].c"]
    assert [cut.path for cut in truncated] == ["properties.t"]
    builder.finish()
    assert (builder.warnings, len(warnings)) == ([], 2)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("explain", [False, True])
def test_what_was_found_is_pickled_and_copied_as_lists(protocol: int, explain: bool) -> None:
    def pickled(encoded: Encoded) -> Encoded:
        again: Encoded = pickle.loads(pickle.dumps(encoded, protocol))
        return again

    transfers: list[Callable[[Encoded], Encoded]] = [pickled, copy.copy, copy.deepcopy]
    for transfer in transfers:
        encoded = Encoder(explain=explain).encode(BAD)
        again = transfer(encoded)
        assert list(map(of_rejection, again.rejected)) == list(map(of_rejection, encoded.rejected))
        assert list(map(of_cut, again.truncated)) == list(map(of_cut, encoded.truncated))
        assert list(map(of_finding, again.warnings)) == list(map(of_finding, encoded.warnings))
        assert type(again.rejected) is list


def test_threads_that_read_a_list_first_at_the_same_time_get_the_same_list() -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(30):
            encoded = Encoder().encode([event(distinct_id="NA")] * 300)
            lists: list[Any] = []
            threads = [threading.Thread(target=lambda: lists.append(encoded.rejected)) for _ in range(6)]  # noqa: B023
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert all(found is lists[0] for found in lists)
            assert len(lists[0]) == 300
    finally:
        sys.setswitchinterval(interval)


class Node:
    """Garbage whose finalizer reads the lists that are being made."""

    def __init__(self, read: Callable[[], object]) -> None:
        self.read, self.itself = read, self

    def __del__(self) -> None:
        self.read()


@pytest.mark.parametrize("way", ["a result", "a builder", "an iterator"])
def test_a_finalizer_may_read_the_list_that_is_being_made(way: str) -> None:
    events = [event(distinct_id="NA"), event(a=NAN)] * 400

    def found() -> Encoded | Builder | BatchIterator:
        if way == "a result":
            return Encoder(explain=True).encode(events)
        if way == "an iterator":
            batches = Encoder(explain=True).iter_batches(events)
            next(batches)
            return batches
        builder = Encoder().builder()
        for one in events:
            builder.add(one)
        return builder

    read: list[int] = []
    threshold = gc.get_threshold()
    gc.set_threshold(5)
    try:
        for _ in range(10):
            made = found()
            Node(lambda: read.append(len(made.warnings)))  # noqa: B023
            assert len(made.warnings) == 400
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    assert set(read) == {400}


def test_what_was_handed_over_is_not_kept() -> None:
    rejected: list[Rejection] = []
    batches = Encoder().iter_batches([event(distinct_id="NA")] * 5000 + [event()], on_rejected=rejected.append)
    (batch,) = batches
    assert (len(batch), len(rejected), batches.rejected) == (1, 5000, [])
    assert batches.tallies().rejected == {}
    builder = Encoder().builder()
    for _ in range(5000):
        assert builder.add(event(distinct_id="NA")) is not None
    assert builder.tallies().rejected == {"distinct-id-disallowed": 5000}


def test_a_callback_that_raises_leaves_the_rest_and_its_findings_to_the_next_call() -> None:
    calls: list[int] = []

    def reject(rejection: Rejection) -> None:
        calls.append(rejection.index)
        if rejection.index == 2:
            raise KeyError

    events = [event(a=NAN), event(distinct_id="NA"), event(distinct_id="NA"), event(a=NAN), event(distinct_id="NA")]
    batches = Encoder().iter_batches(events, on_rejected=reject)
    with pytest.raises(KeyError):
        next(batches)
    assert ([one.index for one in batches.warnings], batches.tallies().rejected) == ([0], {"distinct-id-disallowed": 2})
    assert len(next(batches)) == 2
    assert ([one.index for one in batches.warnings], batches.tallies().rejected) == ([3], {"distinct-id-disallowed": 1})
    assert calls == [1, 2, 4]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")
@pytest.mark.parametrize(
    "work",
    [
        "for _ in encoder.iter_batches(([bad, nan][n % 2] for n in range(count)), on_rejected=lambda _: None): pass",
        "for _ in encoder.iter_batches(([bad, nan][n % 2] for n in range(count)), on_rejections=len): pass",
        "for _ in encoder.iter_batches(nan for _ in range(count)): pass",
        "builder = encoder.builder()\nfor _ in range(count): builder.add(bad)",
    ],
    ids=["handed over", "handed over together", "warned", "returned"],
)
def test_much_that_is_bad_takes_bounded_memory(work: str) -> None:
    program = "\n".join(
        [
            "import sys; from pathlib import Path; from mixpress import Encoder",
            "def peak():",
            "    [line] = [line for line in Path('/proc/self/status').read_text().splitlines() if 'VmHWM' in line]",
            "    return int(line.split()[1])",
            f"bad, nan = {event(distinct_id='NA')!r}, {event(a='NAN')!r}".replace("'NAN'", "float('nan')"),
            "encoder, count = Encoder(compression=None), 5000",
            work,
            "before, count = peak(), 200_000",
            work,
            "print((peak() - before) // 1024)",
        ]
    )
    # AddressSanitizer, which `make asan` uses, must not keep what is freed.
    env = os.environ | {"ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:quarantine_size_mb=0"}
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=env)
    assert int(ran.stdout) < 5, "megabytes; a record for each event would be 30"
