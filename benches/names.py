"""Measure names that are hard to recognise: new objects, not ASCII, in any order, of many shapes, all different.

Each case is 2000 events of ten properties, serialized without gzip. The peer is `orjson.dumps`, which checks no rule.
The bytes must be the same. It has no cold form: what makes names cold, separate objects and names that no other
event has, are its cases, and `serialize.py` has cold events. Run it by `make bench` or `python -m benches.names`. It
fills the table "Names" of benches/README.md.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from functools import partial

import orjson

from benches.support.rounds import interleave, require_release_build
from benches.support.traffic import NOW, Event
from mixpress import Encoder

EVENTS, ROUNDS, COUNT, SHAPES = 2000, 60, 10, 600

WORDS = [
    "total",
    "plan",
    "city_name",
    "is_active",
    "referrer",
    "session_id",
    "ms",
    "retries",
    "currency_code",
    "screen_width",
]
OTHERS = ["größe", "ville_é", "город", "имя", "πόλη", "όνομα", "المدينة", "शहर", "都市名", "プラン"]
LONG = [f"the_{word}_that_the_service_recorded_before" for word in WORDS]


def event(number: int, names: list[str]) -> Event:
    required = {"time": NOW - number, "distinct_id": "user-1", "$insert_id": f"i{number:07d}"}
    return {"event": "e", "properties": required | {name: number + at for at, name in enumerate(names)}}


def of(names: list[str], rng: random.Random) -> list[Event]:
    """Return events with the same names in the same order."""
    del rng
    return [event(number, names) for number in range(EVENTS)]


def shuffled(names: list[str], rng: random.Random) -> list[Event]:
    return [event(number, rng.sample(names, len(names))) for number in range(EVENTS)]


def shaped(pool: int, rng: random.Random) -> list[Event]:
    """Return events of many shapes; each shape has other names out of a pool."""
    names = [f"{rng.choice(WORDS)}_{number}" for number in range(pool)]
    shapes = [rng.sample(names, COUNT) for _ in range(SHAPES)]
    return [event(number, rng.choice(shapes)) for number in range(EVENTS)]


def all_different(rng: random.Random) -> list[Event]:
    return [event(number, [f"{word}_{rng.randrange(10**9)}" for word in WORDS]) for number in range(EVENTS)]


def read_anew(make: Callable[[random.Random], list[Event]], rng: random.Random) -> list[Event]:
    """Return the same events with a separate object for each name, as `json.loads` makes them."""
    return [json.loads(json.dumps(each)) for each in make(rng)]


CASES: dict[str, Callable[[random.Random], list[Event]]] = {
    "the same objects": partial(of, WORDS),
    "new objects": partial(read_anew, partial(of, WORDS)),
    "not ASCII": partial(of, OTHERS),
    "not ASCII, new objects": partial(read_anew, partial(of, OTHERS)),
    "of 40 characters and more": partial(of, LONG),
    "in any order": partial(shuffled, WORDS),
    "in any order, new objects": partial(read_anew, partial(shuffled, WORDS)),
    "600 shapes of 80 names": partial(shaped, 80),
    "600 shapes of 80 names, new": partial(read_anew, partial(shaped, 80)),
    "600 shapes of 3000 names": partial(shaped, 3000),
    "all different": all_different,
}


def main() -> None:
    require_release_build()
    encoder = Encoder(compression=None)
    print(f"{'':30}{'orjson us':>12}{'mixpress us':>13}{'spread':>12}{'ratio':>8}")
    for name, make in CASES.items():
        events = make(random.Random(1))
        (batch,) = encoder.encode(events).batches
        if batch.body != orjson.dumps(events):
            raise SystemExit(f"{name}: mixpress and orjson do not write the same bytes")
        # Names that an encoder has seen in other events would help or hinder it.
        contestants: dict[str, Callable[[], object]] = {
            "orjson": partial(orjson.dumps, events),
            "mixpress": partial(Encoder(compression=None).encode, events),
        }
        times = interleave(contestants, len(events), ROUNDS, time.thread_time)
        peer, own = times["orjson"], times["mixpress"]
        print(f"{name:30}{peer.median:12.3f}{own.median:13.3f}{own.spread:>12}{own.over(peer):8.2f}")


if __name__ == "__main__":
    main()
