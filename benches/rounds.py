"""Contestants run in turn, round after round, so that whatever else the machine does meets all of them alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import mixpress
from mixpress import _core


@dataclass(frozen=True)
class Times:
    """Microseconds an event, one figure a round."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def spread(self) -> str:
        """The middle half of the rounds."""
        low, _, high = statistics.quantiles(self.rounds, n=4)
        return f"{low:.2f}-{high:.2f}"


def interleave(
    contestants: Mapping[str, Callable[[], object]],
    events: int,
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Times]:
    """Times each contestant once a round; `events` is how many events a call handles."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for contestant in contestants.values():
        contestant()  # caches, connections and buffers are made before the first round
    for _ in range(rounds):
        for name, contestant in contestants.items():
            gc.collect()
            start = clock()
            contestant()
            taken[name].append((clock() - start) / events * 1e6)
    return {name: Times(tuple(times)) for name, times in taken.items()}


def require_release_build() -> None:
    """A debug build measures nothing; and an old file beside the new one would be measured instead of it."""
    if _core.__debug_build__:
        raise SystemExit("the core is a debug build: build it with `make bench`, which uses --release")
    print(f"mixpress {mixpress.__version__} from {_core.__file__}")
