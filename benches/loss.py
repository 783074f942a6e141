"""Measure what clients lose when their process ends: the events that a server received, by client and by ending.

The peers are the clients of five other services. The server takes 50 ms for each request. Run it by `make bench-loss`
or `python -m benches.loss`. It prints the table of docs/delivery.md, which "What is lost at the end" in
benches/README.md describes. Environment variables and their defaults:

    LOSS_EVENTS=3000
    LOSS_SECONDS=60   a program that has not ended by then hangs
    LOSS_ROUNDS=3
    LOSS_CLIENTS=     such as "mixpress posthog"; all by default
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from benches.support.rounds import require_release_build
from benches.support.servers import counting, running
from benches.support.trackers import CLIENTS, has_spool

EVENTS = int(os.environ.get("LOSS_EVENTS", "3000"))
SECONDS = float(os.environ.get("LOSS_SECONDS", "60"))
ROUNDS = int(os.environ.get("LOSS_ROUNDS", "3"))
SPOOLED = "mixpress, spool"
COLUMNS = {
    "exit": "normal exit, no flush",
    "shutdown": "explicit shutdown",
    "os._exit": "`os._exit` after track",
    "fork": "fork, all in the child, flush",
}


@dataclass(frozen=True)
class Outcome:
    """The result of one program."""

    received: int
    tracking: float
    """Seconds from the first to the last event."""
    ending: float | None
    """Seconds from the last event to the end of the process; None if it hangs."""
    recovered: int = 0
    """Events that the next process delivered."""


def run(name: str, ending: str) -> Outcome:
    """Run a program with its own server, until it ends or the time is over."""
    with running(counting) as server, tempfile.TemporaryDirectory() as directory:
        began, tracked, ended = process(name, ending, server.url, directory)
        received = server.count()
        recovered = 0
        if name == SPOOLED and received < EVENTS:
            process(name, "next", server.url, directory)
            recovered = server.count() - received
    return Outcome(received, tracked - began, None if ended is None else ended - tracked, recovered)


def process(name: str, ending: str, url: str, directory: str) -> tuple[float, float, float | None]:
    """Run a program, and return when it started to track, had tracked, and ended (None if it hangs)."""
    command = [sys.executable, "-m", "benches.support.trackers", name, ending, url, str(EVENTS), directory]
    started = time.monotonic()
    # In its own session, as the process that hangs may be a child of it.
    program = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, env=environment()
    )
    ended: float | None
    try:
        out, error = program.communicate(timeout=SECONDS)
        ended = time.monotonic()
    except subprocess.TimeoutExpired:
        os.killpg(program.pid, signal.SIGKILL)
        out, error = program.communicate()
        ended = None
    if program.returncode not in {0, -signal.SIGKILL} or "would have reached" in error:
        raise SystemExit(f"{name}, {ending}: status {program.returncode}\n{error}")
    began, tracked = (float(moment) for moment in out.split()) if out else (started, started)
    return began, tracked, ended


def environment() -> dict[str, str]:
    """Return the environment without proxies."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def cell(outcomes: Iterable[Outcome]) -> str:
    """Return the rounds of one client with one ending as text, each figure from least to most."""
    rounds = list(outcomes)
    text = span([one.received for one in rounds], "d")
    if any(one.recovered for one in rounds):
        text += f", then {span([one.recovered for one in rounds], 'd')}"
    hung = sum(one.ending is None for one in rounds)
    if ended := [one.ending for one in rounds if one.ending is not None]:
        text += f", {span(ended, '.1f')} s"
    if hung:
        text += ", hangs" + (f" ({hung} of {len(rounds)})" if ended else "")
    tracking = [one.tracking for one in rounds]
    return f"{text}, blocked {span(tracking, '.1f')} s" if max(tracking) > 1 else text


def span(values: Sequence[float], form: str) -> str:
    least, most = format(min(values), form), format(max(values), form)
    return least if least == most else f"{least}-{most}"


def chosen() -> list[str]:
    wanted = os.environ.get("LOSS_CLIENTS")
    names = [name for name in CLIENTS if name != SPOOLED or has_spool()]
    return [name for name in names if not wanted or name.partition(",")[0] in wanted.split()]


def main() -> None:
    require_release_build()
    results: dict[tuple[str, str], list[Outcome]] = {(name, how): [] for name in chosen() for how in COLUMNS}
    for number in range(ROUNDS):
        for (name, how), outcomes in results.items():
            outcomes.append(run(name, how))
            print(f"round {number + 1}: {name}, {how}: {cell(outcomes[-1:])}", file=sys.stderr, flush=True)
    print(f"\nof {EVENTS} events, {ROUNDS} rounds: received, seconds from the last event to the end of the process\n")
    print(f"| client | {' | '.join(COLUMNS.values())} |\n|---|{'---|' * len(COLUMNS)}")
    for name in chosen():
        distribution, _, more = name.partition(",")
        label = f"{distribution} {version(distribution)}{',' + more if more else ''}"
        print(f"| {label} | {' | '.join(cell(results[name, how]) for how in COLUMNS)} |")


if __name__ == "__main__":
    main()
