"""Measure the size of bodies that gzip badly, are too small to gain or change, and count the work of hostile input.

Sizes are at the default level, and the peer is zlib at level 6. The worst ratio must be at most `BOUND`. A line sums up
the sizes of common shapes, which have a closer bound. Run it by `make bench` or `python -m benches.worst`. "Gzip" in
benches/README.md describes it, and tests of the encoder check the same bounds. It has no cold form: neither sizes nor
steps depend on what is in the cache.

The work is counted at n and 2n parts of an input, by the tests of each parser and each pass (`STEPS`), not timed. In
the core a step is about one byte that is looked at, in Python a line that runs or a character that a pattern reads.
"""

from __future__ import annotations

import base64
import gzip
import random
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benches.support.common import COMMON
from benches.support.drift import CYRILLIC, DRIFT
from benches.support.rounds import require_release_build
from benches.support.traffic import MIXES, NOW, Event, good_events
from mixpress import Encoder

BOUND = 1.07
TRIES = 5
HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 2500)]
EMOJI = [chr(code) for code in range(0x1F600, 0x1F650)] + ["👩‍💻", "🏳️‍🌈", "🇩🇪"]
ESCAPED = ['"', "\\", "\n", "\t", "\x00", "\x1b", "/"]


def event(number: int, properties: dict[str, Any], name: str = "e") -> Event:
    required = {"time": NOW - 10_000 + number, "distinct_id": f"u{number % 300}", "$insert_id": f"i{number:08x}"}
    return {"event": name, "properties": required | properties}


def shuffled_keys(mix: str) -> list[Event]:
    """Return events with their properties in random order."""
    rng = random.Random(4)
    events = good_events(mix, 2000)
    for each in events:
        members = list(each["properties"].items())
        rng.shuffle(members)
        each["properties"] = dict(members)
    return events


def random_texts(spell: Callable[[bytes], str]) -> list[Event]:
    """Return random bytes as text. Nothing repeats; only the small alphabet can be compressed."""
    rng = random.Random(5)
    return [
        event(number, {name: spell(rng.randbytes(rng.randrange(10, 60))) for name in ("token", "digest", "state")})
        for number in range(2000)
    ]


def sentences(letters: list[str] | str, length: int, escapes: float) -> list[Event]:
    """Return texts of random words. `escapes` is the share of words that an escaped character follows."""
    rng = random.Random(6)
    words = ["".join(rng.choices(letters, k=rng.randrange(1, length))) for _ in range(3000)]

    def text() -> str:
        chosen = rng.choices(words, k=rng.randrange(2, 25))
        return "".join(word + (rng.choice(ESCAPED) if rng.random() < escapes else " ") for word in chosen)[:250]

    return [
        event(number, {"title": text(), "заголовок": text(), "本文": text(), "note": rng.choice(words)})
        for number in range(1000)
    ]


def random_letters(letters: list[str] | str) -> list[Event]:
    """Return texts without repeated words."""
    rng = random.Random(7)
    return [event(number, {"text": "".join(rng.choices(letters, k=80))}) for number in range(1000)]


def one_large(element: Callable[[random.Random], Any], size: int) -> list[Event]:
    """Return one event of 900 kB: each property has ten lists of a hundred elements of about `size` bytes."""
    rng = random.Random(8)
    properties = range(900_000 // (1000 * size))
    return [
        event(0, {f"lists {number}": [[element(rng) for _ in range(100)] for _ in range(10)] for number in properties})
    ]


def log_line(rng: random.Random) -> str:
    verb, status = rng.choice(["GET", "GET", "PUT"]), rng.choice([200, 200, 404, 503])
    order, user, duration = rng.randrange(90_000), rng.randrange(3000), rng.randrange(900)
    return f"{verb} /v1/orders/{order} by user-{user}: {status} after {duration} ms"


def words_in_any_order(rng: random.Random) -> str:
    return " ".join(rng.choices(["GET", "PUT", "cache", "miss", "user", "order", "failed", "after"], k=13))


def wandering_values() -> list[Event]:
    """Return long values that are repeated under other names."""
    rng = random.Random(11)
    values = [rng.randbytes(20).hex() for _ in range(200)]
    return [event(number, dict(zip("abcdef", rng.sample(values, 6), strict=True))) for number in range(2000)]


def alternating_names(kinds: int) -> list[Event]:
    """Return events of several kinds in turn, each with other names."""
    rng = random.Random(9)
    return [
        event(number, {f"kind {number % kinds} field {field}": rng.randrange(1000) for field in range(8)})
        for number in range(2000)
    ]


def texts_with_small_changes() -> list[Event]:
    """Return events whose value differs from that of the event before in one letter."""
    rng = random.Random(10)
    text = [rng.choice("abcdefghijklmnopqrstuvwxyz ") for _ in range(240)]
    events = []
    for number in range(2000):
        text[rng.randrange(len(text))] = rng.choice("abcdefghijklmnopqrstuvwxyz ")
        events.append(event(number, {"draft": "".join(text)}))
    return events


CASES: dict[str, Callable[[], list[Event]]] = {
    **{f"shuffled keys, {mix}": partial(shuffled_keys, mix) for mix in MIXES},
    "random base64": lambda: random_texts(lambda data: base64.b64encode(data).decode()),
    "random hex": lambda: random_texts(bytes.hex),
    "Han sentences": lambda: sentences(HAN, 4, 0.1),
    "Cyrillic sentences": lambda: sentences(CYRILLIC, 9, 0.1),
    "emoji": lambda: sentences(EMOJI, 4, 0.1),
    "escapes": lambda: sentences("abcdefgé", 6, 0.9),
    "random Han": lambda: random_letters(HAN),
    "random Cyrillic": lambda: random_letters(CYRILLIC),
    "random emoji and escapes": lambda: random_letters([*EMOJI, *ESCAPED]),
    **{
        f"{count} events, {mix}" if count > 1 else f"one event, {mix}": partial(good_events, mix, count)
        for count in (1, 2, 10, 50, 200)
        for mix in MIXES
    },
    "one event of nearly nothing": lambda: [event(0, {})],
    "identical events": lambda: good_events("web", 1) * 2000,
    "identical but for time and id": lambda: [event(number, {"city": "Berlin"}) for number in range(2000)],
    "900 kB of numbers": lambda: one_large(lambda rng: round(rng.random(), 6), 9),
    "900 kB of log lines": lambda: one_large(log_line, 58),
    "900 kB of words in any order": lambda: one_large(words_in_any_order, 73),
    "900 kB of random hex": lambda: one_large(lambda rng: rng.randbytes(100).hex(), 203),
    "900 kB of one character": lambda: one_large(lambda _: "x" * 250, 253),
    "kinds in turn, 2": lambda: alternating_names(2),
    "kinds in turn, 40": lambda: alternating_names(40),
    "values under other names": wandering_values,
    "texts with small changes": texts_with_small_changes,
    **DRIFT,
}


@dataclass(frozen=True)
class Sizes:
    """The bytes of the JSON and of both bodies, and the seconds of encoding."""

    json: int
    own: int
    zlib_6: int
    seconds: float

    @property
    def ratio(self) -> float:
        return self.own / self.zlib_6


def sizes_of(events: list[Event]) -> Sizes:
    """Return the sizes of both bodies. The encoder must give one batch, which unpacks to the JSON without gzip."""
    (plain,) = Encoder(compression=None).encode(events).batches
    if len(plain) != len(events):
        raise ValueError("an event was rejected")
    encoder, seconds = Encoder(), []
    for _ in range(TRIES):
        start = time.perf_counter()
        (batch,) = encoder.encode(events).batches
        seconds.append(time.perf_counter() - start)
    if zlib.decompress(batch.body, 31) != plain.body:
        raise ValueError("the body does not unpack to the JSON")
    return Sizes(len(plain.body), len(batch.body), len(gzip.compress(plain.body, 6, mtime=0)), min(seconds))


STEPS = ["cargo", "test", "--quiet", "--locked", "--features", "arrow", "--lib", "work_tests", "--", "--nocapture"]
ROOT = Path(__file__).parent.parent
MOST_STEPS = 2.5

Steps = tuple[str, str, int, int]


def steps_of_core() -> Iterator[Steps]:
    """Yield pass, input, and the steps at n and 2n, of each input of the core's tests."""
    done = subprocess.run(STEPS, cwd=ROOT, check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        _, is_counted, rest = line.partition("steps: ")
        if is_counted:
            name, *given, once, twice = rest.split("; ")
            yield name, "; ".join(given), int(once), int(twice)


def steps_of_python() -> Iterator[Steps]:
    """Yield the same of what Python code reads: values, files of NDJSON, replies."""
    sys.path.insert(0, str(ROOT / "tests"))
    from send.test_reply_work import HOSTILE, work
    from support.work import FILES, VALUES, work_of_file, work_of_value

    for name, value in VALUES.items():
        yield "values by Python", name, work_of_value(value(500)), work_of_value(value(1000))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "events.ndjson")
        for name, content in FILES.items():
            yield "the command's lines", name, work_of_file(content(1000), file), work_of_file(content(2000), file)
    for unit in HOSTILE:
        with pytest.MonkeyPatch.context() as patch:
            yield "tags in a reply", repr(unit), work(unit * 500, patch), work(unit * 1000, patch)


def print_steps() -> None:
    worst: dict[str, tuple[float, str]] = {}
    counts: Counter[str] = Counter()
    for name, given, once, twice in [*steps_of_core(), *steps_of_python()]:
        counts[name] += 1
        worst[name] = max(worst.get(name, (0.0, "")), (twice / max(once, 1), given))
    print(f"\n{'':32}{'inputs':>8}{'2n / n':>8}  the input with the largest ratio of steps")
    for name, (ratio, given) in worst.items():
        print(f"{name:32}{counts[name]:8}{ratio:8.2f}  {given}")
    if max(ratio for ratio, _ in worst.values()) > MOST_STEPS:
        raise SystemExit(f"twice an input takes more than {MOST_STEPS} times the steps")


def main() -> None:
    require_release_build()
    results = {name: sizes_of(make()) for name, make in CASES.items()}
    print(f"{'':32}{'JSON bytes':>12}{'mixpress':>10}{'zlib 6':>10}{'ratio':>8}{'MB/s':>8}")
    for name, sizes in sorted(results.items(), key=lambda result: result[1].ratio):
        numbers = f"{sizes.json:12,}{sizes.own:10,}{sizes.zlib_6:10,}{sizes.ratio:8.3f}"
        print(f"{name:32}{numbers}{sizes.json / sizes.seconds / 1e6:8.0f}")
    common = {name: sizes_of(shape.events()).ratio for name, shape in COMMON.items()}
    largest = max(common, key=lambda name: common[name])
    mean = statistics.geometric_mean(common.values())
    print(f"\n{len(common)} common shapes: {mean:.3f} times zlib 6's; the worst, {largest}, is {common[largest]:.3f}")
    worst = max(sizes.ratio for sizes in results.values())
    print(f"every body was unpacked and compared; the worst is {worst:.3f} times zlib 6's (at most {BOUND})")
    print_steps()


if __name__ == "__main__":
    main()
