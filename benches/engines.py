"""Measure the writers for Spark and Ray on two cores, beside a bare one and one of plain Python.

Run it by `make bench-engines`. It fills the tables "Spark and Ray" of benches/README.md. Environment variables and
their defaults:

    ENGINES_EVENTS=200000
    ENGINES_CHECKED=40000   events of the run with tasks that fail
    ENGINES_ROUNDS=5
    ENGINES_ONLY=spark,ray
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from benches.support import engines, tasks
from benches.support.engines import TASKS, Engine, table_of
from benches.support.rounds import require_release_build
from benches.support.servers import counting_ids, running
from mixpress.emulator import Emulator

EVENTS = int(os.environ.get("ENGINES_EVENTS", "200000"))
CHECKED = int(os.environ.get("ENGINES_CHECKED", "40000"))
ROUNDS = int(os.environ.get("ENGINES_ROUNDS", "5"))
FAULTS = "drop-reply:2, 500:2, drop-reply:1"
"""Of the first requests: the server takes the events of three and does not reply."""
WITH_IDS, WITHOUT = "rows_with_ids", "rows_without"
CONTESTANTS = {
    "bare": (WITH_IDS, "bare"),
    "mixpress": (WITH_IDS, "mixpress"),
    "plain Python": (WITH_IDS, "plain"),
    "mixpress, ids derived": (WITHOUT, "mixpress"),
    "plain Python, ids derived": (WITHOUT, "plain"),
    "mixpress, ids derived from a column": (WITHOUT, "mixpress_of_column"),
}
"""The rows that are written, and by which writer. The bare one takes record batches, and does nothing."""
ENGINES: dict[str, Callable[[], AbstractContextManager[Engine]]] = {"spark": engines.spark, "ray": engines.ray}


@dataclass(frozen=True)
class Run:
    """One write: microseconds of CPU in the Python workers for each event, and events a second."""

    cpu: float
    rate: float


def run(engine: Engine, contestant: str) -> Run:
    """Write once, to a new server."""
    rows, writer = CONTESTANTS[contestant]
    with running(counting_ids) as server:
        started = time.perf_counter()
        engine.write(rows, writer, server.url)
        seconds = time.perf_counter() - started
        arrived = server.count()
    ended, cpu = tasks.take()
    expected = 0 if writer == "bare" else EVENTS
    if (arrived, ended) != (expected, TASKS):
        raise SystemExit(f"{engine.name}, {contestant}: {arrived} of {expected} events arrived, of {ended} tasks")
    return Run(cpu / EVENTS * 1e6, EVENTS / seconds)


def measure(engine: Engine) -> None:
    """Run the writers in turn, and print a table."""
    engine.hold(WITH_IDS, table_of(EVENTS))
    engine.hold(WITHOUT, table_of(EVENTS, ids=False))
    for contestant in CONTESTANTS:
        run(engine, contestant)  # starts the workers, which import what they need
    runs: dict[str, list[Run]] = {contestant: [] for contestant in CONTESTANTS}
    for _ in range(ROUNDS):
        for contestant in CONTESTANTS:
            runs[contestant].append(run(engine, contestant))
    print(f"\n{engine.name}: {EVENTS:,} events, {ROUNDS} rounds; load {os.getloadavg()[0]:.1f}")
    print("| | CPU us/event | spread | without the bare one's | events/s | spread |\n|---|---|---|---|---|---|")
    for contestant, found in runs.items():
        cpu, rate = [one.cpu for one in found], [one.rate for one in found]
        own = [one - bare.cpu for one, bare in zip(cpu, runs["bare"], strict=True)]
        cells = [figure(cpu, ".2f"), span(cpu, ".2f"), figure(own, ".2f"), figure(rate, ",.0f"), span(rate, ",.0f")]
        print(f"| {contestant} | {' | '.join(cells)} |")
    for suffix in ("", ", ids derived"):
        compare(suffix, runs["bare"], runs[f"mixpress{suffix}"], runs[f"plain Python{suffix}"])


def compare(suffix: str, bare: list[Run], mixpress: list[Run], plain: list[Run]) -> None:
    """Print how many times the CPU of mixpress plain Python uses, with and without what the engine itself does."""
    rounds = list(zip(bare, mixpress, plain, strict=True))
    whole = [peer.cpu / own.cpu for _, own, peer in rounds]
    writers = [(peer.cpu - engine.cpu) / (own.cpu - engine.cpu) for engine, own, peer in rounds]
    rates = [own.rate / peer.rate for _, own, peer in rounds]
    print(f"plain Python{suffix} uses {figure(whole, '.1f')} times the CPU ({span(whole, '.1f')}),")
    print(f"or {figure(writers, '.1f')} times ({span(writers, '.1f')}) without the bare one's;")
    print(f"mixpress{suffix} writes {figure(rates, '.1f')} times as many events/s ({span(rates, '.1f')})")


def check(engine: Engine) -> None:
    """Write while requests fail, so that the engine repeats tasks, and compare what the emulator holds."""
    table = table_of(CHECKED)
    engine.hold("checked", table)
    with Emulator(rate_limit=None, faults=FAULTS) as server:
        engine.write_repeating("checked", server.url)
        held = {event["properties"]["$insert_id"] for event in server.events()}
        requests, count = len(server.requests()), server.count()
    tasks.take()
    if held != {*table.column("$insert_id").to_pylist()} or count != CHECKED:
        raise SystemExit(f"{engine.name}: the emulator holds {count} events, {len(held)} of {CHECKED} ids")
    least = -(-CHECKED // 2000)
    print(f"{engine.name}: {CHECKED:,} rows, {requests} requests ({least} suffice), {count:,} events in the emulator")


def figure(values: list[float], form: str) -> str:
    return format(statistics.median(values), form)


def span(values: list[float], form: str) -> str:
    """Return the least and the most."""
    return f"{min(values):{form}}-{max(values):{form}}"


def main() -> None:
    require_release_build()
    for name in os.environ.get("ENGINES_ONLY", "spark,ray").split(","):
        with ENGINES[name]() as engine:
            measure(engine)
            check(engine)


if __name__ == "__main__":
    main()
