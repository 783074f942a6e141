"""SIGKILL of a process that tracks with a spool, at random moments, also while it sends: the next client, or `mixpress
spool drain`, delivers the rest, and the server holds every accepted event once.

`KILL_ROUNDS` sets how often that is done; `KILL_SEED` repeats a run's choices.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from mixpress import Client
from mixpress.emulator import Emulator, Request
from mixpress.spool import Spool

from .scripts import SECONDS, run_command
from .tracker import HASTY, TOKEN

ROUNDS = int(os.environ.get("KILL_ROUNDS", "40"))
SEED = int(os.environ.get("KILL_SEED", "0")) or random.randrange(1 << 30)
TESTS = Path(__file__).parents[1]
FAULTS = "taken=0.05,503=0.05"


class Server:
    """An emulator that takes its time and fails now and then; and every body that came, answered or not."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._lock = threading.Lock()
        self.bodies: list[bytes] = []
        self.emulator = Emulator(before=self._before, faults=FAULTS)

    def _before(self, request: Request) -> None:
        with self._lock:
            self.bodies.append(request.body)
            seconds = self._chance.choice([0, 0, 0.005, 0.02])
        time.sleep(seconds)

    def sent(self) -> dict[str, list[bytes]]:
        """The bodies that each event came in."""
        found: dict[str, list[bytes]] = defaultdict(list)
        for body in self.bodies:
            for event in json.loads(gzip.decompress(body)):
                found[event["properties"]["$insert_id"]].append(body)
        return found


def start(path: Path, url: str, name: str, seed: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "process.tracker", str(path), url, name, str(seed)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=TESTS, env={**os.environ, "PYTHONPATH": "."})


def kill_after(processes: list[subprocess.Popen[bytes]], seconds: float) -> list[str]:
    """Let them run for a while after all are ready, kill them; the events that they were told are accepted."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    time.sleep(seconds)
    accepted = []
    for process in processes:
        process.kill()
    for process in processes:
        said = process.communicate()[0]
        accepted += [line.split()[1].decode() for line in said.splitlines()[: said.count(b"\n")]]
    return accepted


def deliver_by_client(path: Path, url: str) -> None:
    with Client(TOKEN, base_url=url, spool=path, retry=HASTY) as client:
        report = client.flush(timeout=SECONDS)
        stats = client.stats()
    assert report.pending == stats.pending == 0
    assert report.total == report.imported == stats.accepted


def deliver_by_command(path: Path, url: str) -> None:
    command = [str(Path(sys.executable).parent / "mixpress"), "spool", "drain", str(path), "--to", url]
    os.environ["MIXPRESS_TOKEN"] = TOKEN.token
    try:
        run_command(command)
    finally:
        del os.environ["MIXPRESS_TOKEN"]


@pytest.mark.parametrize("deliver", [deliver_by_client, deliver_by_command])
def test_what_track_accepted_arrives_once(deliver: Callable[[Path, str], None], tmp_path: Path) -> None:
    print(f"KILL_SEED={SEED}")
    chance = random.Random(SEED)
    path, server = tmp_path / "events.spool", Server(random.Random(SEED))
    accepted: list[str] = []
    processes = 0
    with server.emulator as emulator:
        for number in range(max(1, ROUNDS // 2)):
            names = [f"{number}-{which}" for which in range(chance.choice([1, 1, 2]))]
            running = [start(path, emulator.url, name, chance.randrange(1 << 30)) for name in names]
            processes += len(running)
            accepted += kill_after(running, chance.uniform(0, 0.3))
        emulator.faults = None
        before = emulator.count()
        deliver(path, emulator.url)
        stored = Counter(event["properties"]["$insert_id"] for event in emulator.events())
    with Spool(path) as left:
        stats = left.stats()
    assert (stats.pending, stats.failed, stats.quarantined) == (0, 0, 0)
    sent = server.sent()
    again = sum(len(bodies) - 1 for bodies in sent.values())
    lost = len(set(accepted) - set(stored))
    print(
        f"{ROUNDS // 2} rounds, {processes} processes: {len(accepted)} accepted, {before} stored before the last "
        f"delivery, {len(stored)} after, {lost} lost, {again} came again before the dedupe"
    )
    assert accepted
    assert lost == 0
    assert max(stored.values()) == 1
    assert len(set(stored) - set(accepted)) <= processes, "more than the one call that each process was at"
    assert all(len(set(bodies)) == 1 for bodies in sent.values()), "a batch is sent with identical bytes each time"
