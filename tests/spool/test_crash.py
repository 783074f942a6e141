"""SIGKILL at random moments: every accepted event is delivered, and none is packed twice.

`KILL_ROUNDS` sets how many processes are killed (10 by default); `KILL_SEED` repeats a run.
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

ROUNDS = int(os.environ.get("KILL_ROUNDS", "10"))
SEED = int(os.environ.get("KILL_SEED", "0")) or random.randrange(1 << 30)
TESTS = Path(__file__).parents[1]
STRIDE = 1_000_000
"""Distance between the first event numbers of two processes."""


class Printed:
    """What the processes of all rounds printed."""

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


def kill_after(processes: list[subprocess.Popen[bytes]], seconds: float, printed: Printed) -> None:
    """Let the processes run for `seconds` after all are ready, kill them, and read what they printed."""
    outputs = []
    for process in processes:
        assert process.stdout is not None
        outputs.append(process.stdout.readline())
    time.sleep(seconds)
    for process in processes:
        process.kill()
    for process, output in zip(processes, outputs, strict=True):
        printed.read(output + process.communicate()[0])


@pytest.mark.parametrize("processes", [1, 3])
def test_accepted_events_survive_sigkill(tmp_path: Path, processes: int) -> None:
    print(f"KILL_SEED={SEED}")
    chance = random.Random(SEED)
    path, printed = tmp_path / "a", Printed()
    rounds = ROUNDS if processes == 1 else max(1, ROUNDS // 4)
    for number in range(rounds):
        firsts = [(number * processes + index) * STRIDE for index in range(processes)]
        running = [start(path, first, chance.randrange(1 << 30)) for first in firsts]
        kill_after(running, chance.uniform(0, 0.15), printed)
    left = everything(path)
    assert printed.accepted
    delivered = printed.sent + Counter(left)
    assert printed.accepted - set(delivered) == set(), "lost"
    assert len(left) == len(set(left)), "packed twice"
    # A process killed between the reply and the settling leaves its batch to be sent once more, unchanged.
    again = [number for number, times in delivered.items() if times > 1]
    assert len(again) <= rounds * processes * 50
    assert max(Counter(printed.batches).values(), default=0) <= 1 + processes
    # An event that was not reported as accepted was in the one append that the kill interrupted.
    assert len(set(delivered) - printed.accepted) <= rounds * processes * 20
    print(
        f"{rounds} rounds of {processes}: {len(printed.accepted)} accepted, {len(delivered)} delivered, 0 lost, "
        f"{len(again)} sent again after a kill"
    )
