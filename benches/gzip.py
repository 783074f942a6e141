"""Measure dicts, JSON text and Arrow to gzipped bodies in one thread, at each level hot, and at the default level cold.

There are seven mixes. The compressor is not tuned on three of them, which are *held out* (`support/held_out.py`).

The peers are `orjson` and zlib, zlib-ng, isal and libdeflate. Those of JSON text read each line by `orjson.loads`.
Those of Arrow make a dict of each row by `to_pylist()`, nulls included. Hot events are the same 2000 in each round.
Cold ones are 20,000, read from JSON before each call, or their lines copied, or tables made of them. Times are CPU
times. Every body is unpacked and compared. Run it by `make bench` or `python -m benches.gzip`, which takes names of
mixes. It prints the head of a machine's tables and the tables of "Gzip" of benches/README.md.
"""

from __future__ import annotations

import gzip
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import geometric_mean
from typing import Any

import deflate
import orjson
import pyarrow
from isal import isal_zlib
from zlib_ng import zlib_ng

from benches.arrow import as_table, with_orjson, without_nulls
from benches.support.held_out import EVERY_MIX, HELD_OUT, events_of
from benches.support.machine import head
from benches.support.rounds import (
    BATCH,
    COLD_EVENTS,
    Text,
    Times,
    batches_of,
    copied,
    interleave,
    interleave_cold,
    read_anew,
    require_release_build,
)
from benches.support.traffic import Event
from mixpress import Encoder

ROUNDS = 60
GZIP = 31  # zlib's `wbits` for a gzip stream with a window of 32 KB

Body = bytes | bytearray
Compress = Callable[[bytes], Body]
Contestants = dict[str, Callable[[Any], Body]]

OWN, ZLIB_6, ISAL_1 = "mixpress", "orjson + zlib 6", "orjson + isal 1"
COMPARED = (OWN, ZLIB_6, ISAL_1)
"""Measured cold, and with JSON text and Arrow too."""
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
    """The times of the contestants with the events of one mix, and the sizes of their bodies and of their JSON."""

    hot: dict[str, Times]
    cold: dict[str, Times]
    sizes: dict[str, int]
    json: dict[str, int]


@dataclass(frozen=True)
class Target:
    """A ratio of one mix. The mean over all mixes must be at least `least`, at most `mean`, and each at most `each`."""

    says: str
    ratio: Callable[[Measured], float]
    least: float | None = None
    mean: float | None = None
    each: float | None = None

    @property
    def wanted(self) -> str:
        limits = {"mean at least": self.least, "mean at most": self.mean, "each at most": self.each}
        said = ", ".join(f"{says} {limit}" for says, limit in limits.items() if limit is not None)
        return f" ({said})" if said else ""

    def missed(self, ratios: dict[str, float], mean: float) -> Iterator[str]:
        """Yield where the target is missed: the mean, or a mix."""
        if self.least is not None and mean < self.least:
            yield f"the mean is {mean:.3f}, at least {self.least}"
        if self.mean is not None and mean > self.mean:
            yield f"the mean is {mean:.3f}, at most {self.mean}"
        for mix, ratio in ratios.items():
            if self.each is not None and ratio > self.each:
                yield f"{mix} is {ratio:.3f}, at most {self.each}"


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


def body_of_arrow(encoder: Encoder, table: pyarrow.Table) -> bytes:
    (batch,) = encoder.encode_arrow(table).batches
    return batch.body


def arrow_through_orjson(compress: Compress, table: pyarrow.Table) -> Body:
    return compress(with_orjson(table))


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


def of_arrow() -> Contestants:
    contestants: Contestants = {f"{OWN}, Arrow": partial(body_of_arrow, Encoder())}
    for name in ("zlib 6", "isal 1"):
        contestants[f"orjson + {name}, Arrow"] = partial(arrow_through_orjson, COMPRESSORS[name])
    return contestants


def check(mix: str, contestants: Mapping[str, Callable[[], Body]], json: bytes) -> dict[str, tuple[int, int]]:
    """Return the sizes of each body and of its JSON, which must be `json`; of Arrow, but for order and nulls."""
    bodies = {name: contestant() for name, contestant in contestants.items()}
    unpacked = {name: zlib.decompress(body, GZIP) for name, body in bodies.items()}
    expected = without_nulls(orjson.loads(json))
    for name, text in unpacked.items():
        of_table = name.endswith("Arrow")
        if text != json and not (of_table and without_nulls(orjson.loads(text)) == expected):
            raise SystemExit(f"{mix}: the body of {name} does not unpack to the JSON that orjson writes")
    return {name: (len(body), len(unpacked[name])) for name, body in bodies.items()}


def contestants_of(batch: list[Event]) -> dict[str, Callable[[], Body]]:
    """Return every contestant, called with those events, their lines of JSON, or a table of them."""
    text, table = copied([orjson.dumps(event) for event in batch])[0], as_table(batch)
    return {
        **{name: partial(call, batch) for name, call in of_dicts().items()},
        **{name: partial(call, text) for name, call in of_text().items()},
        **{name: partial(call, table) for name, call in of_arrow().items()},
    }


def measure(mix: str) -> Measured:
    events = events_of(mix, COLD_EVENTS)
    batch, contestants = events[:BATCH], contestants_of(events[:BATCH])
    sizes = check(mix, contestants, orjson.dumps(batch))
    hot = interleave(contestants, len(batch), ROUNDS, time.thread_time, slow=SLOW)
    dicts, texts, tables = {name: of_dicts()[name] for name in COMPARED}, of_text(), of_arrow()
    make: dict[str, Callable[[], list[Any]]] = dict.fromkeys(dicts, read_anew(events))
    make |= dict.fromkeys(texts, partial(copied, [orjson.dumps(event) for event in events]))
    make |= dict.fromkeys(tables, lambda: [as_table(each) for each in batches_of(events)])
    cold = interleave_cold(dicts | texts | tables, make, len(events))
    gzipped, json = ({name: pair[at] for name, pair in sizes.items()} for at in (0, 1))
    return Measured(hot, cold, gzipped, json)


def row(first: str, cells: Iterable[str]) -> str:
    return f"| {first} | {' | '.join(cells)} |"


def print_head(first: str, columns: list[str]) -> None:
    print(f"\n{row(first, columns)}\n|{'---|' * (len(columns) + 1)}")


def print_times(results: dict[str, Measured]) -> None:
    """Print the tables of times, hot and cold, and of sizes."""
    mixes = list(map(titled, results))
    for form in ("hot", "cold"):
        measured = {mix: getattr(of_mix, form) for mix, of_mix in results.items()}
        print_head(f"µs/event (spread), {form}", mixes)
        for name in next(iter(measured.values())):
            print(row(name, (f"{times[name].median:.3f} ({times[name].spread})" for times in measured.values())))
    print_head("gzip bytes (JSON bytes / gzip bytes)", mixes)
    for name in next(iter(results.values())).sizes:
        sizes = [(of_mix.sizes[name], of_mix.json[name]) for of_mix in results.values()]
        print(row(name, (f"{gzipped:,} ({json / gzipped:.2f})" for gzipped, json in sizes)))


def titled(mix: str) -> str:
    return f"*{mix}*" if mix in HELD_OUT else mix


def targets() -> Iterator[Target]:
    """Yield what the default level must reach, and ratios that have no target."""

    def taken(form: str, name: str, peer: str) -> Callable[[Measured], float]:
        return lambda of_mix: getattr(of_mix, form)[name].over(getattr(of_mix, form)[peer])

    def size(peer: str) -> Callable[[Measured], float]:
        return lambda of_mix: of_mix.sizes[OWN] / of_mix.sizes[f"orjson + {peer}"]

    for form in ("hot", "cold"):
        yield Target(f"dicts, {form}: times as fast as {ZLIB_6}", taken(form, ZLIB_6, OWN), least=6.5)
        yield Target(f"dicts, {form}: time over {ISAL_1}", taken(form, OWN, ISAL_1), mean=1.05)
        for source, least in {"JSON": 9.0, "Arrow": None}.items():
            own, zlib_6, isal_1 = (f"{name}, {source}" for name in COMPARED)
            yield Target(f"{source}, {form}: times as fast as {ZLIB_6}", taken(form, zlib_6, own), least=least)
            yield Target(f"{source}, {form}: time over {ISAL_1}", taken(form, own, isal_1))
        own = f"{OWN}, Arrow"
        yield Target(f"Arrow, {form}: times as fast as {ZLIB_6} of dicts", taken(form, ZLIB_6, own))
        yield Target(f"Arrow, {form}: time over {ISAL_1} of dicts", taken(form, own, ISAL_1))
    yield Target("size over zlib 6", size("zlib 6"))
    yield Target("size over isal 1", size("isal 1"), each=0.9)
    yield Target("size over libdeflate 6", size("libdeflate 6"), mean=1.0, each=1.02)


def print_summary(results: dict[str, Measured]) -> None:
    """Print each ratio for each mix, and geometric means; then which targets are missed."""
    print_head("the default level", [*map(titled, results), "mean", "*held out*"])
    missed = []
    for target in targets():
        ratios = {mix: target.ratio(of_mix) for mix, of_mix in results.items()}
        held_out = [ratio for mix, ratio in ratios.items() if mix in HELD_OUT]
        means = [geometric_mean(ratios.values()), *([geometric_mean(held_out)] if held_out else [])]
        print(row(f"{target.says}{target.wanted}", (f"{ratio:.3f}" for ratio in [*ratios.values(), *means])))
        missed += [f"{target.says}: {what}" for what in target.missed(ratios, means[0])]
    print("\nitalic: held out; the compressor is not tuned on these")
    print("\n".join(["missed targets:", *missed] if missed else ["every target is met"]))


def main(only: Sequence[str] = ()) -> None:
    require_release_build()
    if unknown := set(only) - set(EVERY_MIX):
        raise SystemExit(f"mixes must be of {', '.join(EVERY_MIX)}, got {', '.join(unknown)}")
    results = {}
    for mix in only or EVERY_MIX:
        results[mix] = measure(mix)
        size = results[mix].json[ZLIB_6] / BATCH
        print(f"{mix}: events of {size:.0f} bytes; every body of hot events was unpacked and compared", flush=True)
    print(f"\n{head()}")
    print_times(results)
    print_summary(results)


if __name__ == "__main__":
    main(sys.argv[1:])
