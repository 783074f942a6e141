"""Interrupts at every place where Python runs signal handlers: no lock stays taken, and the next call works."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import NoReturn

import pytest

from client.test_interrupted_calls import Interrupter, within
from lease.peers import SetClock
from lease.test_own_ceiling import LIMIT, SIZE, clock, join, lend, make, send
from lease.test_server import joined, lent
from mixpress import LeaseServer
from mixpress.lease import limiter as module
from mixpress.lease.limiter import LeasedLimiter
from mixpress.lease.link import Link

__all__ = ["clock", "make"]

Make = Callable[..., LeasedLimiter]
Step = Callable[[LeasedLimiter], object]

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="reads the table of exceptions of 3.11")


def interrupted(prepare: Callable[[], LeasedLimiter], step: Step) -> Iterator[LeasedLimiter]:
    """Iterate over limiters in which a step was interrupted, each at another place, and one in which it was not. None
    of them is locked.
    """
    for place in range(1000):
        limiter = prepare()
        was_interrupted = Interrupter(place).run(partial(step, limiter))
        within(20, partial(limiter.answered, 0.0, 0, 0))
        yield limiter
        if not was_interrupted:
            assert place > 3
            return
    raise AssertionError("1000 places were not enough")


def test_an_interrupted_take_leaves_no_lock_and_a_limiter_that_borrows(make: Make, clock: SetClock) -> None:
    for limiter in interrupted(make, lambda one: one.take(clock.now, 10, SIZE)):
        assert send(limiter, clock) == 0
        join(limiter, "a-server")
        lend(limiter, clock, 30)
        assert send(limiter, clock) == 30


def test_an_interrupted_take_costs_one_request_of_a_slice_at_most(make: Make, clock: SetClock) -> None:
    def borrowing() -> LeasedLimiter:
        limiter = make()
        assert send(limiter, clock) == 0
        join(limiter, "a-server")
        lend(limiter, clock, 50)
        return limiter

    for limiter in interrupted(borrowing, lambda one: one.take(clock.now, 10, SIZE)):
        assert send(limiter, clock) in (40, 50)


def test_an_interrupted_close_leaves_a_limiter_that_borrows(make: Make, clock: SetClock) -> None:
    def borrowing() -> LeasedLimiter:
        limiter = make()
        assert send(limiter, clock) == 0
        join(limiter, "a-server")
        return limiter

    for limiter in interrupted(borrowing, LeasedLimiter.close):
        limiter.close()
        assert send(limiter, clock) == 0
        join(limiter, "a-server")
        lend(limiter, clock, 30)
        assert send(limiter, clock) == 30


def test_a_thread_that_an_interrupted_take_started_ends(
    make: Make, clock: SetClock, monkeypatch: pytest.MonkeyPatch, no_leftover_threads: None
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise ConnectionRefusedError

    monkeypatch.setattr(module, "Link", Link)
    monkeypatch.setattr(module, "Channel", refuse)
    for limiter in interrupted(make, lambda one: one.take(clock.now, 10, SIZE)):
        limiter.close()


def test_an_interrupted_look_at_the_numbers_of_a_server_leaves_no_lock() -> None:
    with LeaseServer(LIMIT, secret="a-lease-secret-of-tests") as server, closing(joined(server)) as channel:
        place = 0
        while Interrupter(place).run(server.stats):
            place += 1
            lent(channel)
        assert place > 5


def test_a_server_whose_end_was_interrupted_ends_and_can_be_started_again(no_leftover_threads: None) -> None:
    server = LeaseServer(LIMIT, secret="a-lease-secret-of-tests").__enter__()
    place = 0
    while Interrupter(place).run(server.__exit__):
        server.__exit__()
        server.__enter__()
        place += 1
    assert repr(server) == "<LeaseServer not running>"
    assert place > 1
