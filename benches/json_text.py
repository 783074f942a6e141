"""Measure JSON text to JSON, with all rules and without gzip, hot and cold.

Hot text is the same 2000 lines in each round. Cold text is 20,000 lines, copied before each call. The peer is
`orjson.loads` of each line and one `orjson.dumps`, which check no rule. The bytes must be the same. Run it by `make
bench` or `python -m benches.json_text`. It fills the table "JSON text" of benches/README.md.
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
    Text,
    Times,
    copied,
    interleave,
    interleave_cold,
    require_release_build,
)
from benches.support.service import service
from benches.support.traffic import MIXES, good_events
from mixpress import Encoder

ROUNDS = 60

ENCODER = Encoder(compression=None)


def through_objects(text: Text) -> bytes:
    return orjson.dumps([orjson.loads(line) for line in text[0]])


CONTESTANTS: dict[str, Callable[[Any], object]] = {
    "orjson": through_objects,
    "mixpress": lambda text: ENCODER.encode_json(text[1]),
}


def check(name: str, text: Text) -> float:
    """Return the bytes of a line; exit unless both contestants write the same."""
    (batch,) = ENCODER.encode_json(text[1]).batches
    if batch.body != through_objects(text):
        raise SystemExit(f"{name}: mixpress and orjson do not write the same bytes")
    return len(text[1]) / len(text[0])


def show(name: str, size: float, times: dict[str, Times]) -> None:
    peer, own = times["orjson"], times["mixpress"]
    speed, ratio = f"{size / own.median:.0f}", f"{own.over(peer):.2f}"
    print(f"{name:16}{peer.median:12.3f}{own.median:13.3f}{own.spread:>12}{ratio:>8}{speed:>8}")


def main() -> None:
    require_release_build()
    print(f"{'':16}{'orjson us':>12}{'mixpress us':>13}{'spread':>12}{'ratio':>8}{'MB/s':>8}")
    for name in [*MIXES, "service"]:
        events = service(COLD_EVENTS) if name == "service" else good_events(name, COLD_EVENTS)
        lines = [orjson.dumps(event) for event in events]
        hot = copied(lines[:BATCH])[0]
        size = check(name, hot)
        contestants = {contestant: partial(call, hot) for contestant, call in CONTESTANTS.items()}
        show(f"{name}, hot", size, interleave(contestants, BATCH, ROUNDS, time.thread_time))
        times = interleave_cold(CONTESTANTS, partial(copied, lines), len(lines), COLD_ROUNDS)
        show(f"{name}, cold", size, times)


if __name__ == "__main__":
    main()
