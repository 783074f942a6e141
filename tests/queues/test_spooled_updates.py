"""Updates of profiles in a spool: they outlive the client in their order, and `$add` is not sent twice."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mixpress import Client, Encoder, Limits, Report, RetryPolicy
from mixpress.spool import Spool
from spool.makers import HASTY, adds_up, change, rows
from support.clients import ACCOUNT
from support.profile_server import FAULTS, Fault, ProfileServer, number_of, updates_of

TOKEN = "the-project-token"
SCHEDULES = 10


def made(path: Path, server: ProfileServer, batch: int = 2000, **settings: Any) -> Client:
    """Return a client with a spool that packs no batch before a flush, unless it is full."""
    encoder = Encoder(limits=Limits(max_batch_events=batch))
    usual: dict[str, Any] = {"base_url": "http://127.0.0.1:8400", "retry": HASTY, "linger": 3600.0, "concurrency": 2}
    return Client(ACCOUNT, transport=server, spool=path, token=TOKEN, encoder=encoder, **usual | settings)


class Script:
    """Faults in turn, then none."""

    def __init__(self, *faults: Fault) -> None:
        self._faults = list(faults)

    def __call__(self, _: list[dict[str, Any]]) -> Fault:
        return self._faults.pop(0) if self._faults else ""


def sets(client: Client, *numbers: int, profile: str = "u") -> None:
    for number in numbers:
        assert client.profiles.set(profile, {"n": number}) is None


def of_updates(path: Path) -> Path:
    return path.with_name(f"{path.name}.engage")


def left(path: Path) -> list[int]:
    """Return the numbers of the updates in the file of a closed client."""
    found: list[int] = []
    with Spool(of_updates(path)) as spool:
        while batch := spool.take(early=True, failed=True) or spool.take_sent():
            found += [number_of(update) for update in map(json.loads, batch.events())]
        spool.release()
    return found


def test_an_update_is_in_the_file_beside_that_of_the_events_when_the_call_returns(tmp_path: Path) -> None:
    with made(tmp_path / "a", ProfileServer()) as client:
        sets(client, 1)
        client.groups("company").set("g", {"n": 1})
        assert [rows(file) for file in (tmp_path / "a", of_updates(tmp_path / "a"), tmp_path / "a.groups")] == [0, 1, 1]
        assert client.stats().pending == 2


def test_a_flush_delivers_every_update_in_its_order(tmp_path: Path) -> None:
    server = ProfileServer()
    with made(tmp_path / "a", server, batch=3) as client:
        sets(client, *range(20))
        assert client.profiles.add("u", {"n": "x"}) is not None  # type: ignore[dict-item]
        report = client.flush()
        assert (report.total, report.imported, report.rejected, report.pending) == (21, 20, 1, 0)
        assert [failure.index for failure in report.failures] == [20]
        assert adds_up(client.stats())
    assert server.numbers("u") == list(range(20))
    assert server.together == 1
    assert left(tmp_path / "a") == []


def test_an_import_waits_for_every_batch_that_is_queued(tmp_path: Path) -> None:
    server = ProfileServer()
    with made(tmp_path / "a", server, batch=2) as client:
        sets(client, *range(9))
        report = client.import_profiles([{"$distinct_id": "u", "$set": {"n": 9}}])
        assert (report.total, report.imported) == (1, 1)
        assert client.flush().imported == 9
    assert server.numbers("u") == list(range(10))


def test_an_import_does_not_wait_for_what_is_given_up(tmp_path: Path) -> None:
    server = ProfileServer(lambda updates: "503" if number_of(updates[0]) == 0 else "")
    with made(tmp_path / "a", server) as client:
        sets(client, 0)
        assert client.import_profiles([{"$distinct_id": "u", "$set": {"n": 1}}]).imported == 1
        assert client.flush().pending == 1


def test_what_a_client_left_is_sent_by_the_next_one_before_its_own(tmp_path: Path) -> None:
    down = ProfileServer(lambda _: "503")
    with made(tmp_path / "a", down, batch=2) as client:
        sets(client, 1, 2, 3, 4, 5)
        assert client.flush().pending == 5
    up = ProfileServer()
    with made(tmp_path / "a", up, batch=2) as client:
        sets(client, 6, 7)
        report = client.flush()
        assert (report.imported, report.pending) == (7, 0)
    assert up.numbers("u") == [1, 2, 3, 4, 5, 6, 7]


def test_a_new_client_delivers_what_others_left_without_a_call(tmp_path: Path) -> None:
    with made(tmp_path / "a", ProfileServer(lambda _: "503")) as client:
        sets(client, 1)
    arrived = threading.Event()
    with made(tmp_path / "a", ProfileServer(), on_report=lambda _: arrived.set()):
        assert arrived.wait(30)


def test_a_batch_that_is_given_up_holds_up_the_later_ones(tmp_path: Path) -> None:
    failing = {1}
    server = ProfileServer(lambda updates: "503" if failing & set(map(number_of, updates)) else "")
    with made(tmp_path / "a", server, batch=2) as client:
        sets(client, 1, 2, 3, 4, 5)
        report = client.flush()
        assert (report.total, report.pending) == (0, 5)
        assert server.taken == []
        failing = {3}
        report = client.flush()
        assert (report.imported, report.pending) == (2, 3)
        failing = set()
        report = client.flush()
        assert (report.imported, report.pending) == (3, 0)
        assert adds_up(client.stats())
    assert server.numbers("u") == [1, 2, 3, 4, 5]


def test_a_part_of_a_split_batch_that_is_given_up_holds_up_the_other_part(tmp_path: Path) -> None:
    failing = {1}
    server = ProfileServer(
        lambda updates: "413" if len(updates) == 4 else "503" if updates[0]["$set"]["n"] in failing else ""
    )
    with made(tmp_path / "a", server) as client:
        sets(client, 1, 2, 3, 4)
        assert client.flush().pending == 4
        assert server.taken == []
        failing = {3}
        assert client.flush().imported == 2
        failing = set()
        assert client.flush().imported == 2
    assert server.numbers("u") == [1, 2, 3, 4]


@pytest.mark.parametrize("fault", ["503", "503 after", "reset", "reset after"])
def test_an_add_that_may_have_been_taken_is_undelivered_and_leaves_the_file(tmp_path: Path, fault: Fault) -> None:
    server = ProfileServer(Script(fault))
    with made(tmp_path / "a", server) as client:
        client.profiles.add("u", {"n": 1})
        report = client.flush()
        assert (report.total, report.undelivered, report.pending) == (1, 1, 0)
        assert "retry_unsafe=True" in report.failures[0].message
        sets(client, 2)
        assert client.flush().imported == 1
        assert adds_up(client.stats())
    assert len(server.requests) == 2
    assert left(tmp_path / "a") == []


@pytest.mark.parametrize("fault", ["429", "refused"])
def test_an_add_that_was_surely_not_taken_stays_in_the_file(tmp_path: Path, fault: Fault) -> None:
    with made(tmp_path / "a", ProfileServer(lambda _: fault)) as client:
        client.profiles.add("u", {"n": 1})
        report = client.flush()
        assert (report.total, report.pending) == (0, 1)
    server = ProfileServer()
    with made(tmp_path / "a", server) as client:
        assert client.flush().imported == 1
    assert server.numbers("u") == [1]


def test_with_retry_unsafe_an_add_is_sent_until_there_is_a_reply(tmp_path: Path) -> None:
    server = ProfileServer(Script("reset after", "503"))
    with made(tmp_path / "a", server, retry_unsafe=True) as client:
        client.profiles.add("u", {"n": 1})
        client.flush()
        assert client.flush().imported == 1
    assert server.numbers("u") == [1, 1]


@pytest.mark.parametrize("retry_unsafe", [False, True])
@pytest.mark.parametrize("operation", ["add", "set"])
def test_an_add_whose_process_died_during_the_request_is_not_sent_again(
    tmp_path: Path, operation: str, retry_unsafe: bool
) -> None:
    died = tmp_path / "died.engage"

    def die(_: list[dict[str, Any]]) -> Fault:
        """Copy the file as it is during the request, without the owner that a death removes."""
        client.engine.clock.time()
        spool = client._engines.updates("engage").queue._spool  # type: ignore[attr-defined]
        spool._session.connections.reader.execute("VACUUM INTO ?", (str(died),))
        change(died, "DELETE FROM owners")
        return ""

    with made(tmp_path / "a", ProfileServer(die)) as client:
        getattr(client.profiles, operation)("u", {"n": 1})
        assert client.flush().imported == 1
    server = ProfileServer()
    with made(tmp_path / "died", server, retry_unsafe=retry_unsafe) as client:
        sets(client, 2)
        report = client.flush()
        is_sent = retry_unsafe or operation == "set"
        assert (report.imported, report.undelivered, report.pending) == ((2, 0, 0) if is_sent else (1, 1, 0))
        assert adds_up(client.stats())
    assert server.numbers("u") == ([1, 2] if is_sent else [2])
    if not is_sent:
        assert "its process ended before a reply came" in report.failures[0].message
    assert left(tmp_path / "died") == []


def test_a_batch_that_another_process_took_over_is_not_sent(tmp_path: Path) -> None:
    server = ProfileServer()
    with made(tmp_path / "a", server) as client:
        queue = client._engines.updates("engage").queue
        client.profiles.add("u", {"n": 1})
        real = queue._spool.mark_sent  # type: ignore[attr-defined]

        def stolen(batch: Any, *, sent: bool = True) -> bool:
            columns = "pid, started, boot, namespace, expires"
            file = of_updates(tmp_path / "a")
            change(file, f"INSERT INTO owners SELECT 100, {columns} FROM owners")
            change(file, "UPDATE batches SET owner = 100")
            return bool(real(batch, sent=sent))

        queue._spool.mark_sent = stolen  # type: ignore[attr-defined]
        report = client.flush()
        assert (report.undelivered, report.pending) == (1, 0)
    assert server.requests == []
    with closing(sqlite3.connect(of_updates(tmp_path / "a"))) as db:
        assert db.execute("SELECT owner, state FROM batches").fetchall() == [(100, "waiting")]


class Schedule:
    """Clients one after another with one spool, and a server with the faults of a seed."""

    def __init__(self, seed: int, path: Path) -> None:
        self._random = random = Random(seed)
        self._path = path
        self._rate = random.choice([0.1, 0.4, 0.7])
        self.server = ProfileServer(lambda _: random.choice(FAULTS) if random.random() < self._rate else "")
        self.verdicts: Counter[str] = Counter()
        self.count = 0

    def run(self) -> None:
        for _ in range(self._random.randint(1, 4)):
            batch, attempts = self._random.randint(1, 5), self._random.randint(1, 3)
            retry = RetryPolicy(attempts=attempts, first_wait=0.0, jitter=(0.0, 0.0))
            with made(self._path, self.server, batch, retry=retry) as client:
                for _ in range(self._random.randint(1, 4)):
                    self._queue(client)
                    self._enter(client.flush())
                    assert adds_up(client.stats())
                self._enter(client.close())
        self._rate = 0.0
        with made(self._path, self.server) as client:
            client.profiles.set("last", {"n": self.count})
            self.count += 1
            self._enter(client.flush())

    def _queue(self, client: Client) -> None:
        for _ in range(self._random.randint(0, 12)):
            profile = f"u{self._random.randrange(3)}"
            call = client.profiles.add if self._random.random() < 0.2 else client.profiles.set
            assert call(profile, {"n": self.count}) is None
            self.count += 1

    def _enter(self, report: Report) -> None:
        assert report.imported + report.undelivered == report.total
        self.verdicts.update(imported=report.imported, undelivered=report.undelivered)


def test_updates_keep_their_order_and_get_one_verdict_through_faults_and_restarts(tmp_path: Path) -> None:
    verdicts: Counter[str] = Counter()
    for seed in range(SCHEDULES):
        schedule = Schedule(seed, tmp_path / f"{seed}")
        schedule.run()
        server = schedule.server
        assert schedule.verdicts.total() == schedule.count, f"seed {seed}"
        assert left(tmp_path / f"{seed}") == []
        for profile in ("u0", "u1", "u2"):
            numbers = server.numbers(profile)
            assert list(dict.fromkeys(numbers)) == sorted(set(numbers)), f"seed {seed}: {profile} out of order"
            last = list(dict.fromkeys(numbers[::-1]))[::-1]
            assert last == sorted(last), f"seed {seed}: {profile} ends with an earlier update"
        added = Counter(number_of(update) for updates in server.taken for update in updates if "$add" in update)
        assert set(added.values()) <= {1}, f"seed {seed}"
        verdicts.update(schedule.verdicts)
    assert verdicts["imported"]
    assert verdicts["undelivered"]
    assert updates_of(server.requests[-1])
