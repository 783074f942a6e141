"""Measure how much other threads can run while one encodes with gzip: a ticker, and a second encoding thread.

Hot events are the same 2000 of each mix, in turn. Cold ones are 20,000 of each mix with different values and separate
name objects, in turn: by the time they come again, the cache holds none of them. The peer is `zlib.compress` alone.
Run it by `make bench` or `python -m benches.threads`. It fills the table for `threads.py` in "Gzip" of
benches/README.md.
"""

from __future__ import annotations

import statistics
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from itertools import chain, count, cycle
from typing import Any

import orjson

from benches.support.rounds import BATCH, COLD_EVENTS, read_anew, require_release_build
from benches.support.traffic import MIXES, Event, good_events
from mixpress import Encoder

ROUNDS = 5
TICK = 0.005
TICKER_SECONDS, PAIR_SECONDS = 2.0, 1.0

Work = Callable[[], Iterator[Any]]
"""Returns an iterator, one for each thread. Each step of it encodes one batch."""


class Worker(threading.Thread):
    """Takes steps without pause until it is stopped, and counts them."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self.steps, self.stopping, self._work = 0, False, work

    def run(self) -> None:
        for _ in self._work():
            if self.stopping:
                return
            self.steps += 1


def beats(seconds: float) -> int:
    """Return how often a thread that sleeps 5 ms between two beats beats. A late beat delays all later ones."""
    count, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        time.sleep(TICK)
        count += 1
    return count


def beats_beside(work: Work) -> int:
    worker = Worker(work)
    worker.start()
    try:
        return beats(TICKER_SECONDS)
    finally:
        worker.stopping = True
        worker.join()


def steps_a_second(work: Work, threads: int) -> float:
    """Return the steps a second of all threads together."""
    workers = [Worker(work) for _ in range(threads)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    time.sleep(PAIR_SECONDS)
    for worker in workers:
        worker.stopping = True
    steps, taken = sum(worker.steps for worker in workers), time.perf_counter() - start
    for worker in workers:
        worker.join()
    return steps / taken


def in_turn(encode: Callable[[Any], object], batches: list[Any]) -> Work:
    """Return the work of encoding batches in turn, endlessly. Half of the threads start with the second half."""
    started = count()

    def work() -> Iterator[Any]:
        start = next(started) % 2 * len(batches) // 2
        return map(encode, cycle(batches[start:] + batches[:start]))

    return work


def check(encoder: Encoder, events: list[Event], text: bytes) -> None:
    encodings = (encoder.encode(events), encoder.encode_json(text))
    bodies = [batch.body for encoded in encodings for batch in encoded.batches]
    if [zlib.decompress(body, 31) for body in bodies] != [orjson.dumps(events)] * 2:
        raise SystemExit("a body does not unpack to the JSON that orjson writes")


def works() -> dict[str, Work]:
    """Return the work of each contestant: the batches of the mixes in turn, on one shared encoder."""
    encoder = Encoder()
    hot = [good_events(mix, COLD_EVENTS)[:BATCH] for mix in MIXES]
    of_mixes = [read_anew(good_events(mix, COLD_EVENTS))() for mix in MIXES]
    cold = list(chain.from_iterable(zip(*of_mixes, strict=True)))
    chosen: dict[str, Work] = {}
    for form, batches in {"hot": hot, "cold": cold}.items():
        texts = [b"\n".join(orjson.dumps(event) for event in events) for events in batches]
        for events, text in zip(batches, texts, strict=True):
            check(encoder, events, text)
        chosen |= {f"dicts, {form}": in_turn(encoder.encode, batches)}
        chosen |= {f"JSON, {form}": in_turn(encoder.encode_json, texts)}
        # Holds the GIL for almost no time, so it shows what the machine allows at the moment.
        chosen |= {f"zlib 6, {form}": in_turn(zlib.compress, texts)}
    return chosen


def main() -> None:
    require_release_build()
    chosen = works()
    kept: dict[str, list[float]] = {name: [] for name in chosen}
    gained: dict[str, list[float]] = {name: [] for name in chosen}
    for _ in range(ROUNDS):
        idle = beats(TICKER_SECONDS)
        for name, work in chosen.items():
            kept[name].append(beats_beside(work) / idle)
            gained[name].append(steps_a_second(work, 2) / steps_a_second(work, 1))
    print(f"{ROUNDS} rounds: the median, and the least and the most")
    print(f"{'':14}{'beats of 5 ms kept (at least 90 %)':>40}{'two threads over one (at least 1.5)':>40}")
    for name in chosen:
        beat, pair = kept[name], gained[name]
        beats_kept = f"{statistics.median(beat):.1%} ({min(beat):.1%}-{max(beat):.1%})"
        speed = f"{statistics.median(pair):.2f}x ({min(pair):.2f}-{max(pair):.2f})"
        print(f"{name:14}{beats_kept:>40}{speed:>40}")


if __name__ == "__main__":
    main()
