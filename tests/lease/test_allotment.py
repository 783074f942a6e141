"""The allotment of a limit to workers, with a clock that the test advances."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lease.world import World
from mixpress.lease.allotment import SLICE, Allotment
from mixpress.lease.amount import NOTHING, Amount
from mixpress.send.rate_limit import RateLimit

LIMIT = RateLimit(events=100, bytes=10_000, seconds=6)
PLACES = st.integers(0, 3)

limits = st.builds(RateLimit, events=st.integers(1, 60), bytes=st.integers(10, 600), seconds=st.integers(1, 12))
amounts = st.builds(Amount, st.integers(1, 70), st.integers(1, 700))
steps = st.one_of(
    st.tuples(st.just("take"), PLACES, amounts),
    st.tuples(st.just("receive"), PLACES, st.none()),
    st.tuples(st.just("want"), PLACES, st.lists(amounts, min_size=1, max_size=4)),
    st.tuples(st.just("talk"), PLACES, st.none()),
    st.tuples(st.just("leave"), PLACES, st.none()),
    st.tuples(st.just("end"), PLACES, st.none()),
    st.tuples(st.just("silence"), PLACES, st.none()),
    st.tuples(st.just("wait"), st.just(0), st.floats(0.001, 4)),
)


def run(world: World, kind: str, place: int, value: Any) -> None:
    if kind == "wait":
        world.wait(value)
        return
    if place not in world.workers:
        world.start(place)
    STEPS[kind](world, place, value)


def take(world: World, place: int, amount: Amount) -> None:
    for _ in range(3):  # asks until it has a slice, if there is one
        if world.take(place, amount):
            break
        world.talk(place)


def want(world: World, place: int, wanted: list[Amount]) -> None:
    for thread, amount in enumerate(wanted):
        world.take(place, amount, thread)
    world.talk(place)


def be_silent(world: World, place: int, _: object) -> None:
    world.workers[place].is_silent = True


def leave(world: World, place: int, _: object) -> None:
    world.talk(place, leaving=True)
    world.end(place)


STEPS: dict[str, Callable[[World, int, Any], object]] = {
    "take": take,
    "want": want,
    "receive": lambda world, place, _: world.receive(place),
    "talk": lambda world, place, _: world.talk(place),
    "silence": be_silent,
    "leave": leave,
    "end": lambda world, place, _: world.end(place),
}


@settings(max_examples=600)
@given(limit=limits, happened=st.lists(steps, max_size=60))
def test_the_api_never_receives_more_than_the_limit_whatever_workers_do(
    limit: RateLimit, happened: list[tuple[str, int, object]]
) -> None:
    world = World(limit)
    for kind, place, value in happened:
        run(world, kind, place, value)
    for place in list(world.workers):
        world.end(place)
    assert world.allotment.lent == NOTHING
    events, size, _ = world.most_in_a_window()
    assert events <= limit.events
    assert size <= limit.bytes


@settings(max_examples=300)
@given(limit=limits, happened=st.lists(steps, max_size=40), amount=amounts)
def test_a_worker_gets_its_request_once_nothing_else_is_wanted(
    limit: RateLimit, happened: list[tuple[str, int, object]], amount: Amount
) -> None:
    """Also one that is larger than the limit, and whatever happened before."""
    world = World(limit)
    for kind, place, value in happened:
        run(world, kind, place, value)
    world.start(9)
    for _ in range(40):
        if world.take(9, amount):
            return
        world.talk(9)
        world.wait(0.5)
    raise AssertionError(f"after 20 s {amount} of {limit} is not lent: {world.allotment.lent} is")


@settings(max_examples=300)
@given(limit=limits, happened=st.lists(steps, max_size=40), amount=amounts)
def test_what_is_free_is_lent_at_once_to_the_only_worker_that_waits(
    limit: RateLimit, happened: list[tuple[str, int, object]], amount: Amount
) -> None:
    world = World(limit)
    for kind, place, value in happened:
        run(world, kind, place, value)
    for place, worker in list(world.workers.items()):
        if worker.is_silent:
            world.end(place)
        else:
            world.talk(place, leaving=True)
    world.start(9)
    free = Amount(limit.events, limit.bytes) - world.allotment.used(world.now) - world.allotment.lent
    assert not world.take(9, amount)
    world.talk(9)
    large = amount.at_most(Amount(limit.events, limit.bytes))
    assert world.take(9, amount) == free.covers(large)


@settings(max_examples=60)
@given(limit=limits, wants=st.lists(amounts, min_size=2, max_size=4))
def test_no_worker_starves_while_others_want_more_than_there_is(limit: RateLimit, wants: list[Amount]) -> None:
    world = World(limit)
    served = [world.now] * len(wants)
    for place in range(len(wants)):
        world.start(place)
    longest = len(wants) * (limit.seconds + 2 * SLICE)
    ends = world.now + 3 * longest
    while world.now < ends:
        for place, amount in enumerate(wants):
            world.receive(place)
            if world.take(place, amount):
                served[place] = world.now
            world.talk(place)
            assert world.now - served[place] <= longest
        world.wait(0.1)


@given(wants=st.lists(st.tuples(st.integers(1, 10), st.integers(1, 5)), min_size=1, max_size=8))
def test_what_fits_all_workers_is_lent_to_all_at_once(wants: list[tuple[int, int]]) -> None:
    allotment = Allotment(RateLimit(events=800, bytes=80_000, seconds=2))
    for worker, (events, requests) in enumerate(wants):
        allotment.join(worker, 0.0)
        need = Amount(events, 10 * events)
        got = allotment.ask(worker, 0.0, used=NOTHING, back=NOTHING, need=need, want=need.times(requests))
        assert got == need.times(requests)


def ask(allotment: Allotment, worker: int, now: float, events: int, want: int, used: int = 0) -> int:
    one, all_ = Amount(events, 10 * events), Amount(want, 10 * want)
    got = allotment.ask(worker, now, used=Amount(used, 10 * used), back=NOTHING, need=one, want=all_)
    return int(got.events)


def test_what_is_scarce_is_shared_in_proportion_to_what_workers_want() -> None:
    allotment = Allotment(RateLimit(events=120, bytes=10**9, seconds=2))
    for worker in range(4):
        allotment.join(worker, 0.0)
    assert ask(allotment, 0, 0.0, 1, 120) == 120  # it is alone
    assert [ask(allotment, worker, 0.0, 1, want) for worker, want in ((1, 120), (2, 60), (3, 60))] == [0, 0, 0]
    assert ask(allotment, 0, 0.1, 0, 0, used=120) == 0
    shares = [ask(allotment, worker, 2.2, 1, want) for worker, want in ((1, 120), (2, 60), (3, 60))]
    assert sum(shares) == 120
    assert shares == pytest.approx([60, 30, 30], abs=1)


def test_what_is_not_enough_for_all_goes_to_those_who_waited_longest() -> None:
    allotment = Allotment(RateLimit(events=100, bytes=10**9, seconds=60))
    for worker in range(4):
        allotment.join(worker, 0.0)
    assert ask(allotment, 0, 0.0, 50, 100) == 50  # a slice is for two seconds
    assert ask(allotment, 0, 0.0, 50, 100) == 50
    for now, worker in ((0.1, 2), (0.2, 3), (0.3, 1)):
        assert ask(allotment, worker, now, 50, 50) == 0
    ask(allotment, 0, 1.0, 0, 0, used=100)
    turns = [ask(allotment, worker, 61.3, 50, 50) for worker in (1, 2, 3)]
    assert turns == [0, 50, 50]


def test_a_request_that_does_not_fit_beside_the_shares_of_others_waits() -> None:
    allotment = Allotment(RateLimit(events=10, bytes=10**9, seconds=2))
    for worker in range(3):
        allotment.join(worker, 0.0)
    assert ask(allotment, 0, 0.0, 1, 10) == 10
    assert [ask(allotment, 1, 0.0, 1, 8), ask(allotment, 2, 0.0, 6, 8)] == [0, 0]
    allotment.ask(0, 0.1, used=NOTHING, back=Amount(10, 100), need=NOTHING, want=NOTHING)
    assert allotment.lent.events == 5  # of 10, in proportion to 8 and 8: the second worker needs six at once
    assert ask(allotment, 2, 0.1, 6, 8) == 0


def test_small_requests_do_not_keep_a_large_one_waiting() -> None:
    """A worker that waited for a slice is the next: others get what it leaves."""
    allotment = Allotment(RateLimit(events=100, bytes=10**9, seconds=2))
    for worker in range(3):
        allotment.join(worker, 0.0)
    assert ask(allotment, 0, 0.0, 10, 60) == 60
    assert ask(allotment, 1, 0.0, 80, 80) == 0
    assert ask(allotment, 2, 0.1, 10, 10) == 10  # it fits beside
    now, used = 0.2, 0
    while ask(allotment, 1, now, 80, 80) == 0:
        got = ask(allotment, 2, now, 10, 10, used=10 if used else 0)
        used = got
        now += 0.1
        if now > 1.0:
            allotment.ask(0, now, used=NOTHING, back=Amount(60, 600), need=NOTHING, want=NOTHING)
        assert now < 3 * SLICE + 2


@pytest.mark.parametrize("events", [101, 1000])
def test_a_request_larger_than_the_limit_is_lent_when_nothing_else_counts(events: int) -> None:
    allotment = Allotment(LIMIT)
    allotment.join(1, 0.0)
    allotment.join(2, 0.0)
    assert ask(allotment, 1, 0.0, 1, 1) == 1
    assert ask(allotment, 2, 0.0, events, events) == 0
    assert ask(allotment, 1, 0.5, 0, 0, used=1) == 0
    assert ask(allotment, 2, 6.499, events, events) == 0  # it was used at 0.5
    assert ask(allotment, 2, 6.6, events, events) == events
    assert ask(allotment, 1, 6.7, 1, 1) == 0


def test_a_worker_that_ends_loses_what_it_has_and_no_more() -> None:
    allotment = Allotment(LIMIT)
    for worker in (1, 2):
        allotment.join(worker, 0.0)
    assert ask(allotment, 1, 0.0, 10, 30) == 30
    allotment.leave(1, 1.0)
    assert (allotment.workers, allotment.lent) == (1, NOTHING)
    assert ask(allotment, 2, 1.0, 80, 80) == 0  # the dead worker may have used its slice
    assert ask(allotment, 2, 1.0, 70, 70) == 70


def test_what_comes_back_is_lent_at_once() -> None:
    allotment = Allotment(LIMIT)
    for worker in (1, 2):
        allotment.join(worker, 0.0)
    assert ask(allotment, 1, 0.0, 10, 33) == 33
    assert ask(allotment, 2, 0.0, 90, 90) == 0
    allotment.ask(1, 0.1, used=NOTHING, back=Amount(33, 330), need=NOTHING, want=NOTHING)
    assert ask(allotment, 2, 0.1, 90, 90) == 90


def test_a_limit_without_bytes_lends_any_number_of_them() -> None:
    allotment = Allotment(RateLimit(events=10, seconds=2))
    allotment.join(1, 0.0)
    got = allotment.ask(1, 0.0, used=NOTHING, back=NOTHING, need=Amount(1, 10**9), want=Amount(20, 2 * 10**10))
    assert got == Amount(10, 10**10)
    assert allotment.room_at(1, 0.0) >= 0
    assert allotment.lent.bytes < math.inf


def test_a_worker_that_joins_brings_what_it_sent_alone() -> None:
    allotment = Allotment(LIMIT)
    allotment.join(1, 10.0, Amount(20, 200), [(5.0, Amount(30, 300)), (1.0, Amount(10, 100))])
    allotment.join(2, 10.0)
    assert ask(allotment, 2, 10.0, 41, 41) == 0
    assert ask(allotment, 2, 10.0, 40, 40) == 40
    assert ask(allotment, 2, 11.3, 30, 30) == 30


def test_a_slice_beyond_the_limit_is_for_one_request() -> None:
    world = World(RateLimit(events=10, bytes=1000, seconds=6))
    world.start(0)
    assert not world.take(0, Amount(40, 400))
    assert world.talk(0) == Amount(40, 400)
    assert not world.take(0, Amount(1, 10), thread=1)
    assert world.take(0, Amount(20, 200), thread=2)
    assert not world.take(0, Amount(20, 200), thread=3)
    world.talk(0)
    assert world.allotment.lent == Amount(20, 200)
