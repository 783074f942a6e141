"""Measure how long `Client.track` takes in its caller's thread, while a server in another process gets the events.

There is no peer. The server must have every event. Run it by `make bench` or `python -m benches.track`. It fills the
table "One event at a time" of benches/README.md.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator

from benches.support.rounds import require_release_build
from benches.support.servers import emulator, running
from benches.support.traffic import flights
from mixpress import Client, ProjectSecret

EVENTS = 40_000
ROUNDS = 5
BATCH = 2000
PAUSE = 0.1  # seconds between bursts of a batch


def main() -> None:
    require_release_build()
    with running(emulator) as server:
        measure(server.url)
        print(f"the server has {server.count():,} events")


def measure(url: str) -> None:
    calls = [(one["event"], one["properties"]) for one in flights(EVENTS) if one["properties"]["distinct_id"] != "NA"]
    small = [("Signed Up", {"plan": "pro", "seats": 5, "trial": False})] * len(calls)
    print(f"{len(calls):,} calls a round, {ROUNDS} rounds; microseconds a call")
    print(f"{'':16}{'median':>9}{'spread':>14}{'mean':>9}{'99 %':>9}{'99.9 %':>9}{'most':>11}{'filling':>9}")
    for name, given, spooled, pause in (
        ("small", small, False, 0.0),
        ("flights", calls, False, 0.0),
        ("flights, bursts", calls, False, PAUSE),
        ("small, spool", small, True, 0.0),
        ("flights, spool", calls, True, 0.0),
    ):
        rounds = [list(times(url, given, spooled=spooled, pause=pause)) for _ in range(ROUNDS)]
        medians = sorted(statistics.median(taken) for taken in rounds)
        everything = sorted(one for taken in rounds for one in taken)
        filling = statistics.median(one for taken in rounds for one in taken[BATCH - 1 :: BATCH])
        figures = (share(everything, 0.99), share(everything, 0.999), everything[-1])
        spread = f"{medians[0]:.2f}-{medians[-1]:.2f}"
        print(f"{name:16}{statistics.median(medians):9.2f}{spread:>14}{statistics.mean(everything):9.2f}", end="")
        print("".join(f"{figure:9.1f}" for figure in figures[:2]) + f"{figures[2]:11.0f}{filling:9.0f}")


def share(ordered: list[float], part: float) -> float:
    return ordered[int(len(ordered) * part)]


def times(url: str, calls: list[tuple[str, dict[str, object]]], *, spooled: bool, pause: float) -> Iterator[float]:
    """Yield the microseconds of each call, including those in which other threads run."""
    clock = time.perf_counter_ns
    with (
        tempfile.TemporaryDirectory() as folder,
        Client(ProjectSecret("secret"), base_url=url, spool=f"{folder}/events.spool" if spooled else None) as client,
    ):
        for number, (event, properties) in enumerate(calls):
            if pause and number % BATCH == 0:
                time.sleep(pause)
            start = clock()
            client.track(event, "user-17", properties)
            yield (clock() - start) / 1000
        report = client.flush()
    assert report.imported == report.total == len(calls)


if __name__ == "__main__":
    main()
