"""Measure JSON text to JSON, with all rules and without gzip.

The peer is `orjson.loads` of each line and one `orjson.dumps`, which check no rule. The bytes must be the same. Run it
by `make bench` or `python -m benches.json_text`. It fills the table "JSON text" of benches/README.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import orjson

from benches.support.rounds import interleave, require_release_build
from benches.support.traffic import MIXES
from mixpress import Encoder

EVENTS, ROUNDS = 2000, 60


def through_objects(lines: list[bytes]) -> bytes:
    return orjson.dumps([orjson.loads(line) for line in lines])


def main() -> None:
    require_release_build()
    encoder = Encoder(compression=None)
    print(f"{'':10}{'orjson us':>12}{'mixpress us':>13}{'spread':>12}{'ratio':>8}{'MB/s':>8}")
    for name, make in MIXES.items():
        lines = [orjson.dumps(event) for event in make(EVENTS) if event["properties"]["distinct_id"] != "NA"]
        text = b"\n".join(lines)
        (batch,) = encoder.encode_json(text).batches
        if batch.body != through_objects(lines):
            raise SystemExit(f"{name}: mixpress and orjson do not write the same bytes")
        contestants: dict[str, Callable[[], object]] = {
            "orjson": partial(through_objects, lines),
            "mixpress": partial(encoder.encode_json, text),
        }
        times = interleave(contestants, len(lines), ROUNDS)
        peer, own = times["orjson"], times["mixpress"]
        speed = len(text) / len(lines) / own.median
        ratio = own.median / peer.median
        print(f"{name:10}{peer.median:12.3f}{own.median:13.3f}{own.spread:>12}{ratio:8.2f}{speed:8.0f}")


if __name__ == "__main__":
    main()
