"""The rate limiter: no window exceeds the limit and no wait is longer than needed, compared with a naive twin."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress.send.rate_limit import RateLimit, RateLimiter

Sent = list[tuple[float, int, int]]

# Quarters of a second, so that sums are exact and windows meet at their ends.
quarters = st.integers(0, 40).map(lambda number: number / 4)
requests = st.lists(st.tuples(quarters, st.integers(1, 12), st.integers(1, 120)), max_size=40)
limits = st.builds(RateLimit, events=st.integers(1, 20), bytes=st.integers(1, 200), seconds=st.integers(1, 8))


def counted(sent: Sent, now: float, limit: RateLimit) -> tuple[int, int]:
    """Return the events and bytes of the last `limit.seconds`."""
    recent = [(events, size) for then, events, size in sent if now - limit.seconds < then <= now]
    return sum(events for events, _ in recent), sum(size for _, size in recent)


def naive(sent: Sent, now: float, events: int, size: int, limit: RateLimit) -> bool:
    """Return whether a request may go, by adding up the window."""
    others = counted(sent, now, limit)
    fits = others[0] + events <= limit.events and others[1] + size <= limit.bytes
    return fits or others == (0, 0)


def run(limit: RateLimit, given: list[tuple[float, int, int]]) -> Sent:
    """Send each request after a pause and the wait that the limiter asks for; compare each decision with the twin."""
    limiter, now = RateLimiter(limit), 0.0
    sent: Sent = []
    for pause, events, size in given:
        now += pause
        while (wait := limiter.take(now, events, size)) > 0:
            assert not naive(sent, now, events, size, limit)
            assert not naive(sent, now + wait - 0.125, events, size, limit)  # a shorter wait is too short
            now += wait
            assert naive(sent, now, events, size, limit)  # a longer one is not needed
        assert naive(sent, now, events, size, limit)
        sent.append((now, events, size))
    return sent


@given(limits, requests)
def test_no_window_holds_more_than_the_limit(limit: RateLimit, given: list[tuple[float, int, int]]) -> None:
    sent = run(limit, given)
    for end, events, size in sent:
        all_events, all_bytes = counted(sent, end, limit)
        alone = (all_events, all_bytes) == (events, size)
        assert alone or (all_events <= limit.events and all_bytes <= limit.bytes)


@given(requests)
def test_without_a_limit_nothing_waits(given: list[tuple[float, int, int]]) -> None:
    limiter, now = RateLimiter(None), 0.0
    for pause, events, size in given:
        now += pause
        assert limiter.take(now, events, size) == 0.0


def test_the_documented_limit_allows_a_burst_and_then_its_rate() -> None:
    limiter = RateLimiter(RateLimit.documented())
    assert [limiter.take(0.0, 2000, 1_000_000) for _ in range(900)] == [0.0] * 900
    assert limiter.take(1.0, 2000, 1_000_000) == 59.0
    assert limiter.take(60.0, 2000, 1_000_000) == 0.0


def test_the_limit_of_bytes_holds() -> None:
    limiter = RateLimiter(RateLimit.documented())
    assert [limiter.take(0.0, 2000, 10_000_000) for _ in range(200)] == [0.0] * 200
    assert limiter.take(0.0, 1, 1) == 60.0


def test_a_request_larger_than_the_limit_goes_alone() -> None:
    limiter = RateLimiter(RateLimit(events=10))
    assert limiter.take(0.0, 5, 1) == 0.0
    assert limiter.take(0.0, 50, 1) == 60.0
    assert limiter.take(60.0, 50, 1) == 0.0
    assert limiter.take(61.0, 1, 1) == 59.0


def test_requests_outside_the_window_are_forgotten() -> None:
    limiter = RateLimiter(RateLimit(events=10, seconds=1))
    for second in range(10_000):
        assert limiter.take(float(second), 10, 1) == 0.0
    assert len(limiter._sent) == 1


@pytest.mark.parametrize("wrong", [{"events": 0}, {"bytes": -1}, {"seconds": 0}, {"events": math.nan}])
def test_an_invalid_limit_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be greater than 0"):
        RateLimit(**wrong)
