"""Run contestants in turn, round after round, so that other work on the machine affects all of them alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import mixpress
from mixpress import _core

SLOW_ROUNDS = 4
"""A slow contestant runs in one of this many rounds."""


@dataclass(frozen=True)
class Times:
    """Microseconds for each event, one figure for each round."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

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


def require_release_build() -> None:
    """Exit unless make built this very core with the profile of wheels: `make test` replaces it by a slower one."""
    core = Path(_core.__file__)
    stamps = [path.stat().st_mtime for path in (Path(mixpress.__file__).parents[2] / "target").glob("core.release.*")]
    if _core.__debug_build__ or not stamps or max(stamps) < core.stat().st_mtime:
        raise SystemExit(f"{core} was not built with the release profile: run `make release-core`")
    print(f"mixpress {mixpress.__version__} from {core}")
