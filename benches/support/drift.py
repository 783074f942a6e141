"""Events whose mix changes: half-way, or every hundred events. What the compressor learned then misleads it."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

from benches.support.common import kinds
from benches.support.shapes import (
    EVENTS,
    Constant,
    Id,
    Kind,
    Members,
    Number,
    Shape,
    Text,
    Value,
    Words,
    many,
    one_kind,
)
from benches.support.traffic import Event, good_events

LATIN = "abcdefghijklmnopqrstuvwxyz"
CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
HAN = "".join(map(chr, range(0x4E00, 0x4E00 + 500)))


def halves(first: list[Event], second: list[Event]) -> list[Event]:
    return first[: EVENTS // 2] + second[EVENTS // 2 : EVENTS]


def half_way(first: str, second: str) -> list[Event]:
    """Return events of one mix, and from the middle on of another."""
    return halves(good_events(first, EVENTS), good_events(second, EVENTS + 100))


def alternating(first: str, second: str) -> list[Event]:
    """Return events of two mixes that alternate each hundred events."""
    mixes = [good_events(mix, EVENTS + 100) for mix in (first, second)]
    return [mixes[number // 100 % 2][number] for number in range(EVENTS)]


def values_become(first: Value, second: Value, count: int = 8) -> list[Event]:
    """Return events with the same names, whose values change their nature in the middle."""
    return halves(*(one_kind(*many(count, value)).events() for value in (first, second)))


def script_becomes(first: str, second: str) -> list[Event]:
    """Return texts of words of one script, and from the middle on of another."""
    rng = random.Random(12)
    words = [["".join(rng.choices(letters, k=rng.randint(2, 8))) for _ in range(400)] for letters in (first, second)]
    events = one_kind(("n", Number())).events()
    for number, each in enumerate(events):
        chosen = words[number >= EVENTS // 2]
        each["properties"] |= {name: " ".join(rng.choices(chosen, k=rng.randint(3, 10))) for name in ("title", "note")}
    return events


def order_is_lost() -> list[Event]:
    members = many(12, Words(7))
    return halves(one_kind(*members).events(), one_kind(*members, shuffled=True).events())


def names_are_reversed() -> list[Event]:
    (kind,) = kinds(1)
    reversed_ = Kind("Other", Members(kind.properties.members[::-1]))
    return Shape((kind,), later=(reversed_,)).events()


DRIFT: dict[str, Callable[[], list[Event]]] = {
    **{
        f"{first}, then {second}": partial(half_way, first, second)
        for first, second in (
            ("web", "iot"),
            ("iot", "web"),
            ("api", "flights"),
            ("flights", "api"),
            ("web", "api"),
            ("api", "web"),
        )
    },
    "one kind, then another": Shape(kinds(1), later=kinds(2)).events,
    "a kind, then its names reversed": names_are_reversed,
    "numbers, then texts": partial(values_become, Number(100_000), Text()),
    "numbers, then words": partial(values_become, Number(), Words()),
    "words, then ids": partial(values_become, Words(), Id("base62", 12)),
    "ids, then words": partial(values_become, Id("base62", 12), Words()),
    "constants, then numbers": partial(values_become, Constant(), Number(1_000_000)),
    "one order, then any": order_is_lost,
    "Latin, then Cyrillic": partial(script_becomes, LATIN, CYRILLIC),
    "Cyrillic, then Han": partial(script_becomes, CYRILLIC, HAN),
    "Han, then Latin": partial(script_becomes, HAN, LATIN),
    "web and iot by hundreds": partial(alternating, "web", "iot"),
    "api and flights by hundreds": partial(alternating, "api", "flights"),
}
