"""Measure dicts and JSON text to gzipped bodies in one thread, at each level.

The peers are `orjson` and zlib, zlib-ng, isal and libdeflate. Every body is unpacked and compared. Run it by `make
bench` or `python -m benches.gzip`. It fills the tables "Gzip" and "the default level" of benches/README.md.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import geometric_mean

import deflate
import orjson
from isal import isal_zlib
from zlib_ng import zlib_ng

from benches.support.rounds import Times, interleave, require_release_build
from benches.support.traffic import MIXES, Event, good_events
from mixpress import Encoder

EVENTS, ROUNDS = 2000, 60
GZIP = 31  # zlib's `wbits` for a gzip stream with a window of 32 KB

Compress = Callable[[bytes], bytes | bytearray]
Contestants = dict[str, Callable[[], bytes | bytearray]]

OWN = "mixpress"
COMPRESSORS: dict[str, Compress] = {
    # With a fixed `mtime`, Python's gzip passes the whole body to zlib at once.
    **{f"zlib {level}": partial(gzip.compress, compresslevel=level, mtime=0) for level in (1, 6, 9)},
    **{f"zlib-ng {level}": partial(zlib_ng.compress, level=level, wbits=GZIP) for level in (1, 6)},
    **{f"isal {level}": partial(isal_zlib.compress, level=level, wbits=GZIP) for level in (0, 1, 3)},
    **{f"libdeflate {level}": partial(deflate.gzip_compress, compresslevel=level) for level in (1, 6, 9, 12)},
}
SLOW = ("mixpress 8", "mixpress 9", "orjson + zlib 9", "orjson + libdeflate 9", "orjson + libdeflate 12")


@dataclass(frozen=True)
class Result:
    """The times of a contestant with the events of one mix, and the size of its body."""

    times: Times
    size: int


def body_of(encoder: Encoder, events: list[Event]) -> bytes:
    (batch,) = encoder.encode(events).batches
    return batch.body


def body_of_text(encoder: Encoder, text: bytes) -> bytes:
    (batch,) = encoder.encode_json(text).batches
    return batch.body


def through_orjson(compress: Compress, events: list[Event]) -> bytes | bytearray:
    return compress(orjson.dumps(events))


def text_through_orjson(compress: Compress, lines: list[bytes]) -> bytes | bytearray:
    return compress(orjson.dumps([orjson.loads(line) for line in lines]))


def of_dicts(events: list[Event]) -> Contestants:
    contestants: Contestants = {OWN: partial(body_of, Encoder(), events)}
    for level in range(1, 10):
        contestants[f"{OWN} {level}"] = partial(body_of, Encoder(level=level), events)
    for name, compress in COMPRESSORS.items():
        contestants[f"orjson + {name}"] = partial(through_orjson, compress, events)
    return contestants


def of_text(lines: list[bytes]) -> Contestants:
    contestants: Contestants = {f"{OWN}, JSON": partial(body_of_text, Encoder(), b"\n".join(lines))}
    for name in ("zlib 6", "isal 1"):
        contestants[f"orjson + {name}, JSON"] = partial(text_through_orjson, COMPRESSORS[name], lines)
    return contestants


def check(mix: str, contestants: Contestants, json: bytes) -> dict[str, int]:
    """Return the size of each contestant's body, which must unpack to that JSON."""
    bodies = {name: contestant() for name, contestant in contestants.items()}
    for name, body in bodies.items():
        if zlib.decompress(body, GZIP) != json:
            raise SystemExit(f"{mix}: the body of {name} does not unpack to the JSON that orjson writes")
    return {name: len(body) for name, body in bodies.items()}


def measure(mix: str) -> dict[str, Result]:
    events = good_events(mix, EVENTS)
    json = orjson.dumps(events)
    contestants = of_dicts(events) | of_text([orjson.dumps(event) for event in events])
    sizes = check(mix, contestants, json)
    times = interleave(contestants, len(events), ROUNDS, slow=SLOW)
    print(f"\n{mix}: {len(events)} events of {len(json) / len(events):.0f} bytes; every body was unpacked and compared")
    print(f"{'':28}{'us/event':>10}{'spread':>14}{'raw/gzip':>10}{'bytes':>10}")
    for name, size in sizes.items():
        taken = times[name]
        print(f"{name:28}{taken.median:10.3f}{taken.spread:>14}{len(json) / size:10.2f}{size:10,}")
    return {name: Result(times[name], size) for name, size in sizes.items()}


def print_ratios(says: str, results: dict[str, dict[str, Result]], ratio: Callable[[dict[str, Result]], float]) -> None:
    """Print a ratio for each mix, and their geometric mean."""
    ratios = [ratio(of_mix) for of_mix in results.values()]
    print(f"{says:58}" + "".join(f"{value:9.3f}" for value in [*ratios, geometric_mean(ratios)]))


def print_summary(results: dict[str, dict[str, Result]]) -> None:
    def time(name: str, peer: str) -> Callable[[dict[str, Result]], float]:
        return lambda of_mix: of_mix[name].times.over(of_mix[peer].times)

    def size(peer: str) -> Callable[[dict[str, Result]], float]:
        return lambda of_mix: of_mix[OWN].size / of_mix[f"orjson + {peer}"].size

    zlib_6, isal_1 = "orjson + zlib 6", "orjson + isal 1"
    print(f"\n{'the default level':58}" + "".join(f"{name:>9}" for name in [*results, "mean"]))
    print_ratios("dicts: times as fast as orjson + zlib 6 (at least 6)", results, time(zlib_6, OWN))
    print_ratios("dicts: time over orjson + isal 1 (at most 1.15)", results, time(OWN, isal_1))
    print_ratios("size over zlib 6 (at most 1)", results, size("zlib 6"))
    print_ratios("size over isal 1 (at most 0.9)", results, size("isal 1"))
    print_ratios("size over libdeflate 6", results, size("libdeflate 6"))
    json = f"{OWN}, JSON"
    print_ratios("JSON: times as fast as orjson + zlib 6 (at least 8)", results, time(f"{zlib_6}, JSON", json))
    print_ratios("JSON: time over orjson + isal 1", results, time(json, f"{isal_1}, JSON"))


def main() -> None:
    require_release_build()
    print_summary({mix: measure(mix) for mix in MIXES})


if __name__ == "__main__":
    main()
