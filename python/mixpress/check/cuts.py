"""`Cuts`: the texts that are longer than the API stores."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mixpress.check.examples import MAX_KINDS, OTHER, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mixpress._core import Truncation
    from mixpress.check.examples import Wanted

ADVICE = {
    "url": "send the URL's host, path and parameters as separate properties: --long-url parse",
    "json": "send the members of the JSON as separate properties: --long-json flatten",
    "text": "leave the text out if no report needs it: --long-text drop",
}

_INDEX = re.compile(r"\[\d+\]")


@dataclass
class Cut(Finding):
    """The texts at one path that are cut."""

    longest: int = 0
    advice: Counter[str] = field(default_factory=Counter)
    """How many are a URL, JSON or other text."""

    @property
    def usual(self) -> str:
        """Return the most frequent kind."""
        return max(self.advice, key=self.advice.__getitem__)


class Cuts:
    """The texts that are cut, by their path; all elements of an array have one path."""

    def __init__(self) -> None:
        self.by_path: dict[str, Cut] = {}

    def __iter__(self) -> Iterator[tuple[str, Cut]]:
        """Iterate over the paths, the most frequent first."""
        return iter(sorted(self.by_path.items(), key=lambda item: -item[1].count))

    @property
    def count(self) -> int:
        """Return the number of texts that are cut."""
        return sum(cut.count for cut in self.by_path.values())

    def add(self, truncated: Sequence[Truncation], records: Sequence[int], wanted: Wanted) -> None:
        """Count what was cut in the events of a piece."""
        for found in truncated:
            path = _INDEX.sub("[]", found.path) if "[" in found.path else found.path
            if path not in self.by_path and len(self.by_path) >= MAX_KINDS:
                path = OTHER
            cut = self.by_path.setdefault(path, Cut())
            cut.count += 1
            cut.longest = max(cut.longest, found.length)
            cut.advice[found.advice] += 1
            wanted.add(cut, records[found.index], f"{found.length:,} characters", found.path)
