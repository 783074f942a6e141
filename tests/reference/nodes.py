"""The kinds of values that JSON has. Each source makes these nodes, one level at a time; the rules know only them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Text:
    """A text. `spelled` is its spelling, if it was read from JSON; `instant` the aware datetime that it was made of."""

    value: str
    spelled: str | None = None
    instant: datetime | None = None


@dataclass(frozen=True)
class Number:
    """A number, as JSON spells it. It is an integer if it has neither a decimal point nor an exponent."""

    spelled: str

    @property
    def is_integer(self) -> bool:
        return not set(self.spelled) & set(".eE")


@dataclass(frozen=True)
class Literal:
    """`true`, `false` or `null`."""

    spelled: str


@dataclass(frozen=True)
class NotANumber:
    """NaN or an infinity."""


def number_of(spelled: str) -> Number | NotANumber:
    """Return the node of a number. One that no double can hold is no number, as an infinity is none."""
    return Number(spelled) if math.isfinite(float(spelled)) else NotANumber()


@dataclass(frozen=True)
class Array:
    """A list. Its elements are not nodes yet."""

    elements: list[Any]


@dataclass(frozen=True)
class Object:
    """An object. Its values are not nodes yet. `repeated` holds the names that the JSON text has more than once."""

    members: list[tuple[Any, Any]]
    repeated: frozenset[str] = frozenset()

    def has(self, name: str) -> bool:
        return any(isinstance(key, Text) and key.value == name for key, _ in self.members)


@dataclass(frozen=True)
class Unsupported:
    """A value without a JSON form."""


Node = Text | Number | Literal | NotANumber | Array | Object | Unsupported
NULL = Literal("null")
