"""Generate events of common shapes: lists of words, carts, flags, URLs, permissions, nested objects, mixed kinds.

A *value* is a frozen dataclass that draws one property's value. A `Kind` is one kind of event: a name, members, and
whether their order is random. A `Shape` draws from one or more kinds, and may change its kinds half-way. The same
shape and seed give the same events, and the repr of a shape is enough to make it again.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from benches.support.traffic import NOW, Event

EVENTS = 2000
ONSETS = ["b", "br", "c", "ch", "d", "f", "g", "h", "l", "m", "n", "p", "pr", "r", "s", "st", "t", "tr", "v", "w", ""]
VOWELS = ["a", "e", "i", "o", "u", "ea", "ou"]
CODAS = ["", "", "n", "r", "s", "t", "l", "ck", "nd", "ng"]


class Value(Protocol):
    """Draw values of one property."""

    def draw(self, rng: random.Random) -> Any: ...


@cache
def vocabulary(size: int, shortest: int, longest: int, seed: int = 0) -> tuple[str, ...]:
    """Return `size` different pronounceable words whose lengths are `shortest` to `longest` characters."""
    rng = random.Random(f"{size} {shortest} {longest} {seed}")
    words: dict[str, None] = {}
    met = 0  # drawn again: short words run out, and longer ones follow
    while len(words) < size:
        word, length = "", rng.randint(shortest, longest) + met // (20 * size)
        while len(word) < length:
            word += rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS)
        met += word[:length] in words
        words[word[:length]] = None
    return tuple(words)


@dataclass(frozen=True)
class Words:
    """A vocabulary, and how skewed the choice from it is: 1 is uniform, 3 prefers the first words by far."""

    size: int = 7
    shortest: int = 3
    longest: int = 8
    skew: float = 1.0
    seed: int = 0

    def draw(self, rng: random.Random) -> str:
        return vocabulary(self.size, self.shortest, self.longest, self.seed)[int(self.size * rng.random() ** self.skew)]


@dataclass(frozen=True)
class Permission:
    """A word of a vocabulary, a colon, and a verb: `orders:read`."""

    nouns: Words = Words(12, 4, 9)
    verbs: tuple[str, ...] = ("read", "write", "delete", "admin")

    def draw(self, rng: random.Random) -> str:
        return f"{self.nouns.draw(rng)}:{rng.choice(self.verbs)}"


@dataclass(frozen=True)
class List:
    """A list of a random length. Where `distinct`, repeated elements are dropped; where `in_order`, they are sorted."""

    element: Value = Words()
    shortest: int = 4
    longest: int = 4
    distinct: bool = True
    in_order: bool = False

    def draw(self, rng: random.Random) -> list[Any]:
        elements = [self.element.draw(rng) for _ in range(rng.randint(self.shortest, self.longest))]
        if self.distinct:
            elements = [one for at, one in enumerate(elements) if one not in elements[:at]]
        return sorted(elements, key=str) if self.in_order else elements


@dataclass(frozen=True)
class Text:
    """A sentence of words of a vocabulary."""

    words: Words = Words(300, 2, 9, 2.0)
    fewest: int = 3
    most: int = 12

    def draw(self, rng: random.Random) -> str:
        return " ".join(self.words.draw(rng) for _ in range(rng.randint(self.fewest, self.most)))


@dataclass(frozen=True)
class Url:
    """A host, a path of words, and a query of some parameters in a random order."""

    sections: Words = Words(20, 4, 9)
    deepest: int = 3
    parameters: int = 2
    ids: bool = True

    def draw(self, rng: random.Random) -> str:
        path = "/".join(self.sections.draw(rng) for _ in range(rng.randint(1, self.deepest)))
        path += f"/{rng.randrange(100_000)}" if self.ids else ""
        names = rng.sample(["utm_source", "utm_medium", "ref", "page", "sort", "q", "lang"], self.parameters)
        query = "&".join(f"{name}={self.sections.draw(rng)}" for name in names)
        return f"https://www.example.com/{path}{'?' * bool(names)}{query}"


@dataclass(frozen=True)
class Id:
    """An id without repeats: `uuid`, `hex`, `base62`, or `counter` with a prefix."""

    form: str = "uuid"
    length: int = 16

    def draw(self, rng: random.Random) -> str:
        if self.form == "uuid":
            return str(uuid.UUID(int=rng.getrandbits(128), version=4))
        if self.form == "hex":
            return f"{rng.getrandbits(4 * self.length):0{self.length}x}"
        if self.form == "base62":
            letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
            return "".join(rng.choices(letters, k=self.length))
        return f"order-{rng.randrange(10**self.length)}"


@dataclass(frozen=True)
class Number:
    """An integer below `below`, or with `digits` a fraction with so many digits. `skew` is that of `Words`."""

    below: int = 1000
    digits: int = 0
    skew: float = 1.0

    def draw(self, rng: random.Random) -> int | float:
        drawn = self.below * rng.random() ** self.skew
        return round(drawn, self.digits) if self.digits else int(drawn)


@dataclass(frozen=True)
class Flag:
    """A boolean that is true with the probability `share`."""

    share: float = 0.5

    def draw(self, rng: random.Random) -> bool:
        return rng.random() < self.share


@dataclass(frozen=True)
class Constant:
    value: Any = "production"

    def draw(self, rng: random.Random) -> Any:
        del rng
        return self.value


@dataclass(frozen=True)
class Choice:
    """One of several values: a property whose type differs from event to event."""

    values: tuple[Value, ...] = (Number(), Words())

    def draw(self, rng: random.Random) -> Any:
        return rng.choice(self.values).draw(rng)


@dataclass(frozen=True)
class Members:
    """An object. Where `shuffled`, its members are in random order; each is there with the probability `share`."""

    members: tuple[tuple[str, Value], ...] = ()
    shuffled: bool = False
    share: float = 1.0

    def draw(self, rng: random.Random) -> dict[str, Any]:
        chosen = [member for member in self.members if self.share == 1 or rng.random() < self.share]
        if self.shuffled:
            rng.shuffle(chosen)
        return {name: value.draw(rng) for name, value in chosen}


def many(count: int, value: Value, names: Words | None = None) -> tuple[tuple[str, Value], ...]:
    """Return `count` members with that value and names of a vocabulary."""
    names = names or Words(count, 5, 12, seed=3)
    words = vocabulary(max(count, names.size), names.shortest, names.longest, names.seed)
    return tuple((name, value) for name in words[:count])


@dataclass(frozen=True)
class Kind:
    """One kind of event: its name and its properties beside those that each event has."""

    name: str
    properties: Members


@dataclass(frozen=True)
class Shape:
    """Kinds of events in random order, or in turn; from the middle on others, if there are any.

    `ids` draws the `$insert_id`; without it they are counted. `jitter` is how many seconds events are out of order.
    """

    kinds: tuple[Kind, ...]
    in_turn: bool = False
    later: tuple[Kind, ...] = ()
    ids: Value | None = Id("hex", 16)
    users: int = 3000
    jitter: int = 0

    def events(self, count: int = EVENTS, seed: int = 0) -> list[Event]:
        rng = random.Random(seed)
        events = []
        for number in range(count):
            kinds = self.later if self.later and number >= count // 2 else self.kinds
            kind = kinds[number % len(kinds)] if self.in_turn else rng.choice(kinds)
            required = {
                "time": NOW - 50_000 + number // 3 + int(rng.random() * self.jitter),
                "distinct_id": f"u{int(self.users * rng.random() ** 2):06d}",
                "$insert_id": self.ids.draw(rng) if self.ids else f"i{number:08x}",
            }
            events.append({"event": kind.name, "properties": required | kind.properties.draw(rng)})
        return events


def one_kind(*members: tuple[str, Value], shuffled: bool = False, share: float = 1.0) -> Shape:
    """Return a shape with one kind of event."""
    return Shape((Kind("Order Placed", Members(members, shuffled, share)),))
