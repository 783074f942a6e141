"""SIGKILL at random moments of a process that updates profiles with a spool, through faults of the server: no accepted
update is lost, those of a profile keep their order, and `$add` and `$append` are never applied twice.

`KILL_ROUNDS` sets how many processes there are (10 by default), half of them without `$add` and `$append`; `KILL_SEED`
repeats the choices of a run.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from chaos.update import UNSAFE, number_in, profile_in
from mixpress import Client
from mixpress.emulator import Emulator, Request
from mixpress.spool import Spool

from .scripts import SECONDS
from .tracker import HASTY, TOKEN

ROUNDS = int(os.environ.get("KILL_ROUNDS", "10"))
PROCESSES = max(1, ROUNDS // 2)
SEED = int(os.environ.get("KILL_SEED", "0")) or random.randrange(1 << 30)
TESTS = Path(__file__).parents[1]
LAST = "last"
"""The property of the update that a last client sends after what the processes left."""
FAULTS = "taken=0.1,503=0.05,429=0.05"


class Server:
    """A slow emulator that fails now and then, and the updates that it received, in their order."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._lock = threading.Lock()
        self.received: list[dict[str, Any]] = []
        self.emulator = Emulator(before=self._before, faults=FAULTS)

    def _before(self, request: Request) -> None:
        updates = json.loads(request.body)
        with self._lock:
            self.received += updates
            seconds = self._chance.choice([0, 0, 0.005, 0.02])
        time.sleep(seconds)

    def orders(self) -> dict[str, list[int]]:
        """Return the numbers of the updates of each profile in the order in which they were received."""
        orders: dict[str, list[int]] = defaultdict(list)
        for update in self.received:
            orders[profile_in(update)].append(number_in(update))
        return orders

    def applied(self) -> Counter[int]:
        """Return how often each update was applied, by the profiles: `$union` adds a value once."""
        applied: Counter[int] = Counter()
        for profile in self.emulator.profiles():
            properties = profile["properties"]
            applied.update([*properties.pop("seen", []), *properties.pop("log", [])])
            applied.update({int(name[1:]): times for name, times in properties.items() if name != LAST})
        return applied


def run_and_kill(folder: Path, url: str, first: int, chance: random.Random, kind: str) -> list[int]:
    """Run a process, kill it after a while, and return the numbers of the updates that it accepted."""
    arguments = [str(folder / "spool"), url, str(folder / "failed"), str(first), str(chance.randrange(1 << 30)), kind]
    command = [sys.executable, "-m", "process.updater", *arguments]
    paths = os.pathsep.join([str(TESTS), *sys.path])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths})
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    time.sleep(chance.uniform(0, 0.3))
    process.kill()
    said = process.communicate()[0]
    return [int(line) for line in said.splitlines()[: said.count(b"\n")]]


def failed_in(letter: Path) -> set[int]:
    """Return the numbers of the updates in the dead letter; each must have failed since it may have been taken."""
    entries = [json.loads(line) for line in letter.read_text().splitlines()] if letter.exists() else []
    assert {entry["kind"] for entry in entries} <= {"undelivered"}
    assert all("retry_unsafe=True" in entry["message"] for entry in entries)
    return {number_in(entry["event"]) for entry in entries}


def deliver_rest(folder: Path, url: str) -> None:
    with Client(TOKEN, base_url=url, spool=folder / "spool", dead_letter=folder / "failed", retry=HASTY) as client:
        client.profiles.set("last", {LAST: 1})
        report = client.flush(timeout=SECONDS)
    assert (report.pending, report.refused, report.rejected) == (0, 0, 0)


@pytest.mark.parametrize("kind", ["safe", "any"])
def test_killed_processes_lose_no_update_keep_the_order_and_repeat_no_add(kind: str, tmp_path: Path) -> None:
    print(f"KILL_SEED={SEED}")
    chance, server = random.Random(SEED), Server(random.Random(SEED))
    accepted: list[int] = []
    with server.emulator as emulator:
        for _ in range(PROCESSES):
            # The update after the last one that a process printed may be in its file.
            first = accepted[-1] + 2 if accepted else 0
            accepted += run_and_kill(tmp_path, emulator.url, first, chance, kind)
        emulator.faults = None
        deliver_rest(tmp_path, emulator.url)
        applied = server.applied()
    with Spool(tmp_path / "spool.engage") as left:
        stats = left.stats()
    assert (stats.pending, stats.failed, stats.quarantined) == (0, 0, 0)
    failed = failed_in(tmp_path / "failed")
    lost = set(accepted) - applied.keys() - failed
    adds = Counter(number_in(update) for update in server.received if UNSAFE & update.keys())
    counts = f"{len(accepted)} accepted, {len(adds)} adds, {len(failed)} given up, {len(lost)} lost"
    print(f"{PROCESSES} processes, {kind}: {counts}")
    assert accepted
    assert not lost
    assert kind == "any" or not failed, "only a batch with an $add or an $append is given up"
    assert set(applied.values()) <= {1}, "nothing is applied twice"
    assert len(applied.keys() - set(accepted)) <= PROCESSES, "more than one interrupted call for each process"
    check_order(server, failed)


def check_order(server: Server, failed: set[int]) -> None:
    """Check the order in which the server received the updates of each profile, also those that came again."""
    for profile, numbers in server.orders().items():
        first = list(dict.fromkeys(numbers))
        last = list(dict.fromkeys(number for number in reversed(numbers) if number not in failed))
        assert first == sorted(first), f"{profile}: an update overtook an earlier one"
        assert last == sorted(last, reverse=True), f"{profile}: an update came again after a later one"
