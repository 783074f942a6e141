"""What a report's page has, apart from how it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Tone = Literal["plain", "good", "bad"]


@dataclass(frozen=True)
class Figure:
    """A number with its name."""

    name: str
    value: str
    tone: Tone = "plain"
    note: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of texts. A column of numbers is aligned to the right."""

    names: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int] = frozenset()
    """Positions of the columns of numbers."""
    note: str = ""
    """What is missing, such as rows beyond a bound."""


@dataclass(frozen=True)
class Columns:
    """A chart of upright bars side by side: days, classes of sizes."""

    title: str
    description: str
    bars: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Rows:
    """A chart of bars below each other, each with its name and its value as text."""

    title: str
    description: str
    bars: Sequence[tuple[str, float, str]]


@dataclass(frozen=True)
class Span:
    """A part of the time with a share of it, from 0 to 1."""

    start: float
    end: float
    share: float


@dataclass(frozen=True)
class Line:
    """A chart of a value over time, in seconds, above lanes that say when something was waited for."""

    title: str
    description: str
    points: Sequence[tuple[float, float]]
    lanes: Sequence[tuple[str, Sequence[Span]]] = ()


Chart = Columns | Rows | Line


@dataclass(frozen=True)
class Section:
    """A heading with a text, a chart, a table or several of these."""

    heading: str
    text: str = ""
    chart: Chart | None = None
    table: Table | None = None
    wide: bool = False
    """Whether it needs the whole width: a table to be read, not one behind a chart."""


@dataclass(frozen=True)
class Page:
    """A report."""

    title: str
    ok: bool
    verdict: str
    """A sentence."""
    facts: Sequence[tuple[str, str]] = ()
    """Name and value: files, server, time."""
    figures: Sequence[Figure] = ()
    sections: Sequence[Section] = field(default=())
