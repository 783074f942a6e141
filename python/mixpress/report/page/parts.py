"""Sections that the pages of a check and of an import share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mixpress.report.measures import day_of, largest_size
from mixpress.report.page.model import Columns, Rows, Section

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_COLUMNS = 92
"""Columns of a chart: three months of days. More days are put together."""
MAX_SPAN = 40_000
"""Days from the first to the last one in a chart; those beyond are counted in the text."""


def events_by_day(days: Mapping[int, int], text: str = "") -> Section:
    """Return the chart of events a day."""
    counts = {day: count for day, count in days.items() if 0 <= day < MAX_SPAN}
    if not counts:
        return Section("Events a day", "No event has a day.")
    first, last = min(counts), max(counts)
    width = math.ceil((last - first + 1) / MAX_COLUMNS)
    sums = [0] * math.ceil((last - first + 1) / width)
    for day, count in counts.items():
        sums[(day - first) // width] += count
    bars = [(day_of(first + number * width), float(count)) for number, count in enumerate(sums)]
    best = max(counts, key=counts.__getitem__)
    words = [text, f"{day_of(first)} to {day_of(last)}, in UTC; most on {day_of(best)}: {counts[best]:,}."]
    if width > 1:
        words.append(f"Each column is {width} days.")
    beyond = sum(days.values()) - sum(counts.values())
    if beyond:
        words.append(f"{beyond:,} events are of days beyond the chart.")
    said = " ".join(filter(None, words))
    title = "Events a day" if width == 1 else f"Events in {width} days"
    return Section(title, said, Columns(title, said, bars))


def sizes(counts: Mapping[int, int], what: str = "event") -> Section:
    """Return the distribution of the sizes of events, or of updates of profiles."""
    title = f"Sizes of {what}s"
    if not counts:
        return Section(title, f"No {what} was encoded.")
    bars = [
        (_binary(largest_size(number)), float(counts.get(number, 0))) for number in range(min(counts), max(counts) + 1)
    ]
    said = f"{what.title()}s by the bytes of their JSON: each column is for at most so many."
    return Section(title, said, Columns(title, said, bars))


def _binary(size: int) -> str:
    """Return a power of two with its unit."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size} {unit}"
        size //= 1024
    return f"{size:,} GiB"


def compression(raw: int, packed: int, what: str = "sent") -> Section:
    """Return the bytes before and after gzip."""
    if not raw:
        return Section("Compression", "Nothing was encoded.")
    said = f"Gzip leaves {packed / raw:.1%} of the JSON." if packed else "Nothing was sent."
    bars = [("JSON", float(raw), in_units(raw)), (f"gzipped, {what}", float(packed), in_units(packed))]
    return Section("Compression", said, Rows("Bytes before and after gzip", said, bars))


def in_units(size: float) -> str:
    """Return a size with its unit."""
    for unit in ("B", "kB", "MB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.4g} GB"
