"""What a worker does without a lease server, on a clock that the test sets; the link is one without a thread."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ClassVar

import pytest

from lease.peers import SetClock
from mixpress.lease import limiter as module
from mixpress.lease.amount import Amount
from mixpress.lease.holding import Ask
from mixpress.lease.limiter import FIRST, IDLE, LOST, LeasedLimiter
from mixpress.lease.link import Link
from mixpress.lease.messages import Grant, Join
from mixpress.lease.protocol import WrongSecretError
from mixpress.log import RepeatLog
from mixpress.send.limiter import LimitUse
from mixpress.send.rate_limit import RateLimit

LIMIT = RateLimit(events=100, bytes=10_000, seconds=60)
SIZE = 100
"""Bytes of a request of ten events."""


class StillLink(Link):
    """A link that does nothing; `starts` says whether there is a thread for it."""

    made: ClassVar[list[Link]] = []
    disowned: ClassVar[list[Link]] = []
    starts = True
    has_ended = False

    def __init__(self, *_: object) -> None:
        StillLink.made.append(self)

    def start(self) -> bool:
        return StillLink.starts

    def nudge(self) -> None: ...

    def stop(self) -> None: ...

    def disown(self) -> None:
        StillLink.disowned.append(self)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def make(clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., LeasedLimiter]:
    monkeypatch.setattr(module, "Link", StillLink)
    monkeypatch.setattr(StillLink, "made", [])
    monkeypatch.setattr(StillLink, "disowned", [])
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


def join(limiter: LeasedLimiter, server: str) -> Join:
    joined = limiter.joined(StillLink.made[-1], server)
    assert joined is not None
    return joined


def asked(limiter: LeasedLimiter) -> Ask:
    ask = limiter.ask(StillLink.made[-1], leaving=False)
    assert ask is not None
    return ask


def lose(limiter: LeasedLimiter, error: Exception | None = None) -> None:
    limiter.lost(StillLink.made[-1], error or ConnectionResetError("gone"))


def lend(limiter: LeasedLimiter, clock: SetClock, events: int, workers: int = 1) -> None:
    limiter.granted(StillLink.made[-1], clock.now, Grant(Amount(events, 10 * events), 2.0, 0.1, LIMIT, workers))


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
    join(limiter, "a-server")
    lend(limiter, clock, 20, workers=2)
    assert send(limiter, clock) == 20
    lose(limiter)
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
    join(limiter, "a-server")
    lend(limiter, clock, 50)
    lose(limiter)
    assert send(limiter, clock) == 0


def test_a_slice_that_was_not_renewed_is_not_used(make: Callable[..., LeasedLimiter], clock: SetClock) -> None:
    limiter = make()
    assert send(limiter, clock) == 0
    join(limiter, "a-server")
    lend(limiter, clock, 50)
    clock.now += 2.0
    assert send(limiter, clock) == 0
    ask = asked(limiter)
    assert ask.back == Amount(50, 500)


def test_a_wrong_secret_is_not_waited_for(make: Callable[..., LeasedLimiter], clock: SetClock) -> None:
    limiter = make(RateLimit(events=30))
    assert send(limiter, clock) == 0
    lose(limiter, WrongSecretError("the server has another secret"))
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
    held, past = join(limiter, "a-server")
    assert (held.events, sum(amount.events for _, amount in past)) == (0, 30)
    assert all(8 <= age <= 10 for age, _ in past)
    lose(limiter)
    assert join(limiter, "a-server")[1] == past  # it may not have heard of it
    lend(limiter, clock, 0)
    assert send(limiter, clock) == 0  # it borrows again
    lose(limiter)
    assert join(limiter, "a-server")[1] == []  # it knows already
    lose(limiter)
    assert sum(amount.events for _, amount in join(limiter, "another-server")[1]) == 30


def test_a_request_under_way_is_counted_by_the_next_server(make: Callable[..., LeasedLimiter], clock: SetClock) -> None:
    limiter = make()
    assert send(limiter, clock) == 0
    join(limiter, "a-server")
    lend(limiter, clock, 10)
    assert limiter.take(clock.now, 10, SIZE) == 0
    lose(limiter)
    assert join(limiter, "another-server") == (Amount(10, SIZE), [])
    limiter.answered(clock.now, 10, SIZE)
    ask = asked(limiter)
    assert ask.used == Amount(10, SIZE)


def test_a_client_without_requests_asks_for_nothing_and_then_ends_its_link(
    make: Callable[..., LeasedLimiter], clock: SetClock
) -> None:
    limiter = make()
    assert send(limiter, clock) == 0
    join(limiter, "a-server")
    lend(limiter, clock, 30)
    assert send(limiter, clock, 2) == 20
    clock.now += 0.5
    ask = asked(limiter)
    assert (ask.back, ask.need) == (Amount(10, 100), Amount())
    clock.now += IDLE
    assert limiter.ask(StillLink.made[-1], leaving=False) is None
    assert len(StillLink.made) == 1
    assert send(limiter, clock) == 0
    assert len(StillLink.made) == 2


def test_a_request_that_was_cancelled_is_forgotten(make: Callable[..., LeasedLimiter], clock: SetClock) -> None:
    limiter = make()
    assert send(limiter, clock) == 0
    join(limiter, "a-server")
    ask = asked(limiter)
    assert ask.need == Amount(10, SIZE)
    clock.now += 1.5
    ask = asked(limiter)
    assert not any(ask)


def test_what_a_replaced_link_reports_late_is_ignored_and_ends_it(
    make: Callable[..., LeasedLimiter], clock: SetClock
) -> None:
    """Its server did not answer within the time for which `close` waits; then the client was used again."""
    limiter = make()
    assert send(limiter, clock) == 0
    join(limiter, "a-server")
    [old] = StillLink.made
    limiter.close()
    assert send(limiter, clock) == 0
    join(limiter, "a-server")
    lend(limiter, clock, 30)
    limiter.granted(old, clock.now, Grant(Amount(50, 500), 2.0, 0.1, LIMIT, 5))
    limiter.lost(old, WrongSecretError("the server has another secret"))
    assert (limiter.joined(old, "another-server"), limiter.ask(old, leaving=True)) == (None, None)
    assert not limiter.is_wanted(old)
    assert send(limiter, clock) == 30
    assert asked(limiter).used == Amount(30, 300)
    clock.now += LOST
    assert send(limiter, clock) == 0


def test_a_close_that_ends_late_leaves_the_next_link_alone(
    make: Callable[..., LeasedLimiter], clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = make()
    assert send(limiter, clock) == 0

    def close_and_use_again(_: Link) -> None:
        monkeypatch.setattr(StillLink, "stop", lambda _: None)
        limiter.close()
        assert send(limiter, clock) == 0
        join(limiter, "a-server")
        lend(limiter, clock, 30)

    monkeypatch.setattr(StillLink, "stop", close_and_use_again)
    limiter.close()
    assert send(limiter, clock) == 30
    assert len(StillLink.made) == 2


def test_a_link_that_ended_after_an_interrupted_close_is_replaced(
    make: Callable[..., LeasedLimiter], clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = make()
    assert send(limiter, clock) == 0
    join(limiter, "a-server")
    lend(limiter, clock, 50)

    def interrupt(_: Link) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(StillLink, "stop", interrupt)
    with pytest.raises(KeyboardInterrupt):
        limiter.close()
    StillLink.made[0].__dict__["has_ended"] = True
    assert send(limiter, clock) == 0
    assert len(StillLink.made) == 2


def test_a_forked_child_disowns_the_link_of_its_parent(make: Callable[..., LeasedLimiter], clock: SetClock) -> None:
    limiter = make()
    limiter.disown()
    assert send(limiter, clock) == 0
    limiter.disown()
    assert StillLink.disowned == StillLink.made


def test_requests_under_way_count_in_the_own_ceiling(make: Callable[..., LeasedLimiter], clock: SetClock) -> None:
    limiter = make(RateLimit(events=50))
    assert send(limiter, clock) == 0
    join(limiter, "a-server")
    lend(limiter, clock, 20)
    assert [limiter.take(clock.now, 10, SIZE) for _ in range(2)] == [0, 0]
    lose(limiter)
    clock.now += LOST
    assert send(limiter, clock) == 30


def test_the_warning_names_no_error_from_before_the_server_answered(
    make: Callable[..., LeasedLimiter], clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = make()
    assert send(limiter, clock) == 0
    lose(limiter)
    join(limiter, "a-server")
    limiter.close()
    assert send(limiter, clock) == 0
    clock.now += FIRST
    send(limiter, clock)
    assert "the lease server driver:7400 does not lend (no answer)" in caplog.text
