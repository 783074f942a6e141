"""Measure Python objects to JSON, with all rules and without gzip.

The peer is `orjson.dumps`, which checks no rule. The bytes must be the same. Run it by `make bench` or
`python -m benches.serialize`. It fills the table "Serializing" of benches/README.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import orjson

from benches.support.rounds import interleave, require_release_build
from benches.support.traffic import MIXES
from mixpress import Encoder

EVENTS, ROUNDS = 2000, 60


def main() -> None:
    require_release_build()
    encoder = Encoder(compression=None)
    print(f"{'':10}{'bytes/event':>12}{'orjson us':>12}{'mixpress us':>13}{'spread':>12}{'ratio':>8}")
    for name, make in MIXES.items():
        events = [event for event in make(EVENTS) if event["properties"]["distinct_id"] != "NA"]
        (batch,) = encoder.encode(events).batches
        if batch.body != orjson.dumps(events):
            raise SystemExit(f"{name}: mixpress and orjson do not write the same bytes")
        contestants: dict[str, Callable[[], object]] = {
            "orjson": partial(orjson.dumps, events),
            "mixpress": partial(encoder.encode, events),
        }
        times = interleave(contestants, len(events), ROUNDS)
        peer, own = times["orjson"], times["mixpress"]
        size = len(batch.body) / len(events)
        ratio = own.median / peer.median
        print(f"{name:10}{size:12.0f}{peer.median:12.3f}{own.median:13.3f}{own.spread:>12}{ratio:8.2f}")


if __name__ == "__main__":
    main()
