from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from mixpress.check.bounded import HeavyCounts, Repeats

KEYS = st.lists(st.lists(st.integers(0, 30), max_size=20), max_size=20)


@given(KEYS, st.integers(1, 8))
def test_counts_are_too_low_by_at_most_the_error(batches: list[list[int]], most: int) -> None:
    counts: HeavyCounts[int] = HeavyCounts(most)
    for batch in batches:
        counts.update(batch)
        assert len(counts.counts) <= max(most, 0)
    true = Counter(key for batch in batches for key in batch)
    for key, count in true.items():
        assert counts.counts[key] <= count <= counts.counts[key] + counts.error
    assert not counts.is_exact or counts.counts == true


def test_counts_are_exact_up_to_their_bound() -> None:
    counts: HeavyCounts[int] = HeavyCounts(10)
    counts.update([*range(10), 3, 3])
    assert counts.is_exact
    assert counts.counts[3] == 3
    counts.update([10])
    assert not counts.is_exact


HASHES = st.lists(
    st.lists(st.integers(-5, 20) | st.sampled_from([-(1 << 63), (1 << 63) - 1]), max_size=30), max_size=10
)


@given(HASHES, st.integers(0, 40), st.integers(0, 10))
def test_repeats_are_exact_in_memory_and_in_a_file(batches: list[list[int]], in_memory: int, remembered: int) -> None:
    repeats = Repeats(in_memory, remembered)
    seen: set[int] = set()
    expected = 0
    for batch in batches:
        for position in repeats.add(batch):
            assert batch[position] in seen or batch[position] in batch[:position]
        expected += len(batch) - len(set(batch) - seen)
        seen |= set(batch)
    assert repeats.count() == expected
    assert repeats.total == sum(map(len, batches))
    repeats.close()


def test_an_early_key_that_returns_late_is_found() -> None:
    repeats = Repeats(in_memory=4, remembered=2)
    assert repeats.add([1, 2]) == []
    assert repeats.add([3, 4, 3]) == []
    assert repeats.add([5, 1, 2]) == [1, 2]
    assert repeats.count() == 3
    repeats.close()
