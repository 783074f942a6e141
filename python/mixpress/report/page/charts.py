"""Charts as plain SVG. They are 400 units wide, so that their text can be read on a phone."""

from __future__ import annotations

import math
from itertools import count
from typing import TYPE_CHECKING

from mixpress.report.page.markup import Markup, element, joined
from mixpress.report.page.model import Columns, Line, Rows, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mixpress.report.page.model import Chart, Span

WIDTH = 400
LEFT, RIGHT, TOP = 44, 8, 12
PLOT_HEIGHT = 150
AXIS = 22
LANE = 26
SPACE = 12
ROW = 40
THICKEST = 56
NAME = 36
"""Characters of a name in a chart of rows; the table has the whole name."""


class Charts:
    """Draws the charts of one page, whose elements have ids of their own."""

    def __init__(self) -> None:
        self._ids: Iterator[int] = count(1)

    def draw(self, chart: Chart) -> Markup:
        """Return a chart as an SVG element."""
        if isinstance(chart, Columns):
            height, parts = TOP + PLOT_HEIGHT + AXIS, _columns(chart)
        elif isinstance(chart, Rows):
            height, parts = ROW * len(chart.bars), _rows(chart)
        else:
            height, parts = TOP + PLOT_HEIGHT + AXIS + SPACE + LANE * len(chart.lanes), _line(chart)
        number = next(self._ids)
        return element(
            "svg",
            element("title", chart.title, id=f"title-{number}"),
            element("desc", chart.description, id=f"text-{number}"),
            *parts,
            viewbox=f"0 0 {WIDTH} {height}",
            role="img",
            aria_labelledby=f"title-{number} text-{number}",
        )


def table_of(chart: Chart) -> Table:
    """Return the figures of a chart."""
    if isinstance(chart, Columns):
        return Table((chart.title, "Count"), [(name, exact(value)) for name, value in chart.bars], frozenset({1}))
    if isinstance(chart, Rows):
        return Table((chart.title, "Value"), [(name, text) for name, _, text in chart.bars], frozenset({1}))
    rows = [(f"{seconds:.1f}", exact(value)) for seconds, value in chart.points]
    return Table(("Seconds", chart.title), rows, frozenset({0, 1}))


def exact(value: float) -> str:
    """Return a number with all of its digits before the point."""
    return f"{value:,.0f}"


def short(value: float) -> str:
    """Return a number for an axis: `1.5k`, `30M`."""
    for unit in ("", "k", "M", "G"):
        if abs(value) < 999.5:
            return f"{value:.3g}{unit}"
        value /= 1000
    return f"{value:.3g}T"


def steps(most: float) -> list[float]:
    """Return two to five round values of an axis up to at least `most`, 0 included."""
    most = max(most, 1)
    size = 10 ** math.floor(math.log10(most))
    for step in (size / 5, size / 2, size, size * 2, size * 5):
        if step >= 1 and math.ceil(most / step) <= 4:
            return [step * number for number in range(math.ceil(most / step) + 1)]
    return [0, most]


def _columns(chart: Columns) -> Iterator[Markup]:
    values = [value for _, value in chart.bars]
    axis = steps(max(values, default=0))
    yield from _grid(axis)
    width = (WIDTH - LEFT - RIGHT) / max(len(values), 1)
    bar = min(width - min(2.0, width / 5), THICKEST)
    for number, (name, value) in enumerate(chart.bars):
        height = max(PLOT_HEIGHT * value / axis[-1], 1.5 if value else 0)
        yield element(
            "rect",
            element("title", f"{name}: {exact(value)}"),
            class_="bar",
            x=_round(LEFT + (number + 0.5) * width - bar / 2),
            y=_round(TOP + PLOT_HEIGHT - height),
            width=_round(bar),
            height=_round(height),
            rx=1 if width > 6 else None,
        )
    for number in _labelled(len(chart.bars)):
        place = LEFT + (number + 0.5) * width
        yield _text(chart.bars[number][0], place, TOP + PLOT_HEIGHT + 15, _anchor(place))


def _labelled(length: int) -> list[int]:
    """Return which columns have a name below: all if they fit, or the first, the middle and the last."""
    if length <= 5:
        return list(range(length))
    return sorted({0, length // 2, length - 1})


def _rows(chart: Rows) -> Iterator[Markup]:
    most = max((value for _, value, _ in chart.bars), default=0) or 1
    for number, (name, value, text) in enumerate(chart.bars):
        top = number * ROW
        shown = name if len(name) <= NAME else f"{name[: NAME - 1]}…"
        yield _text(shown, 0, top + 14, "start", "name")
        yield _text(text, WIDTH, top + 14, "end", "value")
        yield element("rect", class_="track", x=0, y=top + 20, width=WIDTH, height=9, rx=2)
        width = max(WIDTH * value / most, 2 if value else 0)
        bar = element("title", f"{name}: {text}")
        yield element("rect", bar, class_="bar", x=0, y=top + 20, width=_round(width), height=9, rx=2)


def _line(chart: Line) -> Iterator[Markup]:
    axis = steps(max((value for _, value in chart.points), default=0))
    yield from _grid(axis)
    end = max((seconds for seconds, _ in chart.points), default=0) or 1
    places = [(_across(seconds, end), TOP + PLOT_HEIGHT * (1 - value / axis[-1])) for seconds, value in chart.points]
    if places:
        path = " ".join(f"{_round(x)},{_round(y)}" for x, y in places)
        base = TOP + PLOT_HEIGHT
        area = f"{_round(places[0][0])},{base} {path} {_round(places[-1][0])},{base}"
        yield element("polygon", class_="area", points=area)
        yield element("polyline", class_="line", points=path)
    for number, (name, spans) in enumerate(chart.lanes):
        yield _lane(name, spans, TOP + PLOT_HEIGHT + SPACE + LANE * number, end)
    below = TOP + PLOT_HEIGHT + SPACE + LANE * len(chart.lanes) + 15
    for share in (0.0, 0.5, 1.0):
        place = _across(end * share, end)
        yield _text(f"{_seconds(end * share)}", place, below, _anchor(place))


def _lane(name: str, spans: Sequence[Span], top: float, end: float) -> Markup:
    """Return when something was waited for: the darker, the more of the time."""
    parts = [
        _text(name, LEFT, top + 9, "start", "lane-name"),
        element("rect", class_="track", x=LEFT, y=top + 12, width=WIDTH - LEFT - RIGHT, height=7),
    ]
    for span in spans:
        if span.share > 0:
            start, width = _across(span.start, end), _across(span.end, end) - _across(span.start, end)
            title = element("title", f"{span.start:.1f} to {span.end:.1f} s: {span.share:.0%} of the time")
            share = _round(0.25 + 0.75 * min(span.share, 1))
            parts.append(
                element(
                    "rect", title, class_="wait", x=_round(start), y=top + 12, width=_round(max(width, 1)), height=7,
                    fill_opacity=share,
                )
            )  # fmt: skip
    return joined(*parts)


def _grid(axis: Sequence[float]) -> Iterator[Markup]:
    for value in axis:
        height = _round(TOP + PLOT_HEIGHT * (1 - value / axis[-1]))
        yield element("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=height, y2=height)
        yield _text(short(value), LEFT - 5, height + 4, "end")


def _across(seconds: float, end: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * seconds / end


def _seconds(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"


def _anchor(place: float) -> str:
    """Return how a label is aligned, so that it stays within the chart."""
    if place < LEFT + 30:
        return "start"
    return "end" if place > WIDTH - RIGHT - 30 else "middle"


def _text(text: str, x: float, y: float, anchor: str, kind: str | None = None) -> Markup:
    return element("text", text, x=_round(x), y=_round(y), text_anchor=anchor, class_=kind)


def _round(value: float) -> float:
    return round(value, 2)
