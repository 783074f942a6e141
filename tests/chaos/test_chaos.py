"""Fixed schedules, 25 in each of CHAOS_ROUNDS=4 rounds, half as many of updates; `make chaos` runs random ones."""

from __future__ import annotations

import os
import threading
from collections import Counter

import pytest

from fault_proxy import Trouble

from .machine import REPLIES, ROUND, Delivery, Machine, Updating, run_round
from .update import LATE, LOST, Drawn, Seen, Status, Update, check_counts, check_order, check_repeats, check_update
from .update import Kind as UpdateKind
from .world import SLOW, Kind, Tally, check_event, stage

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "4"))


@pytest.mark.parametrize(("kind", "rounds"), [(Delivery, ROUNDS), (Updating, max(1, ROUNDS // 2))])
def test_everything_has_one_verdict_and_arrives_once_and_updates_arrive_in_order(kind: Machine, rounds: int) -> None:
    before = set(threading.enumerate())
    tally = Tally()
    with stage() as on:
        for number in range(rounds):
            run_round(kind, on, tally, number)
    # A thread of an earlier test may end meanwhile; none may stay behind.
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert set(threading.enumerate()) <= before
    # The schedules had every verdict, fault and trouble.
    assert tally.schedules >= rounds * ROUND
    assert set(tally.verdicts) == {"imported", "rejected", "refused", "undelivered", "dropped"}
    assert set(tally.faults) == {*REPLIES, "401", SLOW}
    assert set(tally.troubles) == {trouble.value for trouble in Trouble if trouble is not Trouble.NONE}


@pytest.mark.parametrize(
    ("kind", "verdict", "stored", "answers"),
    [
        (Kind.GOOD, "rejected", 0, []),
        (Kind.GOOD, "imported", 0, [200]),
        (Kind.GOOD, "imported", 1, [None]),
        (Kind.GOOD, "imported", 2, [None, 200]),
        (Kind.GOOD, "imported", 1, [200, 200]),
        (Kind.GOOD, "undelivered", 1, [None, 200]),
        (Kind.GOOD, "refused", 1, [503, 400]),
        (Kind.GOOD, "refused", 0, [503]),
        (Kind.MERGE, "imported", 2, [200]),
        (Kind.MERGE, "rejected", 0, []),
        (Kind.BAD, "undelivered", 0, []),
        (Kind.BAD, "rejected", 1, [200]),
        (Kind.DOOMED, "imported", 0, [200]),
        (Kind.DOOMED, "refused", 1, [None, 400]),
        (Kind.HUGE, "undelivered", 1, [None]),
        (Kind.GOOD, "dropped", 0, [200]),
    ],
)
def test_the_check_of_an_event_fails_when_a_promise_is_broken(
    kind: Kind, verdict: str, stored: int, answers: list[int | None]
) -> None:
    with pytest.raises(AssertionError, match=f"a {kind.name} event is {verdict}"):
        check_event(kind, verdict, stored, answers)


@pytest.mark.parametrize(
    ("kind", "operation", "verdict", "applied", "answers"),
    [
        (UpdateKind.GOOD, "$set", "rejected", 0, []),
        (UpdateKind.GOOD, "$set", "imported", 0, [200]),
        (UpdateKind.GOOD, "$set", "imported", 1, [LOST]),
        (UpdateKind.GOOD, "$set", "imported", 2, [200]),
        (UpdateKind.GOOD, "$set", "imported", 1, [200, 200]),
        (UpdateKind.GOOD, "$add", "imported", 2, [LOST, 200]),
        (UpdateKind.GOOD, "$append", "undelivered", 2, [LOST, LATE]),
        (UpdateKind.GOOD, "$set", "undelivered", 1, [LOST, 200]),
        (UpdateKind.GOOD, "$set", "refused", 0, [503]),
        (UpdateKind.GOOD, "$set", "dropped", 0, [200]),
        (UpdateKind.BAD, "$set", "undelivered", 0, []),
        (UpdateKind.BAD, "$set", "rejected", 1, [200]),
        (UpdateKind.DOOMED, "$set", "imported", 1, [200]),
        (UpdateKind.HUGE, "$union", "imported", 1, [200]),
    ],
)
def test_the_check_of_an_update_fails_when_a_promise_is_broken(
    kind: UpdateKind, operation: str, verdict: str, applied: int, answers: list[Status]
) -> None:
    update = Update(Drawn(kind, operation, "u0"), number=1, schedule=0)
    with pytest.raises(AssertionError, match=f" is {verdict}; applied: {applied}"):
        check_update(update, verdict, applied, answers, once=True)


def seen(*numbers: int, status: Status = 200, unsafe: int = 0) -> Seen:
    """Return a request with updates of one profile."""
    return Seen(tuple(("u", number) for number in numbers), frozenset([unsafe] if unsafe else []), status)


@pytest.mark.parametrize(
    ("requests", "applied"),
    [
        ([seen(2), seen(1)], []),
        ([seen(1, status=LOST), seen(2), seen(1)], []),
        ([seen(1, 2)], [2, 1]),
        ([seen(1, status=LOST), seen(1), seen(2)], [1, 2, 1]),
    ],
)
def test_the_check_of_the_order_notices_an_update_that_overtakes(requests: list[Seen], applied: list[int]) -> None:
    with pytest.raises(AssertionError, match=r"out of order|after a later one"):
        check_order(requests, [("u", number) for number in applied], set(), set())


def test_the_check_of_the_order_allows_retries_splits_and_what_the_network_delivers_late() -> None:
    requests = [seen(1, 2, 3, status=503), seen(1, 2, 3, status=413), seen(1, status=LATE), seen(1), seen(2, 3)]
    check_order(requests, [("u", number) for number in (1, 2, 3, 1)], set(), set())
    check_order([seen(1, 2, status=LOST), seen(1)], [], {2}, set())
    check_order([seen(1, 2, status=LOST), seen(1, 2)], [("u", number) for number in (2, 1, 2)], set(), {1})


@pytest.mark.parametrize("status", [LATE, LOST, 200, 503])
def test_the_check_of_repeats_notices_what_may_count_twice(status: Status) -> None:
    check_repeats([seen(1, 2, status=429, unsafe=2), seen(1, 2, status=413, unsafe=2), seen(1), seen(2, unsafe=2)])
    with pytest.raises(AssertionError, match="may have taken it"):
        check_repeats([seen(1, 2, status=status, unsafe=2), seen(1)])


def test_the_check_of_the_counts_notices_an_update_without_a_verdict_or_with_two() -> None:
    check_counts({1: "refused"}, Counter(imported=1, refused=1), 2)
    for counted in (Counter(imported=1), Counter(imported=2, refused=1), Counter(imported=2)):
        with pytest.raises(AssertionError):
            check_counts({1: "refused"}, counted, 2)
