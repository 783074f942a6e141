"""Classes of values that a caller may use. Some of them misbehave."""

from __future__ import annotations

import dataclasses
import enum
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import attrs
import msgspec
import pydantic


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


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Tier(enum.Enum):
    """An Enum whose value is computed, and of whose members one is the value of another."""

    FREE = Color.NESTED
    PAID = 1.5

    @property
    def value(self) -> Any:
        return self._value_


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


@dataclasses.dataclass(slots=True)
class Slotted:
    x: Any
    y: Any = None


@dataclasses.dataclass(frozen=True)
class Frozen:
    x: Any
    y: Any = dataclasses.field(init=False, default_factory=list)
    z: Any = None


class Derived(Point):
    """A dataclass's subclass, with an attribute of the class where the object has none."""

    def __init__(self, x: Any, y: Any) -> None:
        self.more = x
        self.x = x
        if y is not None:
            self.y = y


@attrs.define
class Attributes:
    x: Any
    y: Any = None


class Struct(msgspec.Struct):
    x: Any
    y: Any = None


class Model(pydantic.BaseModel):
    x: Any
    secret: Any = pydantic.Field("hidden", exclude=True)


class Named(NamedTuple):
    x: Any
    y: Any


class Listed(list[Any]):
    """A list that is read by its elements."""


class Iterated(list[Any]):
    """A list that is read by its iterator."""

    def __iter__(self) -> Iterator[Any]:
        return iter(["its own", len(self)])


class Names(dict[Any, Any]):
    """A dict that is read by its members."""


def moved(members: dict[Any, Any]) -> OrderedDict[Any, Any]:
    """Return an OrderedDict whose first member was moved to the end."""
    moved = OrderedDict(members)
    if moved:
        moved.move_to_end(next(iter(moved)))
    return moved


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
