"""SIGKILL at random moments: what was accepted is delivered, and nothing is packed twice.

`KILL_ROUNDS` sets how often a process is killed; `KILL_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from .makers import everything

ROUNDS = int(os.environ.get("KILL_ROUNDS", "40"))
SEED = int(os.environ.get("KILL_SEED", "0")) or random.randrange(1 << 30)
TESTS = Path(__file__).parents[1]
STRIDE = 1_000_000
"""The numbers of one process's events begin where no other one's are."""


class Ledger:
    """What the processes said, all rounds together."""

    def __init__(self) -> None:
        self.accepted: set[int] = set()
        self.sent: Counter[int] = Counter()
        self.batches: list[tuple[int, ...]] = []

    def read(self, output: bytes) -> None:
        for line in output.decode().splitlines()[: output.count(b"\n")]:
            what, *numbers = line.split()
            if what == "accepted":
                self.accepted.update(map(int, numbers))
            elif what == "sent":
                self.batches.append(tuple(map(int, numbers)))
                self.sent.update(map(int, numbers))


def start(path: Path, first: int, seed: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "spool.crasher", str(path), str(first), str(seed)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=TESTS, env={**os.environ, "PYTHONPATH": "."})


def kill_after(processes: list[subprocess.Popen[bytes]], seconds: float, ledger: Ledger) -> None:
    """Let them run for a while after all are ready, kill them, and read what they said."""
    outputs = []
    for process in processes:
        assert process.stdout is not None
        outputs.append(process.stdout.readline())
    time.sleep(seconds)
    for process in processes:
        process.kill()
    for process, output in zip(processes, outputs, strict=True):
        ledger.read(output + process.communicate()[0])


@pytest.mark.parametrize("processes", [1, 3])
def test_what_was_accepted_survives(tmp_path: Path, processes: int) -> None:
    print(f"KILL_SEED={SEED}")
    chance = random.Random(SEED)
    path, ledger = tmp_path / "a", Ledger()
    rounds = ROUNDS if processes == 1 else max(1, ROUNDS // 4)
    for number in range(rounds):
        firsts = [(number * processes + index) * STRIDE for index in range(processes)]
        running = [start(path, first, chance.randrange(1 << 30)) for first in firsts]
        kill_after(running, chance.uniform(0, 0.15), ledger)
    left = everything(path)
    delivered = ledger.sent + Counter(left)
    assert ledger.accepted - set(delivered) == set(), "lost"
    assert len(left) == len(set(left)), "packed twice"
    # A batch may be sent once more where its process was killed between the answer and the settling, as the same one:
    # at most one for each process that was killed.
    again = [number for number, times in delivered.items() if times > 1]
    assert len(again) <= rounds * processes * 50
    assert Counter(ledger.batches).most_common(1)[0][1] <= 1 + processes
    # What is there without having been accepted is the one append that each process was at.
    assert len(set(delivered) - ledger.accepted) <= rounds * processes * 20
    print(
        f"{rounds} rounds of {processes}: {len(ledger.accepted)} accepted, {len(delivered)} delivered, 0 lost, "
        f"{len(again)} sent again after a kill"
    )
