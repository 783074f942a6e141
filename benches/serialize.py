"""Measure Python objects to JSON, with all rules and without gzip, hot and cold.

Hot events are the same 2000 in each round. Cold ones are 20,000, read from JSON before each round: each is seen once
and has its own names. The ratio is the median of the pairs' ratios, and "least" is the ratio of the least times. The
peer is `orjson.dumps`, which checks no rule. The bytes must be the same. Run it by `make bench` or
`python -m benches.serialize`. It fills the table "Serializing" of benches/README.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson

from benches.support.rounds import (
    BATCH,
    COLD_EVENTS,
    COLD_ROUNDS,
    Times,
    interleave,
    interleave_cold_batches,
    read_anew,
    require_release_build,
)
from benches.support.service import service
from benches.support.traffic import MIXES, Event, good_events
from mixpress import Encoder

ROUNDS = 60

ENCODER = Encoder(compression=None)
CONTESTANTS: dict[str, Callable[[Any], object]] = {"orjson": orjson.dumps, "mixpress": ENCODER.encode}


def check(name: str, events: list[Event]) -> float:
    """Return the bytes of an event; exit unless both contestants write the same."""
    (batch,) = ENCODER.encode(events).batches
    if batch.body != orjson.dumps(events):
        raise SystemExit(f"{name}: mixpress and orjson do not write the same bytes")
    return len(batch.body) / len(events)


def show(name: str, size: float, times: dict[str, Times]) -> None:
    peer, own = times["orjson"], times["mixpress"]
    ratio, least = f"{own.over(peer):.2f}", f"{own.least / peer.least:.2f}"
    print(f"{name:16}{size:12.0f}{peer.median:12.3f}{own.median:13.3f}{own.spread:>12}{ratio:>8}{least:>8}")


def main() -> None:
    require_release_build()
    print(f"{'':16}{'bytes/event':>12}{'orjson us':>12}{'mixpress us':>13}{'spread':>12}{'ratio':>8}{'least':>8}")
    for name in [*MIXES, "service"]:
        events = service(COLD_EVENTS) if name == "service" else good_events(name, COLD_EVENTS)
        hot = events[:BATCH]
        size = check(name, hot)
        contestants = {contestant: partial(call, hot) for contestant, call in CONTESTANTS.items()}
        show(f"{name}, hot", size, interleave(contestants, len(hot), ROUNDS, time.thread_time))
        show(f"{name}, cold", size, interleave_cold_batches(CONTESTANTS, read_anew(events), COLD_ROUNDS))


if __name__ == "__main__":
    main()
