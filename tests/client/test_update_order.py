"""The order of the updates of one profile: none overtakes another, whatever fails, and others are sent meanwhile."""

from __future__ import annotations

import os
import threading
from collections import Counter
from random import Random
from typing import Any, cast

import pytest

from mixpress import Encoder, Limits, Report, RetryPolicy, TransportError
from mixpress.send.job import Job
from mixpress.transport import Request, Response
from support.clients import client
from support.clocks import FakeClock, StillClock
from support.profile_server import FAULTS, ProfileServer, number_of
from support.replies import answer

SCHEDULES = int(os.environ.get("ORDER_SCHEDULES", "60"))
"""`ORDER_SCHEDULES` sets how many schedules there are for each setting."""


def small(size: int) -> dict[str, Any]:
    """Return settings of a client whose batches have at most so many updates."""
    return {"encoder": Encoder(limits=Limits(max_batch_events=size)), "token": "a-token"}


def update(profile: str, number: int, operation: str = "$set") -> dict[str, Any]:
    return {"$distinct_id": profile, operation: {"n": number}}


class Meeting:
    """A transport whose replies wait until so many requests are under way."""

    def __init__(self, count: int) -> None:
        self._barrier = threading.Barrier(count, timeout=20)

    def send(self, _: Request) -> Response:
        self._barrier.wait()
        return answer(200, "1")


def test_batches_of_different_profiles_are_sent_at_once() -> None:
    made = client(Meeting(4), FakeClock(), concurrency=4, **small(5))  # type: ignore[arg-type]
    report = made.import_profiles(update(f"u{number}", number) for number in range(20))
    assert (report.imported, report.requests) == (20, 4)


@pytest.mark.parametrize(
    "name", [lambda number: "u", lambda number: f"u{number % 5}", lambda number: number % 5, lambda _: "x" * 300]
)
def test_batches_with_a_common_profile_are_sent_one_after_another(name: Any) -> None:
    server = ProfileServer()
    made = client(server, FakeClock(), concurrency=4, **small(5))  # type: ignore[arg-type]
    report = made.import_profiles(update(name(number), number) for number in range(40))
    assert report.total == 40
    assert server.together <= 1


def test_an_update_whose_profile_is_not_known_waits_for_all() -> None:
    class Id(str):
        __slots__ = ()

    server = ProfileServer()
    made = client(server, FakeClock(), concurrency=4, **small(1))  # type: ignore[arg-type]
    made.import_profiles(update(Id("u") if number % 2 else "u", number) for number in range(20))
    assert server.numbers("u") == list(range(20))
    assert server.together == 1


def test_queued_updates_are_sent_one_request_at_a_time() -> None:
    server = ProfileServer()
    with client(server, StillClock(), concurrency=4, linger=1e9, **small(2)) as made:  # type: ignore[arg-type]
        for number in range(40):
            made.profiles.set(f"u{number % 3}", {"n": number})
        assert made.flush().imported == 40
    assert server.together == 1
    assert all(server.numbers(f"u{each}") == list(range(each, 40, 3)) for each in range(3))


class Schedule:
    """A client, a server with the faults of a seed, and updates of a few profiles, each with a number of its own."""

    def __init__(self, seed: int, **settings: Any) -> None:
        self.random = random = Random(seed)
        self._rate = random.choice([0.1, 0.4, 0.7])
        self.server = ProfileServer(lambda _: random.choice(FAULTS) if random.random() < self._rate else "")
        self._client = client(
            self.server,  # type: ignore[arg-type]
            FakeClock(),
            concurrency=random.randint(1, 4),
            retry=RetryPolicy(attempts=random.randint(1, 4)),
            linger=random.choice([0.0, 1.0]),
            **small(random.randint(1, 6)),
            **settings,
        )
        self._queued: list[int] = []
        self.verdicts: dict[int, str] = {}
        """The verdict on each update by its number."""
        self.profiles: set[str] = set()
        self._count = 0

    def run(self) -> None:
        for _ in range(self.random.randint(1, 6)):
            self.random.choice([self._import, self._queue, self._flush])()
        reports = [self._client.close()]
        while reports[
            -1
        ].pending:  # `close` waits a second for requests that were cut off, of which this clock has none
            reports.append(self._client.flush())
        self._enter(reports, self._queued)

    def _updates(self) -> list[dict[str, Any]]:
        profiles = self.random.choice([1, 3, 50])
        made = []
        for _ in range(self.random.randint(1, 30)):
            profile = f"u{self.random.randrange(profiles)}"
            self.profiles.add(profile)
            made.append(update(profile, self._count, self.random.choice(["$set", "$set", "$set", "$add"])))
            self._count += 1
        return made

    def _import(self) -> None:
        updates = self._updates()
        try:
            report = self._client.import_profiles(updates)
        except TransportError as error:  # no server was ever reached
            report = cast("Report", error.report)
            updates = updates[: report.total]
        assert report.total == len(updates)
        self._enter([report], [number_of(each) for each in updates])

    def _queue(self) -> None:
        for each in self._updates():
            [operation] = {"$set", "$add"} & each.keys()
            call = self._client.profiles.set if operation == "$set" else self._client.profiles.add
            assert call(each["$distinct_id"], each[operation]) is None
            self._queued.append(number_of(each))

    def _flush(self) -> None:
        report = self._client.flush()
        assert report.pending == 0
        self._enter([report], self._queued)

    def _enter(self, reports: list[Report], numbers: list[int]) -> None:
        """Enter the verdicts of reports, whose indexes count in `numbers`, and check that they add up."""
        for report in reports:
            assert report.imported + report.rejected + report.refused + report.undelivered == report.total
        failed = {numbers[failure.index]: failure.kind for report in reports for failure in report.failures}
        assert len(failed) == sum(report.failed for report in reports)
        new = [number for number in numbers if number not in self.verdicts]
        assert sum(report.total for report in reports) == len(new)
        self.verdicts |= {number: failed.get(number, "imported") for number in new}
        stats = self._client.stats()
        assert stats.accepted == stats.imported + stats.rejected + stats.refused + stats.undelivered + stats.pending


def firsts(numbers: list[int]) -> list[int]:
    return list(dict.fromkeys(numbers))


@pytest.mark.parametrize("retry_unsafe", [False, True])
def test_no_update_overtakes_another_of_its_profile_whatever_fails(retry_unsafe: bool) -> None:
    faults: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    most = repeated = 0
    for seed in range(SCHEDULES):
        schedule = Schedule(seed, retry_unsafe=retry_unsafe)
        schedule.run()
        server = schedule.server
        assert server.met == [], f"seed {seed}: two requests had a profile in common"
        taken = Counter(number_of(each) for updates in server.taken for each in updates)
        for profile in schedule.profiles:
            numbers = server.numbers(profile)
            assert firsts(numbers) == sorted(set(numbers)), f"seed {seed}: {profile} was updated out of order"
            # A part of a repeated batch may be undelivered: an earlier part that was repeated is then the last one.
            last = [each for each in firsts(numbers[::-1])[::-1] if schedule.verdicts[each] == "imported"]
            assert last == sorted(last), f"seed {seed}: {profile} ends with an earlier update"
        assert all(taken[number] for number, verdict in schedule.verdicts.items() if verdict == "imported")
        twice = {number for number, count in taken.items() if count > 1}
        unsafe = [
            {number_of(each) for each in updates} for updates in server.taken if any("$add" in e for e in updates)
        ]
        repeated += sum(bool(twice & numbers) for numbers in unsafe)
        faults.update(server.faults)
        verdicts.update(schedule.verdicts.values())
        most = max(most, server.together)
    assert bool(repeated) is retry_unsafe
    assert faults.keys() == {"", *FAULTS}
    assert verdicts.keys() == {"imported", "undelivered"}
    assert most > 1


def test_the_check_notices_updates_out_of_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Job, "may_overtake", lambda self, earlier: True)
    with pytest.raises(AssertionError, match=r"two requests had|out of order|earlier update"):
        test_no_update_overtakes_another_of_its_profile_whatever_fails(retry_unsafe=False)
