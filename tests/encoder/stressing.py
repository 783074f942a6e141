"""Lists of events that stress the match finding of a gzip writer. Some hold values that are not events."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
from benches.support.traffic import good_events

WINDOW = 32_768  # the largest distance of a DEFLATE match
LONGEST = 258  # its largest length


def event(number: int, properties: dict[str, Any], name: str = "e") -> dict[str, Any]:
    required = {"time": 1_700_000_000, "distinct_id": "u", "$insert_id": f"i{number:07d}"}
    return {"event": name, "properties": required | properties}


def letters(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=count))


def repeated_at(distance: int, length: int) -> list[Any]:
    """Return events with a text of `length` characters that is repeated twice, each time `distance` bytes later."""
    rng = random.Random(distance * 1000 + length)
    text = letters(rng, length)
    around = len(orjson.dumps(event(0, {"v": text}))) + len(orjson.dumps(event(0, {"v": ""}))) + 2
    fillers = [letters(rng, distance - around) for _ in range(2)]
    return [event(n, {"v": value}) for n, value in enumerate([text, fillers[0], text, fillers[1], text])]


def around_the_window(length: int) -> list[Any]:
    """Return distances below, at and above the window in one batch, so that shorter and longer matches compete."""
    offsets = [-LONGEST - 1, -LONGEST, -2, -1, 0, 1, 2, LONGEST]
    return [each for offset in offsets for each in repeated_at(WINDOW + offset, length)]


def runs(counts: list[int]) -> list[Any]:
    texts = [letter * count for count in counts for letter in "ax\u00e9\n"]
    return [event(number, {"v": text, "w": text[::-1] + "-" + text}) for number, text in enumerate(texts)]


def with_rejected_between() -> list[Any]:
    """Return good events with the names and values of rejected ones before them, whose bytes were removed again."""
    rng, events = random.Random(1), list[Any]()
    for number in range(400):
        values = {name: letters(rng, rng.randrange(1, 90)) for name in rng.sample(["a", "bb", "c" * 40, "d"], 3)}
        bad = event(number, values | {"distinct_id": "undefined", f"only here {number}": "x" * rng.randrange(300)})
        between: list[list[Any]] = [[bad], [bad, bad], ["no event", bad], [bad, 5], [None]]
        events += rng.choice(between)
        events.append(event(number, values))
    return [*events, event(0, {"distinct_id": None, "a": "the last"})]


def shuffled() -> list[Any]:
    rng, events = random.Random(2), good_events("api", 300)
    for each in events:
        each["properties"] = dict(rng.sample(list(each["properties"].items()), len(each["properties"])))
    return events


def alternating() -> list[Any]:
    """Return kinds of events in turn. Some names are those of another kind with one more letter; values are alike."""
    kinds = [["city", "plan"], ["city2", "plan"], ["cit", "plan", "city"], [], ["x" * 250, "city"]]
    return [
        event(number, dict.fromkeys(kinds[number % len(kinds)], f"value {number % 7}"), f"kind {number % 5}")
        for number in range(600)
    ]


def sharing_ends() -> list[Any]:
    """Return values that share a start or an end, or contain each other: a match must stop where the texts differ."""
    rng = random.Random(3)
    text = letters(rng, 600)
    cuts = [(rng.randrange(300), rng.randrange(300, 600)) for _ in range(500)]
    return [event(n, {"v": text[start:end], "w": text[:end], "x": text[start:]}) for n, (start, end) in enumerate(cuts)]


def of_every_kind() -> list[Any]:
    """Return numbers, nested values, escapes, and characters of one to four bytes."""
    rng = random.Random(4)
    texts: list[Any] = ["", '"', "\\", "\n\t\x00", "é", "日本語", "😀", "a" * 30, "\ufffd", "/" * 9]
    events = []
    for number in range(500):
        values: list[Any] = rng.choices([*texts, 0, -1, 1.5, 1e300, 2**63, None, True, [], {}, [[1], {"a": "a"}]], k=6)
        events.append(event(number, {f"{rng.choice(texts)}{place}": value for place, value in enumerate(values)}))
    return events


CASES: dict[str, Callable[[], list[Any]]] = {
    **{f"{length} bytes around the window": partial(around_the_window, length) for length in (3, 40, 300)},
    "runs": lambda: runs([1, 2, 3, 4, 7, 8, 256, 257, 258, 259, 260, 515, 516, 517, 774, 775, 5000, 40_000]),
    "empty texts": lambda: [event(number, dict.fromkeys("abcdefgh", "")) for number in range(300)],
    "one event": lambda: [event(0, {"city": "Berlin"})],
    "two events": lambda: [event(0, {"city": "Berlin"}), event(0, {"city": "Berlin"})],
    "identical events": lambda: [event(0, {"city": "Berlin", "n": 1})] * 2000,
    "2000 events": lambda: [event(number, {"n": number * 7919 % 1000}) for number in range(2000)],
    "over a megabyte": lambda: good_events("web", 2000) + good_events("iot", 1500),
    "flights": lambda: good_events("flights", 500),
    "shuffled keys": shuffled,
    "names in turn": alternating,
    "values that share ends": sharing_ends,
    "values of every kind": of_every_kind,
    "rejected in between": with_rejected_between,
    "one text of a megabyte": lambda: [event(0, {"v": letters(random.Random(5), 900_000), "w": "v" * 90_000})],
}
