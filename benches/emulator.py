"""Measure the emulator: CPU for each event of real gzipped requests, on one core, with checks, dedupe and storing on.

Run it by `make bench-emulator`. `EMULATOR_PEER=FOLDER` adds a peer: the `python` folder of another version, whose
emulator takes turns with this one. It fills the tables "The emulator" of benches/README.md.
"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

import mixpress
from benches.support.rounds import BATCH, Times
from benches.support.traffic import MIXES

ROUNDS = int(os.environ.get("EMULATOR_ROUNDS", "7"))
REQUESTS = int(os.environ.get("EMULATOR_REQUESTS", "30"))
"""Requests of a round, of `BATCH` events each."""
CONNECTIONS = 4
HEADERS = {"Content-Type": "application/json", "Content-Encoding": "gzip", "Authorization": "Basic dG9rZW46"}
MARK = b"00000000-0000"


class Process:
    """An emulator in another process; see `support/emulator_process.py`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.url = self._read_line()

    def ask(self, command: str) -> Any:
        """Return the reply to a command."""
        assert self._process.stdin is not None
        print(command, file=self._process.stdin, flush=True)
        return json.loads(self._read_line())

    def _read_line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def running(package: Path, *arguments: str) -> Iterator[Process]:
    """Run the emulator of the package in a `python` folder."""
    folder = Path(__file__).parents[1]
    command = [sys.executable, "-m", "benches.support.emulator_process", *arguments]
    env = {**os.environ, "PYTHONPATH": f"{package}{os.pathsep}{folder}"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=env, cwd=package, text=True, stdin=pipe, stdout=pipe) as process:
        yield Process(process)
        assert process.stdin is not None
        process.stdin.close()


class Traffic:
    """Requests of one mix. No two events of all rounds are equal."""

    def __init__(self, mix: str) -> None:
        self._batches = []
        events = [each for each in MIXES[mix](26_000) if each["properties"]["distinct_id"] != "NA"]
        for number, event in enumerate(events):
            event["properties"]["$insert_id"] = f"{MARK.decode()}-{number:08d}"
        for start in range(0, 10 * BATCH, BATCH):
            self._batches.append(orjson.dumps(events[start : start + BATCH]))
        self._made = 0

    def requests(self, count: int) -> list[bytes]:
        """Return gzipped bodies."""
        bodies = []
        for _ in range(count):
            self._made += 1
            mark = b"%08x-%04x" % (self._made * 2654435761 % 2**32, self._made % 2**16)
            bodies.append(gzip.compress(self._batches[self._made % len(self._batches)].replace(MARK, mark), 6))
        return bodies


def send(url: str, bodies: list[bytes]) -> None:
    """Send requests on a few connections at once; SystemExit for a reply other than 200."""
    address = urlsplit(url).netloc

    def send_some(mine: list[bytes]) -> None:
        connection = http.client.HTTPConnection(address, timeout=60)
        for body in mine:
            connection.request("POST", "/import?strict=1&verbose=1", body, HEADERS)
            reply = connection.getresponse()
            content = reply.read()
            if reply.status != 200:
                raise SystemExit(f"the emulator replied {reply.status}: {content[:500]!r}")
        connection.close()

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(send_some, [bodies[number::CONNECTIONS] for number in range(CONNECTIONS)]))


def measure(server: Process, bodies: list[bytes]) -> float:
    """Return the server's CPU in microseconds for each event."""
    started = server.ask("cpu")
    send(server.url, bodies)
    return float(server.ask("cpu") - started) / (len(bodies) * BATCH) * 1e6


def measure_mix(mix: str, servers: dict[str, Process]) -> None:
    """Print a row for each server."""
    traffic = Traffic(mix)
    taken: dict[str, list[float]] = {name: [] for name in servers}
    for number in range(ROUNDS + 1):
        bodies = traffic.requests(REQUESTS)
        for name, server in servers.items():
            figure = measure(server, bodies)
            if number:  # the first round opens files and fills caches
                taken[name].append(figure)
    for name, server in servers.items():
        times = Times(tuple(taken[name]))
        assert server.ask("count") == (ROUNDS + 1) * REQUESTS * BATCH
        server.ask("clear")
        print(f"| {name}, {mix} | {times.median:.2f} | {times.spread} | {1e6 / times.median:,.0f} |", flush=True)


def measure_stages(mix: str, servers: dict[str, Process]) -> None:
    """Print the share of each stage."""
    traffic = Traffic(mix)
    for server in servers.values():
        server.ask("measure stages")
    total = dict.fromkeys(servers, 0.0)
    for _ in range(3):
        bodies = traffic.requests(REQUESTS)
        for name, server in servers.items():
            total[name] += measure(server, bodies)
    for name, server in servers.items():
        stages = {stage: seconds * 1e6 / REQUESTS / BATCH for stage, seconds in server.ask("stages").items()}
        stages["HTTP, threads, the reply"] = total[name] - sum(stages.values())
        shares = " | ".join(f"{stage} {micros / total[name]:.0%}" for stage, micros in stages.items())
        print(f"| {name}, {mix} | {shares} |", flush=True)


def main() -> None:
    own = Path(mixpress.__file__).parents[1]
    versions = {"": own}
    if peer := os.environ.get("EMULATOR_PEER"):
        versions["peer, "] = Path(peer).resolve()
    others = os.sched_getaffinity(0) - {max(os.sched_getaffinity(0))}
    if others:
        os.sched_setaffinity(0, others)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        servers = {}
        for version, package in versions.items():
            name = version.rstrip(", ") or "own"
            servers[f"{version}memory"] = stack.enter_context(running(package))
            servers[f"{version}file"] = stack.enter_context(running(package, f"{folder}/{name}.db"))
        print(f"{ROUNDS} rounds of {REQUESTS * BATCH:,} events in requests of {BATCH}")
        print("| | CPU µs/event | spread | events/s of one core |\n|---|---|---|---|")
        mixes = os.environ.get("EMULATOR_MIXES", "web,api,iot,flights").split(",")
        for mix in mixes:
            measure_mix(mix, servers)
        measure_stages(mixes[0], servers)


if __name__ == "__main__":
    main()
