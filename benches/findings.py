"""Measure what a finding costs until somebody reads it, and calls with one event.

A finding costs what its event takes more than the same event without it, in CPU time. The lists are not read. The
numbers of findings are checked. The peer of a call with one event is `orjson.dumps` and `zlib` at level 6, which checks
no rule; both bodies must unpack to the same JSON. Run it by `make bench` or `python -m benches.findings`. It fills the
tables "Findings" and "One event" of benches/README.md.
"""

from __future__ import annotations

import statistics
import time
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson

import mixpress
from benches.support.rounds import interleave, require_release_build
from benches.support.traffic import MIXES, NOW, Event, good_events
from mixpress import Encoder

EVENTS, ROUNDS, CALLS = 2000, 60, 200

LONG = "The quick brown fox jumps over the lazy dog. " * 12
URL = "https://www.example.com/shop/boots?" + "&".join(f"param{number}=value{number}" for number in range(35))


def event(number: int, **properties: Any) -> Event:
    """Return an event of seven properties."""
    required = {"time": NOW + number, "distinct_id": f"user-{number % 300}", "$insert_id": f"5d958f87-{number:08x}"}
    others = {"plan": "pro", "amount": 19.99, "items": 3, "text": LONG[:250]}
    return {"event": "Order Placed", "properties": required | others | properties}


CASES: dict[str, tuple[Callable[[int], Event], tuple[int, int, int]]] = {
    "nothing": (event, (0, 0, 0)),
    "rejected: placeholder id": (lambda number: event(number, distinct_id="NA"), (EVENTS, 0, 0)),
    "rejected: id is a number": (lambda number: event(number, distinct_id=number), (EVENTS, 0, 0)),
    "rejected: too old": (lambda number: event(number, time=number), (EVENTS, 0, 0)),
    "NaN": (lambda number: event(number, amount=float("nan")), (0, 0, EVENTS)),
    "cut text": (lambda number: event(number, text=LONG[:540]), (0, EVENTS, 0)),
    "cut URL": (lambda number: event(number, text=URL[:540]), (0, EVENTS, 0)),
}


def findings() -> None:
    encoder = Encoder(compression=None)
    contestants: dict[str, Callable[[], object]] = {}
    for name, (make, expected) in CASES.items():
        events = [make(number) for number in range(EVENTS)]
        encoded = encoder.encode(events)
        if (len(encoded.rejected), len(encoded.truncated), len(encoded.warnings)) != expected:
            raise SystemExit(f"{name}: {encoded!r}")
        contestants[name] = partial(encoder.encode, events)
    times = interleave(contestants, EVENTS, ROUNDS, time.thread_time)
    base = times["nothing"]
    print(f"{'found':26}{'us/event':>10}{'more us':>9}{'spread':>12}")
    for name, own in times.items():
        more = [one - other for one, other in zip(own.rounds, base.rounds, strict=True)]
        low, _, high = statistics.quantiles(more, n=4)
        print(f"{name:26}{own.median:10.3f}{statistics.median(more):9.3f}{f'{low:.2f}-{high:.2f}':>12}")


def one_event() -> None:
    encoder = Encoder()
    print(f"\n{'one event':10}{'':18}{'us/call':>9}{'spread':>14}{'ratio':>7}")
    for mix in MIXES:
        events = good_events(mix, 1)
        (batch,) = mixpress.encode(events).batches
        if zlib.decompress(batch.body, 31) != orjson.dumps(events):
            raise SystemExit(f"{mix}: mixpress and orjson do not write the same JSON")
        calls: dict[str, Callable[[], object]] = {
            "orjson + zlib 6": partial(by_peer, events),
            "encoder.encode": partial(encoder.encode, events),
            "mixpress.encode": partial(mixpress.encode, events),
        }
        contestants = {name: repeated(call) for name, call in calls.items()}
        times = interleave(contestants, CALLS, ROUNDS, time.thread_time)
        peer = times["orjson + zlib 6"]
        for name, own in times.items():
            print(f"{mix:10}{name:18}{own.median:9.2f}{own.spread:>14}{own.over(peer):7.2f}")


def by_peer(events: list[Event]) -> bytes:
    return zlib.compress(orjson.dumps(events), 6)


def repeated(call: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        for _ in range(CALLS):
            call()

    return run


def main() -> None:
    require_release_build()
    findings()
    one_event()


if __name__ == "__main__":
    main()
