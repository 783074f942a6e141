"""Fixed schedules, 25 in each of CHAOS_ROUNDS=4 rounds; `make chaos` runs random ones."""

from __future__ import annotations

import os
import threading

import pytest

from fault_proxy import Trouble

from .machine import REPLIES, ROUND, run_round
from .world import SLOW, Kind, Tally, check_event, stage

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "4"))


def test_every_event_has_one_verdict_and_imported_ones_are_stored_once() -> None:
    before = set(threading.enumerate())
    tally = Tally()
    with stage() as on:
        for number in range(ROUNDS):
            run_round(on, tally, number)
    assert set(threading.enumerate()) == before
    # The schedules had every verdict, fault and trouble.
    assert tally.schedules >= ROUNDS * ROUND
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
