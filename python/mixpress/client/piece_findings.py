"""`PieceFindings`: what the encoder truncated and warned about in a piece, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress._core import Finding, Truncation
    from mixpress.client.encoding import Encoding

Found = TypeVar("Found")


class PieceFindings:
    """The counts by path and by rule, and the first of each, with its index in the whole input."""

    def __init__(self, encoding: Encoding, base: int) -> None:
        self._records = encoding.result.records
        self._base = base
        encoded = encoding.result.encoded
        self._cuts: dict[str, Truncation] = {}
        self._warned: dict[str, Finding] = {}
        self.truncated = self._count(encoded.truncated, "path", self._cuts)
        self.warnings = self._count(encoded.warnings, "rule", self._warned)

    def _count(self, found: Sequence[Found], key: str, firsts: dict[str, Found]) -> dict[str, int]:
        counts: dict[str, int] = {}
        for one in found:
            name = getattr(one, key)
            if name not in counts:
                firsts[name] = self._in_input(one)
            counts[name] = counts.get(name, 0) + 1
        return counts

    def _in_input(self, found: Found) -> Found:
        """Return a copy with another index. Its first value, by which it is pickled, is the index in the piece."""
        reduced: Any = found.__reduce__()
        restore, (values, *others) = reduced
        state = (self._base + self._records[values[0]], *values[1:])
        return restore(state, *others)  # type: ignore[no-any-return]

    def first_truncation(self, path: str) -> Truncation | None:
        """Return the first truncated string with this path, or None."""
        return self._cuts.get(path)

    def first_warning(self, rule: str) -> Finding | None:
        """Return the first warning of this rule, or None."""
        return self._warned.get(rule)
