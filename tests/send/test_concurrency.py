"""The concurrency window: how replies change the number of requests that may be under way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress.send.concurrency import ConcurrencyWindow

Step = Callable[[ConcurrencyWindow], ConcurrencyWindow]


def quick(window: ConcurrencyWindow) -> ConcurrencyWindow:
    """A round of replies after 0.1 s each, with as many requests under way as are allowed."""
    return a_round(window, 0.1)


def a_round(window: ConcurrencyWindow, seconds: float, size: int = 1000) -> ConcurrencyWindow:
    in_flight = window.allowed
    for _ in range(in_flight):
        window = window.answered(seconds, size, in_flight)
    return window


def trouble(window: ConcurrencyWindow) -> ConcurrencyWindow:
    return window.troubled(window.cuts)


def slow(window: ConcurrencyWindow) -> ConcurrencyWindow:
    """A round of replies that take five times as long."""
    return a_round(window, 0.5)


TABLE: dict[str, tuple[list[Step], int]] = {
    "at first": ([], 16),
    "no trouble": ([quick] * 20, 16),
    "after trouble: one": ([quick, trouble], 1),
    "then two": ([quick, trouble, quick], 2),
    "then four": ([quick, trouble, quick, quick], 4),
    "then eight, half of the window before": ([quick, trouble, quick, quick, quick], 8),
    "from there one more a round": ([quick, trouble, *[quick] * 5], 9),
    "up to the maximum": ([quick, trouble, *[quick] * 30], 16),
    "trouble again and again": ([trouble] * 5, 1),
    "after that, growth is slow": ([trouble, trouble, quick, quick], 2),
    "latency rises": ([quick, slow], 12),
    "fewer did not help: this latency is the base now": ([quick, *[slow] * 6], 14),
    "quick again with fewer": ([quick, slow, *[quick] * 6], 15),
}


@pytest.mark.parametrize(("steps", "allowed"), TABLE.values(), ids=TABLE)
def test_the_window_after_each_sequence_of_replies(steps: list[Step], allowed: int) -> None:
    window = ConcurrencyWindow.full(16)
    for step in steps:
        window = step(window)
    assert window.allowed == allowed


def test_a_burst_of_failures_cuts_the_window_once() -> None:
    window = ConcurrencyWindow.full(16)
    before = window.cuts
    for _ in range(16):
        window = window.troubled(before)
    assert (window.allowed, window.threshold) == (1, 8.0)


def test_an_unused_window_does_not_grow() -> None:
    window = trouble(ConcurrencyWindow.full(16))
    for _ in range(50):
        window = window.answered(0.1, 1000, in_flight=0)
    assert window.allowed == 1


def test_slower_replies_to_larger_requests_do_not_shrink_the_window() -> None:
    window = a_round(a_round(ConcurrencyWindow.full(8), 0.1), 0.5, size=6000)
    assert window.allowed == 8


def test_the_window_stays_small_for_a_server_that_handles_two_at_a_time() -> None:
    """Its latency grows with its queue; after a pause the window grows until throughput does not."""
    window, most = trouble(ConcurrencyWindow.full(32)), 0
    for _ in range(200):
        window = a_round(window, 0.1 * max(1.0, window.allowed / 2))
        most = max(most, window.allowed)
    assert 2 <= window.allowed <= most <= 8


@given(
    st.integers(1, 40),
    st.lists(st.one_of(st.none(), st.tuples(st.floats(0, 100), st.integers(0, 10**7), st.integers(0, 40)))),
)
def test_the_window_stays_between_one_and_the_maximum(most: int, seen: list[tuple[float, int, int] | None]) -> None:
    window = ConcurrencyWindow.full(most)
    for one in seen:
        window = window.troubled(window.cuts) if one is None else window.answered(*one)
        assert 1 <= window.allowed <= most
