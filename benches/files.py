"""Measure `import_files` of NDJSON: events a second, CPU and memory of the importing process.

Run it by `python -m benches.files`. It fills the table "Files" of benches/README.md. The events are those of
`support/export.py`; one in 10,000 is bad. The peers are `mixpanel-utils` and a loop of orjson, gzip and urllib3.
Environment variables and their defaults:

    FILES_BYTES=2000000000   bytes of the file that mixpress imports alone; 10000000000 shows that memory does not grow
    FILES_PEER_BYTES=50000000
    FILES_ROUNDS=3
    FILES_FOLDER=            where the files are written; a temporary folder by default
    MIXPANEL_UTILS_PYTHON=   an interpreter with mixpanel-utils, in a separate environment; left out without one

It has no cold form: no event of the file is like another one.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benches.support.cost import Cost
from benches.support.rounds import require_release_build
from benches.support.servers import running, sink

BYTES = int(os.environ.get("FILES_BYTES", "2000000000"))
PEER_BYTES = int(os.environ.get("FILES_PEER_BYTES", "50000000"))
ROUNDS = int(os.environ.get("FILES_ROUNDS", "3"))
FOLDER = os.environ.get("FILES_FOLDER")
UTILS = os.environ.get("MIXPANEL_UTILS_PYTHON")


@dataclass(frozen=True)
class Contestant:
    """A tool, the interpreter that runs it, and its file."""

    name: str
    path: Path
    python: str = sys.executable

    def run(self) -> Cost:
        """Import the file once, into a new sink and with a new state."""
        with running(sink) as server, tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            module = ["-m", "benches.support.importers", self.name, server.url, str(self.path), folder]
            printed = subprocess.run([self.python, *module], check=True, stdout=subprocess.PIPE, text=True).stdout
        return Cost(**json.loads(printed))


def write(path: Path, size: int) -> int:
    """Write a file, and return how many events it has."""
    command = [sys.executable, "-m", "benches.support.export", str(path), str(size)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return int(json.loads(printed)["events"])


def main() -> None:
    require_release_build()
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        large, small = Path(folder, "large.ndjson"), Path(folder, "small.ndjson")
        counts = {large: write(large, BYTES), small: write(small, PEER_BYTES)}
        contestants = {
            f"mixpress, {BYTES / 1e9:g} GB": Contestant("mixpress", large),
            "mixpress": Contestant("mixpress", small),
            "orjson, gzip, urllib3": Contestant("orjson", small),
        }
        if UTILS:
            contestants["mixpanel-utils"] = Contestant("mixpanel-utils", small, UTILS)
        costs: dict[str, list[Cost]] = {name: [] for name in contestants}
        for _ in range(ROUNDS):
            for name, contestant in contestants.items():
                cost = contestant.run()
                if cost.count != counts[contestant.path]:
                    raise SystemExit(f"{name}: {cost.count} of {counts[contestant.path]} events have a verdict")
                costs[name].append(cost)
    show(costs)


def show(costs: dict[str, list[Cost]]) -> None:
    """Print medians, and least to most."""
    print(f"{ROUNDS} rounds, each importer in its own process; medians, and least to most")
    print(f"{'':24}{'events':>11}{'CPU us/event':>14}{'spread':>14}{'events/s':>11}{'spread':>18}{'peak MB':>9}")
    for name, found in costs.items():
        cpu, rate = [one.microseconds for one in found], [one.rate for one in found]
        print(
            f"{name:24}{found[0].count:11,}{statistics.median(cpu):14.2f}{f'{min(cpu):.2f}-{max(cpu):.2f}':>14}"
            f"{statistics.median(rate):11,.0f}{f'{min(rate):,.0f}-{max(rate):,.0f}':>18}"
            f"{max(one.megabytes for one in found):9.0f}"
        )


if __name__ == "__main__":
    main()
