"""Measure what a finding costs until somebody reads it, and calls with one event.

A finding costs what its event takes more than the same event without it, in CPU time. The lists are not read. The
numbers of findings are checked. The peer of a call with one event is `orjson.dumps` and `zlib` at level 6, which checks
no rule; both bodies must unpack to the same JSON. Hot events are the same 2000 in each round, and one event in all
calls. Cold ones are 20,000, read from JSON before the round: each is in one call. Run it by `make bench` or `python -m
benches.findings`. It fills the tables "Findings" and "One event" of benches/README.md.
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
from benches.support.rounds import COLD_EVENTS, Times, interleave, interleave_cold, read_anew, require_release_build
from benches.support.traffic import MIXES, NOW, Event, good_events
from mixpress import Encoder

EVENTS, ROUNDS, CALLS = 2000, 60, 200
PEER = "orjson + zlib 6"

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
    hot: dict[str, Callable[[], object]] = {}
    for name, (make, expected) in CASES.items():
        events = [make(number) for number in range(EVENTS)]
        encoded = encoder.encode(events)
        if (len(encoded.rejected), len(encoded.truncated), len(encoded.warnings)) != expected:
            raise SystemExit(f"{name}: {encoded!r}")
        hot[name] = partial(encoder.encode, events)
    cold = {name: read_anew([make(number) for number in range(COLD_EVENTS)]) for name, (make, _) in CASES.items()}
    print(f"{'found':32}{'us/event':>10}{'more us':>9}{'spread':>12}")
    show_more("hot", interleave(hot, EVENTS, ROUNDS, time.thread_time))
    show_more("cold", interleave_cold(dict.fromkeys(cold, encoder.encode), cold, COLD_EVENTS))


def show_more(form: str, times: dict[str, Times]) -> None:
    for name, own in times.items():
        more = [one - other for one, other in zip(own.rounds, times["nothing"].rounds, strict=True)]
        low, _, high = statistics.quantiles(more, n=4)
        says = f"{name}, {form}"
        print(f"{says:32}{own.median:10.3f}{statistics.median(more):9.3f}{f'{low:.2f}-{high:.2f}':>12}")


def one_event() -> None:
    encoder = Encoder()
    print(f"\n{'one event':16}{'':18}{'us/call':>9}{'spread':>14}{'ratio':>7}")
    calls: dict[str, Callable[[Any], object]] = {
        PEER: by_peer,
        "encoder.encode": encoder.encode,
        "mixpress.encode": mixpress.encode,
    }
    for mix in MIXES:
        events = good_events(mix, COLD_EVENTS)
        one = events[:1]
        (batch,) = mixpress.encode(one).batches
        if zlib.decompress(batch.body, 31) != orjson.dumps(one):
            raise SystemExit(f"{mix}: mixpress and orjson do not write the same JSON")
        hot = {name: repeated(partial(call, one)) for name, call in calls.items()}
        show_calls(f"{mix}, hot", interleave(hot, CALLS, ROUNDS, time.thread_time))
        show_calls(f"{mix}, cold", interleave_cold(calls, read_anew(events, 1), len(events)))


def show_calls(says: str, times: dict[str, Times]) -> None:
    for name, own in times.items():
        print(f"{says:16}{name:18}{own.median:9.2f}{own.spread:>14}{own.over(times[PEER]):7.2f}")


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
