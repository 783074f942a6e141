"""What a worker does without a lease server, on a clock that the test sets; the link is one without a thread."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from lease.peers import SetClock
from mixpress.lease import limiter as module
from mixpress.lease.amount import Amount
from mixpress.lease.limiter import FIRST, IDLE, LOST, LeasedLimiter
from mixpress.lease.messages import Grant
from mixpress.lease.protocol import WrongSecretError
from mixpress.log import RepeatLog
from mixpress.send.limiter import LimitUse
from mixpress.send.rate_limit import RateLimit

LIMIT = RateLimit(events=100, bytes=10_000, seconds=60)
SIZE = 100
"""Bytes of a request of ten events."""


class StillLink:
    """A link that does nothing; `starts` says whether there is a thread for it."""

    made = 0
    starts = True

    def __init__(self, *_: object) -> None:
        StillLink.made += 1

    def start(self) -> bool:
        return StillLink.starts

    def nudge(self) -> None: ...

    def stop(self) -> None: ...


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def make(clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., LeasedLimiter]:
    monkeypatch.setattr(module, "Link", StillLink)
    monkeypatch.setattr(StillLink, "made", 0)
    monkeypatch.setattr(StillLink, "starts", True)

    def made(fallback: RateLimit | None = None) -> LeasedLimiter:
        use = LimitUse("import", clock, RepeatLog(clock), lambda _: bytes(32))
        return LeasedLimiter("driver", 7400, bytes(32), fallback, use)

    return made


def send(limiter: LeasedLimiter, clock: SetClock, most: int = 100) -> int:
    """Send requests of ten events, answered at once, until one must wait; return the number of events."""
    for number in range(most):
        if limiter.take(clock.now, 10, SIZE) > 0:
            return 10 * number
        limiter.answered(clock.now, 10, SIZE)
    return 10 * most


def lend(limiter: LeasedLimiter, clock: SetClock, events: int, workers: int = 1) -> None:
    limiter.granted(clock.now, Grant(Amount(events, 10 * events), 2.0, 0.1, LIMIT, workers))


def test_the_first_request_waits_two_seconds_for_a_server(make: Callable[..., LeasedLimiter], clock: SetClock) -> None:
    limiter = make(RateLimit(events=30))
    assert send(limiter, clock) == 0
    clock.now += FIRST - 0.01
    assert send(limiter, clock) == 0
    clock.now += 0.01
    assert send(limiter, clock) == 30


def test_a_worker_that_never_had_a_server_has_a_tenth_of_the_documented_limit(
    make: Callable[..., LeasedLimiter], clock: SetClock
) -> None:
    limiter = make()
    assert send(limiter, clock) == 0
    clock.now += FIRST
    assert limiter.take(clock.now, 180_000, 200_000_000) == 0
    assert limiter.take(clock.now, 1, 1) > 0


def test_a_lost_server_is_waited_for_and_then_the_worker_has_its_part(
    make: Callable[..., LeasedLimiter], clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = make()
    assert send(limiter, clock) == 0
    limiter.joined("a-server")
    lend(limiter, clock, 20, workers=2)
    assert send(limiter, clock) == 20
    limiter.lost(ConnectionResetError("gone"))
    clock.now += LOST - 0.01
    assert send(limiter, clock) == 0
    assert caplog.text == ""
    clock.now += 0.01
    assert send(limiter, clock) == 30  # of fifty: the last minute counts
    assert send(limiter, clock) == 0
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "the rate limit can't be shared: the lease server driver:7400 does not lend (gone); sending at most 50 events "
        "and 5000 bytes in 60 s until it does"
    )


def test_a_slice_of_a_lost_server_is_not_used(make: Callable[..., LeasedLimiter], clock: SetClock) -> None:
    limiter = make()
    assert send(limiter, clock) == 0
    limiter.joined("a-server")
    lend(limiter, clock, 50)
    limiter.lost(ConnectionResetError("gone"))
    assert send(limiter, clock) == 0


def test_a_slice_that_was_not_renewed_is_not_used(make: Callable[..., LeasedLimiter], clock: SetClock) -> None:
    limiter = make()
    assert send(limiter, clock) == 0
    limiter.joined("a-server")
    lend(limiter, clock, 50)
    clock.now += 2.0
    assert send(limiter, clock) == 0
    ask = limiter.ask(leaving=False)
    assert ask is not None
    assert ask.back == Amount(50, 500)


def test_a_wrong_secret_is_not_waited_for(make: Callable[..., LeasedLimiter], clock: SetClock) -> None:
    limiter = make(RateLimit(events=30))
    assert send(limiter, clock) == 0
    limiter.lost(WrongSecretError("the server has another secret"))
    assert send(limiter, clock) == 30


def test_without_a_thread_there_is_the_own_ceiling_at_once(make: Callable[..., LeasedLimiter], clock: SetClock) -> None:
    StillLink.starts = False
    assert send(make(RateLimit(events=30)), clock) == 30


def test_a_server_that_is_back_is_told_what_was_sent_without_it(
    make: Callable[..., LeasedLimiter], clock: SetClock
) -> None:
    limiter = make(RateLimit(events=30))
    assert send(limiter, clock) == 0
    clock.now += FIRST
    assert send(limiter, clock) == 30
    clock.now += 10
    held, past = limiter.joined("a-server")
    assert (held.events, sum(amount.events for _, amount in past)) == (0, 30)
    assert all(8 <= age <= 10 for age, _ in past)
    limiter.lost(ConnectionResetError("gone"))
    assert limiter.joined("a-server")[1] == past  # it may not have heard of it
    lend(limiter, clock, 0)
    assert send(limiter, clock) == 0  # it borrows again
    limiter.lost(ConnectionResetError("gone"))
    assert limiter.joined("a-server")[1] == []  # it knows already
    limiter.lost(ConnectionResetError("gone"))
    assert sum(amount.events for _, amount in limiter.joined("another-server")[1]) == 30


def test_a_request_under_way_is_counted_by_the_next_server(make: Callable[..., LeasedLimiter], clock: SetClock) -> None:
    limiter = make()
    assert send(limiter, clock) == 0
    limiter.joined("a-server")
    lend(limiter, clock, 10)
    assert limiter.take(clock.now, 10, SIZE) == 0
    limiter.lost(ConnectionResetError("gone"))
    assert limiter.joined("another-server") == (Amount(10, SIZE), [])
    limiter.answered(clock.now, 10, SIZE)
    ask = limiter.ask(leaving=False)
    assert ask is not None
    assert ask.used == Amount(10, SIZE)


def test_a_client_without_requests_asks_for_nothing_and_then_ends_its_link(
    make: Callable[..., LeasedLimiter], clock: SetClock
) -> None:
    limiter = make()
    assert send(limiter, clock) == 0
    limiter.joined("a-server")
    lend(limiter, clock, 30)
    assert send(limiter, clock, 2) == 20
    clock.now += 0.5
    ask = limiter.ask(leaving=False)
    assert ask is not None
    assert (ask.back, ask.need) == (Amount(10, 100), Amount())
    clock.now += IDLE
    assert limiter.ask(leaving=False) is None
    assert StillLink.made == 1
    assert send(limiter, clock) == 0
    assert StillLink.made == 2


def test_a_request_that_was_cancelled_is_forgotten(make: Callable[..., LeasedLimiter], clock: SetClock) -> None:
    limiter = make()
    assert send(limiter, clock) == 0
    limiter.joined("a-server")
    ask = limiter.ask(leaving=False)
    assert ask is not None
    assert ask.need == Amount(10, SIZE)
    clock.now += 1.5
    ask = limiter.ask(leaving=False)
    assert ask is not None
    assert not any(ask)
