"""`Keys`: find repeated values of the first column, in linear time and in about 16 bytes a row."""

from __future__ import annotations

from array import array
from heapq import nsmallest
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKETS = 256
"""Parts by hash. Only one of them at a time becomes a dict, which takes ten times the memory."""


class Repeated(NamedTuple):
    """A row whose key has the hash of an earlier row's key. Different keys have the same hash about never, so the keys
    must be compared."""

    row: int
    first: int


class Keys:
    """The hashes of the keys so far. A table of 100 MB can have 25 million rows, whose keys would take gigabytes."""

    def __init__(self) -> None:
        self._hashes = [array("q") for _ in range(BUCKETS)]
        self._rows = [array("q") for _ in range(BUCKETS)]

    def add(self, row: int, key: str) -> None:
        """Note the key of a row. Rows come in their order."""
        value = hash(key)  # seeded by the process, so that no table can be made for collisions
        self._hashes[value % BUCKETS].append(value)
        self._rows[value % BUCKETS].append(row)

    def repeated(self, most: int) -> tuple[list[Repeated], int]:
        """Return the first `most` repeated rows in their order, and the number of all."""
        first: list[Repeated] = []
        count = 0
        for hashes, rows in zip(self._hashes, self._rows, strict=True):
            if len(set(hashes)) < len(hashes):
                found = list(_repeated(hashes, rows))
                count += len(found)
                first = nsmallest(most, [*first, *found])
        return first, count


def _repeated(hashes: array[int], rows: array[int]) -> Iterator[Repeated]:
    firsts: dict[int, int] = {}
    for value, row in zip(hashes, rows, strict=True):
        if (first := firsts.setdefault(value, row)) != row:
            yield Repeated(row, first)
