"""Measure how fast the files of an import are read: cut into pieces alone, and encoded by one thread and by two.

Run it by `python -m benches.reading FILE...` with files of any format, packed or not. It prints the events a second,
the CPU time of an event, and the largest memory of the process so far. Each file is read `READING_ROUNDS` times (3) in
each way. It sends nothing. `benches/files.py` measures whole imports.
"""

from __future__ import annotations

import os
import queue
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterable

from benches.support.rounds import require_release_build
from mixpress import Encoder
from mixpress.files.files import Files
from mixpress.files.mapper import mapper_of
from mixpress.files.piece import Piece

ROUNDS = int(os.environ.get("READING_ROUNDS", "3"))
ENCODER, MAPPER = Encoder(), mapper_of(None)


def skip(pieces: Iterable[Piece]) -> int:
    """Read the pieces alone. The number of events is not known then."""
    for _ in pieces:
        pass
    return 0


def encode(pieces: Iterable[Piece]) -> int:
    """Encode on this thread, which also reads."""
    return sum(encoded(piece) for piece in pieces)


def encode_on_two(pieces: Iterable[Piece]) -> int:
    """Encode on two threads, while this one reads."""
    waiting: queue.Queue[Piece | None] = queue.Queue(4)
    counts: list[int] = []

    def work() -> None:
        while (piece := waiting.get()) is not None:
            counts.append(encoded(piece))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for piece in pieces:
        waiting.put(piece)
    for _ in threads:
        waiting.put(None)
    for thread in threads:
        thread.join()
    return sum(counts)


def encoded(piece: Piece) -> int:
    piece.encode(ENCODER, MAPPER)
    return piece.count()


WAYS: dict[str, Callable[[Iterable[Piece]], int]] = {
    "one thread": encode,
    "two threads and a reader": encode_on_two,
    "read alone": skip,
}


def main(paths: list[str]) -> None:
    require_release_build()
    for path in paths:
        total = 0
        for name, way in WAYS.items():
            rates, costs = [], []
            for _ in range(ROUNDS):
                files, started, used = Files([path]), time.perf_counter(), time.process_time()
                total = way(files) or total
                rates.append(total / (time.perf_counter() - started))
                costs.append((time.process_time() - used) / total * 1e6)
                assert not files.damaged, files.damaged
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
            rate, cost = statistics.median(rates), statistics.median(costs)
            print(f"{path}: {name}: {rate:,.0f} events/s, {cost:.2f} µs of CPU an event, {memory} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
