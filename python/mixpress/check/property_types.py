"""`PropertyTypes`: which types of values each property has."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from mixpress.check.examples import Findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress.check.examples import Finding, Wanted

MAX_PROPERTIES = 5000
"""Properties whose types are counted; those that come later are not."""
MAX_HELD = 100_000
"""Names in the shapes that are counted before they are summed up."""

WORDS = {str: "text", int: "number", float: "number", bool: "boolean", list: "list", dict: "object"}
"""The type of a value in a report; null has none."""

Shape = tuple[tuple[str, ...], tuple[type, ...]]


class PropertyTypes:
    """Counts of the types of each property.

    Events of one kind have the same names and types. Such a shape is counted as one key, so an event costs two tuples.
    """

    def __init__(self) -> None:
        self.left_out = False
        """Whether some properties were not counted."""
        self._shapes: Counter[Shape] = Counter()
        self._known: set[Shape] = set()
        """The keys of `_shapes`."""
        self._held = 0
        self._firsts: dict[str, Findings] = {}

    def add(self, properties: list[dict[str, Any]], records: Sequence[int], wanted: Wanted) -> None:
        """Count the types of some events' properties."""
        shapes = [(tuple(found), tuple(map(type, found.values()))) for found in properties]
        before = len(self._shapes)
        self._shapes.update(shapes)
        if len(self._shapes) > before:
            new = set(shapes) - self._known
            self._add_firsts(new, shapes, properties, records, wanted)
            self._known |= new
            self._held += sum(len(names) for names, _ in new)
            if self._held > MAX_HELD:
                self._sum_up()

    def _add_firsts(
        self,
        new: set[Shape],
        shapes: list[Shape],
        properties: list[dict[str, Any]],
        records: Sequence[int],
        wanted: Wanted,
    ) -> None:
        """Keep the place of the first value of each type of a property."""
        left = set(new)
        for position, shape in enumerate(shapes):
            if shape not in left:
                continue
            left.discard(shape)
            for name, kind in zip(*shape, strict=True):
                finding = self._first(name, WORDS.get(kind))
                if finding is not None and not finding.examples:
                    wanted.add(finding, records[position], _shown(properties[position][name]), name)

    def _first(self, name: str, word: str | None) -> Finding | None:
        """Return where the first place of a type belongs; None for null and beyond the bound."""
        if word is None:
            return None
        found = self._firsts.get(name)
        if found is None:
            if len(self._firsts) >= MAX_PROPERTIES:
                self.left_out = True
                return None
            found = self._firsts[name] = Findings()
        return found.of(word)

    def _sum_up(self) -> None:
        for (names, types), count in self._shapes.items():
            for name, kind in zip(names, types, strict=True):
                if kind in WORDS and name in self._firsts:
                    self._firsts[name].of(WORDS[kind]).count += count
        self._shapes.clear()
        self._known.clear()
        self._held = 0

    def conflicts(self) -> list[tuple[str, Findings]]:
        """Return the properties with values of several types."""
        self._sum_up()
        return [(name, found) for name, found in self._firsts.items() if len(found.by_kind) > 1]

    @property
    def names(self) -> int:
        """Return the number of properties that are counted."""
        return len(self._firsts)


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
