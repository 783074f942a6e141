"""Draining updates of profiles: in their order, and never twice where that would count twice."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mixpress.client.drain_run import drain_spool
from mixpress.client.engine import Engine
from mixpress.client.options import layout_of
from mixpress.errors import AuthError, MixpressError
from mixpress.report.report import Report
from mixpress.spool import Spool
from support.clients import client
from support.clocks import FakeClock
from support.profile_server import FAULTS, Fault, ProfileServer, number_of
from support.replies import answer
from support.server import FakeServer

from .makers import HASTY, spool

TOKEN = "the-project-token"
SCHEDULES = 20


def update(number: int, operation: str = "$set", profile: str = "u") -> bytes:
    return json.dumps({"$distinct_id": profile, operation: {"n": number}, "$token": TOKEN}).encode()


def leave(path: Path, *updates: bytes, size: int = 2) -> None:
    """Leave updates of an ended process in the file, in batches of `size`, the last ones in none."""
    with opened(path, size) as queue:
        queue.append_many(updates)
        for _ in range((len(updates) - 1) // size):
            queue.pack()


def opened(path: Path, size: int = 2) -> Spool:
    with client(FakeServer(), FakeClock(), token=TOKEN) as made:
        layout = layout_of(made.engine_of_updates("engage").options.encoder)
    return spool(path, layout=layout, max_events=size)


def drain(path: Path, server: Any, **options: Any) -> Report:
    """Drain the file; an error that ends the drain has the report."""
    clock, stopped = FakeClock(), options.pop("stopped", bool)
    with opened(path) as queue, client(server, clock, token=TOKEN, retry=HASTY, **options) as sending:
        engine: Engine = sending.engine_of_updates("engage")
        try:
            return drain_spool(engine, queue, stopped=stopped)
        except MixpressError as error:
            return error.report or pytest.fail("the error has no report")


def left(path: Path) -> list[int]:
    """Return the numbers of the updates in the file, in their order."""
    with opened(path) as queue:
        found: list[int] = []
        while batch := queue.take(early=True) or queue.take_sent():
            found += [number_of(one) for one in map(json.loads, batch.events())]
        queue.release()
    return found


class Script:
    """Faults in turn, then none."""

    def __init__(self, *faults: Fault) -> None:
        self._faults = list(faults)

    def __call__(self, _: list[dict[str, Any]]) -> Fault:
        return self._faults.pop(0) if self._faults else ""


def test_updates_are_delivered_in_their_order_one_request_at_a_time(tmp_path: Path) -> None:
    leave(tmp_path / "a", *(update(number, profile=f"p{number % 3}") for number in range(9)))
    server = ProfileServer()
    report = drain(tmp_path / "a", server)
    assert (report.total, report.imported, report.requests, server.together) == (9, 9, 5, 1)
    assert [number_of(one) for updates in server.taken for one in updates] == list(range(9))
    assert left(tmp_path / "a") == []


def test_updates_without_an_answer_end_the_drain_and_the_next_one_goes_on_with_them(tmp_path: Path) -> None:
    leave(tmp_path / "a", *map(update, range(6)))
    letter = tmp_path / "failed"
    server = ProfileServer(Script("", "503", "503"))
    report = drain(tmp_path / "a", server, dead_letter=letter)
    assert (report.total, report.imported, report.undelivered) == (4, 2, 2)
    assert letter.read_text() == ""  # they are sent again, out of the file
    assert left(tmp_path / "a") == [2, 3, 4, 5]
    assert drain(tmp_path / "a", server).imported == 4
    assert server.numbers("u") == list(range(6))


def test_the_error_says_that_the_rest_waits_for_them(tmp_path: Path) -> None:
    leave(tmp_path / "a", update(0))
    with (
        opened(tmp_path / "a") as queue,
        client(FakeServer(answer(503, "later")), FakeClock(), token=TOKEN) as sending,
        pytest.raises(MixpressError, match="so that no later one overtakes them; they stay in the spool"),
    ):
        drain_spool(sending.engine_of_updates("engage"), queue)


def test_the_half_of_a_split_batch_that_has_no_answer_is_sent_before_what_follows(tmp_path: Path) -> None:
    leave(tmp_path / "a", *map(update, range(6)), size=4)
    server = ProfileServer(Script("413", "", "503", "503"))
    assert (drain(tmp_path / "a", server).imported, left(tmp_path / "a")) == (2, [2, 3, 4, 5])
    assert drain(tmp_path / "a", server).imported == 4
    assert server.numbers("u") == list(range(6))


@pytest.mark.parametrize("fault", ["503 after", "reset after"])
def test_an_add_that_may_have_been_taken_is_undelivered_and_written(tmp_path: Path, fault: Fault) -> None:
    leave(tmp_path / "a", update(0, "$add"), update(1), update(2))
    letter = tmp_path / "failed"
    server = ProfileServer(Script(fault))
    report = drain(tmp_path / "a", server, dead_letter=letter)
    assert (report.imported, report.undelivered) == (1, 2)
    assert "$add and $append would count twice" in report.failures[0].message
    written = [json.loads(line)["event"] for line in letter.read_text().splitlines()]
    assert written == [{"$distinct_id": "u", "$add": {"n": 0}}, {"$distinct_id": "u", "$set": {"n": 1}}]
    assert (server.numbers("u"), left(tmp_path / "a")) == ([0, 1, 2], [])


def test_with_retry_unsafe_an_add_is_sent_again(tmp_path: Path) -> None:
    leave(tmp_path / "a", update(0, "$add"))
    server = ProfileServer(Script("reset after"))
    assert drain(tmp_path / "a", server, retry_unsafe=True).imported == 1
    assert server.numbers("u") == [0, 0]


@pytest.mark.parametrize("retry_unsafe", [False, True])
def test_an_add_whose_process_died_during_the_request_is_sent_with_retry_unsafe_alone(
    tmp_path: Path, retry_unsafe: bool
) -> None:
    leave(tmp_path / "a", update(0, "$add"), update(1), update(2))
    with opened(tmp_path / "a") as queue:
        batch = queue.take(early=True)
        assert batch is not None
        queue.mark_sent(batch)
    server = ProfileServer()
    report = drain(tmp_path / "a", server, retry_unsafe=retry_unsafe)
    assert server.numbers("u") == ([0, 1, 2] if retry_unsafe else [2])
    assert report.undelivered == (0 if retry_unsafe else 2)
    assert left(tmp_path / "a") == []


def test_an_add_stays_marked_if_the_process_that_finds_it_dies_too(tmp_path: Path) -> None:
    leave(tmp_path / "a", update(0, "$add"))
    with opened(tmp_path / "a") as queue:
        batch = queue.take(early=True)
        assert batch is not None
        queue.mark_sent(batch)
    with opened(tmp_path / "a") as queue:
        assert queue.take_sent() is not None  # and no verdict is entered
    server = ProfileServer()
    assert (drain(tmp_path / "a", server).undelivered, server.requests) == (1, [])


def test_wrong_credentials_leave_every_update_in_the_file(tmp_path: Path) -> None:
    leave(tmp_path / "a", *(update(number, "$add") for number in range(5)))
    with (
        opened(tmp_path / "a") as queue,
        client(FakeServer(answer(401, "no")), FakeClock(), token=TOKEN) as sending,
        pytest.raises(AuthError),
    ):
        drain_spool(sending.engine_of_updates("engage"), queue)
    assert left(tmp_path / "a") == list(range(5))


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_order_and_verdicts_hold_through_faults_and_several_drains(tmp_path: Path, seed: int) -> None:
    """Each update is taken in the order of the file; an `$add` at most once, and a `$set` until it is imported."""
    random = Random(seed)
    operations = [random.choice(["$set", "$set", "$add"]) for _ in range(12)]
    leave(tmp_path / "a", *(update(number, operation) for number, operation in enumerate(operations)), size=3)
    server = ProfileServer(lambda _: random.choice(["", "", *FAULTS]))
    verdicts: Counter[str] = Counter()
    for _ in range(100):
        report = drain(tmp_path / "a", server)
        remaining = len(left(tmp_path / "a"))
        verdicts.update(imported=report.imported, refused=report.refused)
        gone = 12 - remaining - verdicts["imported"] - verdicts["refused"]
        assert gone >= verdicts["gone"]
        verdicts["gone"] = gone
        if not remaining:
            break
    assert (sum(verdicts.values()), verdicts["refused"]) == (12, 0)
    taken = server.numbers("u")
    assert list(dict.fromkeys(taken)) == sorted(set(taken))
    assert all(count == 1 for number, count in Counter(taken).items() if operations[number] == "$add")
