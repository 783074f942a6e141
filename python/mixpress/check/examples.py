"""`Findings`: how often something was found, each with its first places."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mixpress.files.piece import Piece
    from mixpress.report.place import Place

EXAMPLES = 3
"""Places that are kept of each finding."""
MAX_KINDS = 1000
"""Kinds that are counted one by one; further ones are counted under `OTHER`."""
OTHER = "other"


@dataclass
class Example:
    """One place at which something was found."""

    message: str
    field: str = ""
    place: Place | None = None

    def as_dict(self) -> dict[str, object]:
        """Return it for JSON."""
        place = self.place
        found: dict[str, object] = {
            "place": str(place) if place else None,
            "field": self.field,
            "message": self.message,
        }
        if place is not None:
            found |= {"file": place.file, "line": place.line, "row": place.row, "offset": place.offset}
        return found


@dataclass
class Finding:
    """How often one kind was found."""

    count: int = 0
    examples: list[Example] = field(default_factory=list)


class Findings:
    """Findings by their kind, in the order of their first occurrences."""

    def __init__(self) -> None:
        self.by_kind: dict[str, Finding] = {}

    def __iter__(self) -> Iterator[tuple[str, Finding]]:
        """Iterate over the kinds, the most frequent first."""
        return iter(sorted(self.by_kind.items(), key=lambda item: -item[1].count))

    @property
    def count(self) -> int:
        """Return how often any kind was found."""
        return sum(finding.count for finding in self.by_kind.values())

    def of(self, kind: str) -> Finding:
        """Return the finding of a kind."""
        found = self.by_kind.get(kind)
        if found is None:
            kind = kind if len(self.by_kind) < MAX_KINDS else OTHER
            found = self.by_kind.setdefault(kind, Finding())
        return found


class Wanted:
    """Examples in one piece whose places are looked up together, as each look-up may scan the piece."""

    def __init__(self) -> None:
        self._examples: list[tuple[int, Example]] = []

    def add(self, finding: Finding, record: int, message: str, field: str = "") -> None:
        """Keep an example of a finding, if it has fewer than three."""
        if len(finding.examples) < EXAMPLES:
            example = Example(message, field)
            finding.examples.append(example)
            self._examples.append((record, example))

    def find_places(self, piece: Piece) -> None:
        """Look up the places."""
        records = sorted({record for record, _ in self._examples})
        if records:
            places = dict(zip(records, piece.places(records), strict=True))
            for record, example in self._examples:
                example.place = places[record]
