"""Measure the spool: the time of an append by SQLite's `synchronous`, and the CPU of packing and of its gzip.

The peer of the gzip is Python's zlib. Run it by `make bench` or `python -m benches.spool`. It fills the tables "The
spool" of benches/README.md.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from benches.support.rounds import require_release_build
from benches.support.traffic import Event, web
from mixpress import Encoder
from mixpress._core import gzip
from mixpress.spool import Spool

ROUNDS, APPENDS = 5, 4000
FULL_APPENDS = 500
"""Fewer appends, as each of them syncs."""


def append_times(path: Path, events: list[bytes], synchronous: str) -> list[float]:
    """Return the microseconds of each append, with syncs in between as in a client."""
    taken: list[float] = []
    with Spool(path) as spool:
        connections = spool._session.connections
        assert connections is not None
        connections.writer.execute(f"PRAGMA synchronous = {synchronous}")
        for event in events:
            start = time.perf_counter()
            spool.append(event)
            taken.append((time.perf_counter() - start) * 1e6)
            spool.tend()
    path.unlink()
    return taken


def encoded_append_times(path: Path, events: list[Event]) -> list[float]:
    """Return the microseconds of encoding and appending each event."""
    builder, taken = Encoder(compression=None, insert_id="derive").builder(), []
    with Spool(path) as spool:
        for event in events:
            start = time.perf_counter()
            builder.add(event)
            spool.append(builder.finish().events()[0])
            taken.append((time.perf_counter() - start) * 1e6)
            spool.tend()
    path.unlink()
    return taken


def pack_times(path: Path, events: list[bytes]) -> list[float]:
    """Return the microseconds of CPU for each event, of packing and settling batches of 2000."""
    with Spool(path) as spool:
        spool.append_many(events)
        start = time.process_time()
        while batch := spool.pack():
            spool.settle(batch)
        taken = time.process_time() - start
    path.unlink()
    return [taken / len(events) * 1e6]


def by_zlib(level: int, body: bytes) -> bytes:
    stream = zlib.compressobj(level, zlib.DEFLATED, 31)
    return stream.compress(body) + stream.flush()


def print_gzip(body: bytes, events: int) -> None:
    """Print the bytes of a gzipped batch and the microseconds of CPU for each event, beside Python's zlib."""
    contestants: dict[str, Callable[[], bytes]] = {
        "core, default": lambda: gzip(body),
        "core, 1": lambda: gzip(body, 1),
        "zlib 3": lambda: by_zlib(3, body),
        "zlib 6": lambda: by_zlib(6, body),
    }
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(4 * ROUNDS):
        for name, contestant in contestants.items():
            start = time.process_time()
            gzipped = contestant()
            taken[name].append((time.process_time() - start) / events * 1e6)
            assert zlib.decompress(gzipped, 31) == body
    for name, times in taken.items():
        low, _, high = statistics.quantiles(times, n=4)
        median = statistics.median(times)
        print(f"gzip, {name:<18} median {median:8.2f} us  ({low:.2f}-{high:.2f})   {len(contestants[name]()):,} bytes")


def main() -> None:
    require_release_build()
    given = web(APPENDS)
    encoder = Encoder(compression=None, insert_id="derive")
    [first, *_] = encoder.encode(given).batches
    print_gzip(first.body, first.count)
    texts = [text for batch in encoder.encode(given).batches for text in batch.events()]
    with tempfile.TemporaryDirectory(dir=".") as folder:
        path = Path(folder) / "spool"
        contestants: dict[str, Callable[[], list[float]]] = {
            "OFF": lambda: append_times(path, texts, "OFF"),
            "NORMAL": lambda: append_times(path, texts, "NORMAL"),
            "FULL": lambda: append_times(path, texts[:FULL_APPENDS], "FULL"),
            "NORMAL, from a dict": lambda: encoded_append_times(path, given),
            "pack and settle, CPU": lambda: pack_times(path, texts),
        }
        rounds: dict[str, list[float]] = {name: [] for name in contestants}
        slowest: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(ROUNDS):
            for name, contestant in contestants.items():
                times = sorted(contestant())
                rounds[name].append(statistics.median(times))
                slowest[name].append(times[len(times) * 99 // 100])
    print(f"{sum(map(len, texts)) / len(texts):.0f} bytes an event")
    for name, medians in rounds.items():
        low, _, high = statistics.quantiles(medians, n=4)
        print(
            f"{name:<24} median {statistics.median(medians):8.1f} us  ({low:.1f}-{high:.1f})   "
            f"99 of 100 under {statistics.median(slowest[name]):8.1f} us"
        )


if __name__ == "__main__":
    main()
