"""Classes of values that a caller may use. Some of them misbehave."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping
from typing import Any


class Color(enum.Enum):
    TEXT = "a long text is in it"
    NUMBER = 7
    NESTED = {"a": [1.5, None]}  # noqa: RUF012 (a member, not a default)
    BROKEN = b"bytes"


class Word(str, enum.Enum):
    LONG = "a word, but a long one"
    SHORT = "word"


class Level(enum.IntEnum):
    HIGH = 10**30


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "a lie"


class Integer(int):
    def __str__(self) -> str:
        return "a lie"

    __repr__ = __str__


class Float(float):
    def __repr__(self) -> str:
        return "a lie"


@dataclasses.dataclass
class Point:
    x: Any
    y: Any = None


class Pairs(Mapping[Any, Any]):
    """A mapping of any pairs. Names may occur twice."""

    def __init__(self, pairs: list[tuple[Any, Any]]) -> None:
        self.pairs = pairs

    def __getitem__(self, name: Any) -> Any:
        raise KeyError(name)

    def __iter__(self) -> Iterator[Any]:
        return iter([name for name, _ in self.pairs])

    def __len__(self) -> int:
        return len(self.pairs)

    def items(self) -> Any:
        return self.pairs


class Lying(dict[Any, Any]):
    """An empty dict whose `items()` returns pairs."""

    def __init__(self, pairs: list[tuple[Any, Any]]) -> None:
        self.pairs = pairs

    def items(self) -> Any:
        return iter(self.pairs)


class Raising(dict[Any, Any]):
    """A dict whose `items()` raises."""

    def items(self) -> Any:
        raise RuntimeError("not today")


class Unpaired(Raising):
    """A dict whose `items()` does not return pairs."""

    def items(self) -> Any:
        return [1, 2, 3]
