"""What a value can be, as JSON means it. Every source gives these, one level at a time; the rules see nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Text:
    """Text. `spelled` is its JSON spelling where it came as JSON text; `instant` the aware datetime that it was."""

    value: str
    spelled: str | None = None
    instant: datetime | None = None


@dataclass(frozen=True)
class Number:
    """A number by its JSON spelling: an integer unless there is a point or an exponent in it."""

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


@dataclass(frozen=True)
class Array:
    """A list; what is in it has not been looked at."""

    elements: list[Any]


@dataclass(frozen=True)
class Object:
    """Names and values; no value has been looked at. `repeated`: the names that JSON text gave more than once."""

    members: list[tuple[Any, Any]]
    repeated: frozenset[str] = frozenset()

    def has(self, name: str) -> bool:
        return any(isinstance(key, Text) and key.value == name for key, _ in self.members)


@dataclass(frozen=True)
class Unsupported:
    """A value that JSON has no form for."""


Node = Text | Number | Literal | NotANumber | Array | Object | Unsupported
NULL = Literal("null")
