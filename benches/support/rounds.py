"""Run contestants in turn, round after round, so that other work on the machine affects all of them alike."""

from __future__ import annotations

import gc
import json
import platform
import statistics
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mixpress
from benches.support.machine import processor
from mixpress import _core

BATCH = 2000
"""Events of a batch."""
COLD_EVENTS, COLD_ROUNDS = 20_000, 9
SLOW_ROUNDS = 4
"""A slow contestant runs in one of this many rounds."""
Text = tuple[list[bytes], bytes]
"""Lines of JSON, and all of them in one text."""


@dataclass(frozen=True)
class Times:
    """Microseconds for each event, one figure for each round."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def least(self) -> float:
        return min(self.rounds)

    @property
    def spread(self) -> str:
        """The middle half of the rounds."""
        low, _, high = statistics.quantiles(self.rounds, n=4)
        return f"{low:.2f}-{high:.2f}"

    def over(self, peer: Times) -> float:
        """Return the median of the rounds' ratios to a peer that ran in every round too."""
        return statistics.median(own / other for own, other in zip(self.rounds, peer.rounds, strict=True))


def interleave(
    contestants: Mapping[str, Callable[[], object]],
    events: int,
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
    slow: Collection[str] = (),
) -> dict[str, Times]:
    """Time each contestant once a round, the `slow` ones in a fourth of the rounds. A call handles `events` events."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for contestant in contestants.values():
        contestant()  # fills caches and opens connections before the first round
    for number in range(rounds):
        for name, contestant in contestants.items():
            if number % SLOW_ROUNDS and name in slow:
                continue
            gc.collect()
            start = clock()
            contestant()
            taken[name].append((clock() - start) / events * 1e6)
    return {name: Times(tuple(times)) for name, times in taken.items()}


def interleave_cold(
    contestants: Mapping[str, Callable[[Any], object]],
    make: Callable[[], list[Any]] | Mapping[str, Callable[[], list[Any]]],
    events: int,
    rounds: int = COLD_ROUNDS,
) -> dict[str, Times]:
    """Time each contestant once a round, with input that it sees for the first time: `make` makes batches of it anew.

    `make` may be a function for each contestant. Use more events than the processor's cache holds. The time is the
    thread's CPU time, as rounds are long and few: what else runs on the machine would decide them.
    """
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            batches = make() if callable(make) else make[name]()
            gc.collect()
            started = time.thread_time()
            for batch in batches:
                contestant(batch)
            taken[name].append((time.thread_time() - started) / events * 1e6)
    return {name: Times(tuple(times)) for name, times in taken.items()}


def interleave_cold_batches(
    contestants: Mapping[str, Callable[[Any], object]],
    make: Callable[[], list[list[Any]]],
    rounds: int,
) -> dict[str, Times]:
    """Time each contestant with each batch, which it sees for the first time: contestants take turns at every batch.

    Turns of a millisecond spread other work on the machine over all of them, which turns of a whole round do not. Each
    has its own batches, made by `make` before the round, and starts every second pair. Each batch gives a figure.
    """
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        made = {name: make() for name in contestants}
        gc.collect()
        for number in range(min(map(len, made.values()))):
            for name in contestants if number % 2 else reversed(list(contestants)):
                batch = made[name][number]
                started = time.thread_time()
                contestants[name](batch)
                taken[name].append((time.thread_time() - started) / len(batch) * 1e6)
    return {name: Times(tuple(times)) for name, times in taken.items()}


def batches_of(events: list[Any], size: int = BATCH) -> list[list[Any]]:
    return [events[start : start + size] for start in range(0, len(events), size)]


def read_anew(events: list[Any], size: int = BATCH) -> Callable[[], list[list[Any]]]:
    """Return a function that reads batches of events from JSON, so that each event has its own values and names."""
    lines = [json.dumps(event) for event in events]
    return lambda: batches_of([json.loads(line) for line in lines], size)


def copied(lines: list[bytes]) -> list[Text]:
    """Return batches of copies of lines."""
    return [([bytes(bytearray(line)) for line in batch], b"\n".join(batch)) for batch in batches_of(lines)]


def require_release_build() -> None:
    """Exit unless make built this very core with the profile of wheels: `make test` replaces it by a slower one."""
    core = Path(_core.__file__)
    stamps = [path.stat().st_mtime for path in (Path(mixpress.__file__).parents[2] / "target").glob("core.release.*")]
    if _core.__debug_build__ or not stamps or max(stamps) < core.stat().st_mtime:
        raise SystemExit(f"{core} was not built with the release profile: run `make release-core`")
    print(f"mixpress {mixpress.__version__} from {core}\nPython {platform.python_version()} on {processor()}")
