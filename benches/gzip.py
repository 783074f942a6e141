"""Measure dicts and JSON text to gzipped bodies in one thread, at each level hot, and at the default level cold.

The peers are `orjson` and zlib, zlib-ng, isal and libdeflate. Hot events are the same 2000 in each round. Cold ones are
20,000, read from JSON before each call, or their lines copied. Times are CPU times. Every body is unpacked and
compared. Run it by `make bench` or `python -m benches.gzip`. It fills the tables of "Gzip" of benches/README.md.
"""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import geometric_mean
from typing import Any

import deflate
import orjson
from isal import isal_zlib
from zlib_ng import zlib_ng

from benches.support.rounds import (
    BATCH,
    COLD_EVENTS,
    Text,
    Times,
    copied,
    interleave,
    interleave_cold,
    read_anew,
    require_release_build,
)
from benches.support.traffic import MIXES, Event, good_events
from mixpress import Encoder

ROUNDS = 60
GZIP = 31  # zlib's `wbits` for a gzip stream with a window of 32 KB

Body = bytes | bytearray
Compress = Callable[[bytes], Body]
Contestants = dict[str, Callable[[Any], Body]]

OWN, ZLIB_6, ISAL_1 = "mixpress", "orjson + zlib 6", "orjson + isal 1"
COMPARED = (OWN, ZLIB_6, ISAL_1)
"""Measured cold and with JSON text too."""
COMPRESSORS: dict[str, Compress] = {
    # With a fixed `mtime`, Python's gzip passes the whole body to zlib at once.
    **{f"zlib {level}": partial(gzip.compress, compresslevel=level, mtime=0) for level in (1, 6, 9)},
    **{f"zlib-ng {level}": partial(zlib_ng.compress, level=level, wbits=GZIP) for level in (1, 6)},
    **{f"isal {level}": partial(isal_zlib.compress, level=level, wbits=GZIP) for level in (0, 1, 3)},
    **{f"libdeflate {level}": partial(deflate.gzip_compress, compresslevel=level) for level in (1, 6, 9, 12)},
}
SLOW = ("mixpress 8", "mixpress 9", "orjson + zlib 9", "orjson + libdeflate 9", "orjson + libdeflate 12")


@dataclass(frozen=True)
class Measured:
    """The times of the contestants with the events of one mix, and the sizes of their bodies."""

    hot: dict[str, Times]
    cold: dict[str, Times]
    sizes: dict[str, int]


def body_of(encoder: Encoder, events: list[Event]) -> bytes:
    (batch,) = encoder.encode(events).batches
    return batch.body


def body_of_text(encoder: Encoder, text: Text) -> bytes:
    (batch,) = encoder.encode_json(text[1]).batches
    return batch.body


def through_orjson(compress: Compress, events: list[Event]) -> Body:
    return compress(orjson.dumps(events))


def text_through_orjson(compress: Compress, text: Text) -> Body:
    return compress(orjson.dumps([orjson.loads(line) for line in text[0]]))


def of_dicts() -> Contestants:
    contestants: Contestants = {OWN: partial(body_of, Encoder())}
    for level in range(1, 10):
        contestants[f"{OWN} {level}"] = partial(body_of, Encoder(level=level))
    for name, compress in COMPRESSORS.items():
        contestants[f"orjson + {name}"] = partial(through_orjson, compress)
    return contestants


def of_text() -> Contestants:
    contestants: Contestants = {f"{OWN}, JSON": partial(body_of_text, Encoder())}
    for name in ("zlib 6", "isal 1"):
        contestants[f"orjson + {name}, JSON"] = partial(text_through_orjson, COMPRESSORS[name])
    return contestants


def check(mix: str, contestants: Mapping[str, Callable[[], Body]], json: bytes) -> dict[str, int]:
    """Return the size of each contestant's body, which must unpack to that JSON."""
    bodies = {name: contestant() for name, contestant in contestants.items()}
    for name, body in bodies.items():
        if zlib.decompress(body, GZIP) != json:
            raise SystemExit(f"{mix}: the body of {name} does not unpack to the JSON that orjson writes")
    return {name: len(body) for name, body in bodies.items()}


def measure(mix: str) -> Measured:
    events = good_events(mix, COLD_EVENTS)
    lines = [orjson.dumps(event) for event in events]
    batch, (text, *_) = events[:BATCH], copied(lines[:BATCH])
    dicts, texts = of_dicts(), of_text()
    contestants = {name: partial(call, batch) for name, call in dicts.items()}
    contestants |= {name: partial(call, text) for name, call in texts.items()}
    sizes = check(mix, contestants, orjson.dumps(batch))
    hot = interleave(contestants, len(batch), ROUNDS, time.thread_time, slow=SLOW)
    compared = {name: dicts[name] for name in COMPARED}
    make = dict.fromkeys(compared, read_anew(events)) | dict.fromkeys(texts, partial(copied, lines))
    cold = interleave_cold(compared | texts, make, len(events))
    return Measured(hot, cold, sizes)


def show(mix: str, measured: Measured) -> None:
    size = len(orjson.dumps(good_events(mix, COLD_EVENTS)[:BATCH]))
    print(f"\n{mix}: events of {size / BATCH:.0f} bytes; every body of hot events was unpacked and compared")
    print(f"{'':34}{'us/event':>10}{'spread':>14}{'raw/gzip':>10}{'bytes':>10}")
    for name, taken in measured.hot.items():
        own = measured.sizes[name]
        print(f"{f'{name}, hot':34}{taken.median:10.3f}{taken.spread:>14}{size / own:10.2f}{own:10,}")
    for name, taken in measured.cold.items():
        print(f"{f'{name}, cold':34}{taken.median:10.3f}{taken.spread:>14}")


def print_ratios(says: str, results: dict[str, Measured], ratio: Callable[[Measured], float]) -> None:
    """Print a ratio for each mix, and their geometric mean."""
    ratios = [ratio(of_mix) for of_mix in results.values()]
    print(f"{says:64}" + "".join(f"{value:9.3f}" for value in [*ratios, geometric_mean(ratios)]))


def print_summary(results: dict[str, Measured]) -> None:
    def hot(name: str, peer: str) -> Callable[[Measured], float]:
        return lambda of_mix: of_mix.hot[name].over(of_mix.hot[peer])

    def cold(name: str, peer: str) -> Callable[[Measured], float]:
        return lambda of_mix: of_mix.cold[name].over(of_mix.cold[peer])

    def size(peer: str) -> Callable[[Measured], float]:
        return lambda of_mix: of_mix.sizes[OWN] / of_mix.sizes[f"orjson + {peer}"]

    print(f"\n{'the default level':64}" + "".join(f"{name:>9}" for name in [*results, "mean"]))
    for form, time_of in {"hot": hot, "cold": cold}.items():
        print_ratios(f"dicts, {form}: times as fast as {ZLIB_6} (at least 6)", results, time_of(ZLIB_6, OWN))
        print_ratios(f"dicts, {form}: time over {ISAL_1} (at most 1.15)", results, time_of(OWN, ISAL_1))
        own, zlib_6, isal_1 = (f"{name}, JSON" for name in COMPARED)
        print_ratios(f"JSON, {form}: times as fast as {ZLIB_6} (at least 8)", results, time_of(zlib_6, own))
        print_ratios(f"JSON, {form}: time over {ISAL_1}", results, time_of(own, isal_1))
    print_ratios("size over zlib 6 (at most 1)", results, size("zlib 6"))
    print_ratios("size over isal 1 (at most 0.9)", results, size("isal 1"))
    print_ratios("size over libdeflate 6", results, size("libdeflate 6"))


def main() -> None:
    require_release_build()
    results = {}
    for mix in MIXES:
        results[mix] = measure(mix)
        show(mix, results[mix])
    print_summary(results)


if __name__ == "__main__":
    main()
