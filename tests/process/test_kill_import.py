"""SIGKILL, SIGTERM and Ctrl-C at random moments of `mixpress import --state`: the same command goes on, and the server
has every event once.

`KILL_ROUNDS` sets how many imports there are (2 by default); `KILL_SEED` repeats the choices of a run.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from mixpress.emulator import Emulator, Request

ROUNDS = max(1, int(os.environ.get("KILL_ROUNDS", "10")) // 5)
SEED = int(os.environ.get("KILL_SEED", "0")) or random.randrange(1 << 30)
COMMAND = [sys.executable, "-c", "from mixpress.cli import main; main()", "import"]
CONCURRENCY = 2
BATCH = 2000
KILLS = 6
SECONDS = 60


class Server:
    """An emulator that fails now and then, counts what it gets, and says when so many requests have come."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._lock = threading.Lock()
        self.sent: set[str] = set()
        self.wait_for = 0
        self.reached = threading.Event()
        self.emulator = Emulator(before=self._before, faults="taken=0.05,503=0.05")

    def _before(self, request: Request) -> None:
        ids = [event["properties"]["$insert_id"] for event in json.loads(gzip.decompress(request.body))]
        with self._lock:
            self.sent.update(ids)
            self.wait_for -= 1
            if self.wait_for <= 0:
                self.reached.set()
            seconds = self._chance.choice([0, 0, 0.01, 0.05])
        time.sleep(seconds)


def line(number: int) -> bytes:
    properties = {"time": 1_700_000_000 + number, "distinct_id": "user", "$insert_id": f"event-{number}"}
    if number % 1000 == 500:
        properties["distinct_id"] = "null"
    return json.dumps({"event": "Seen", "properties": properties}).encode() + b"\n"


def write_files(folder: Path, chance: random.Random) -> tuple[list[str], int]:
    """Write files, plain and packed, and return their paths and the number of events."""
    paths, number = [], 0
    for place in range(3):
        count = chance.randrange(1, 9000)
        content = b"".join(map(line, range(number, number + count)))
        number += count
        path = folder / f"{place}.ndjson"
        path.write_bytes(gzip.compress(content) if place == 1 else content)
        paths.append(str(path))
    return paths, number


def run_and_kill(command: list[str], server: Server, number: int | None, requests: int) -> int:
    """Run the command; send it a signal once so many requests have come. Return its status.

    Of what earlier runs sent, it may send the batches again that were under way when they ended.
    """
    before, server.sent = server.sent, set()
    server.reached.clear()
    server.wait_for = requests
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if number is not None:
        while not server.reached.wait(0.01) and process.poll() is None:
            pass
        process.send_signal(number)
    status = process.wait(SECONDS)
    assert len(before & server.sent) <= 2 * CONCURRENCY * BATCH
    server.sent |= before
    return status


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_an_import_that_is_killed_again_and_again_delivers_every_event_once(round_: int, tmp_path: Path) -> None:
    chance = random.Random(SEED + round_)
    print(f"KILL_SEED={SEED} round {round_}")  # shown if the test fails
    paths, count = write_files(tmp_path, chance)
    bad = sum(1 for number in range(count) if number % 1000 == 500)
    letter = tmp_path / "failed"
    server = Server(chance)
    with server.emulator:
        command = [*COMMAND, *paths, "--to", server.emulator.url, "--state", str(tmp_path / "state")]
        command += ["--concurrency", str(CONCURRENCY), "--dead-letter", str(letter)]
        for _ in range(KILLS):
            number = chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
            run_and_kill(command, server, number, chance.randrange(1, 5))
        for _ in range(20):
            if run_and_kill(command, server, None, 0) == 0:
                break
        stored = Counter(event["properties"]["$insert_id"] for event in server.emulator.events())
    assert set(stored.values()) <= {1}
    assert len(stored) == count - bad
    written = {json.loads(text)["index"] for text in letter.read_text().splitlines() if '"rejected"' in text}
    assert written == {number for number in range(count) if number % 1000 == 500}
