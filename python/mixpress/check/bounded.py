"""Counts whose memory does not grow with the input."""

from __future__ import annotations

import tempfile
from array import array
from collections import Counter
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator
    from typing import IO

Key = TypeVar("Key", bound="Hashable")

PARTITIONS = 256
"""Hashes are counted one partition at a time."""
IN_MEMORY = 4_000_000
"""Hashes that are kept before they go to a file, 8 bytes each."""
REMEMBERED = 100_000
"""Hashes that are remembered one by one, so that the places of the first duplicates are known."""

_WIDTH = 8


class HeavyCounts(Generic[Key]):
    """Counts of keys, of which at most `most` are kept. The counts are exact until more keys than that were met.

    From then on, keys with small counts are forgotten, and one that returns starts again from zero. A count is then too
    low by at most `error`, so a key with a higher count than `error` is never missed.
    """

    def __init__(self, most: int) -> None:
        self.counts: Counter[Key] = Counter()
        self.error = 0
        self._most = most

    @property
    def is_exact(self) -> bool:
        """Whether no key was forgotten."""
        return self.error == 0

    def update(self, keys: Iterable[Key]) -> None:
        """Count keys."""
        self.counts.update(keys)
        if len(self.counts) > self._most:
            self._forget()

    def _forget(self) -> None:
        """Forget the keys with the smallest counts, at least half of all."""
        ascending = sorted(self.counts.values())
        smallest = ascending[len(ascending) - self._most // 2 - 1]
        self.counts = Counter({key: count for key, count in self.counts.items() if count > smallest})
        self.error += smallest


class Repeats:
    """How many hashes occurred before, among any number of them: exact, in 32 MB of memory and a temporary file.

    Keys that differ have the same hash of 64 bits once in some hundred million keys.
    """

    def __init__(self, in_memory: int = IN_MEMORY, remembered: int = REMEMBERED) -> None:
        self.total = 0
        self._limit = in_memory
        self._remembered = remembered
        self._first: set[int] = set()
        self._parts = _empty()
        self._held = 0
        self._file: IO[bytes] | None = None
        self._segments: list[list[tuple[int, int]]] = [[] for _ in range(PARTITIONS)]

    def add(self, hashes: list[int]) -> list[int]:
        """Count hashes. Return the positions of some that were met before: of those that repeat an early one."""
        found = []
        if len(self._first) < self._remembered:
            found = self._positions(hashes)
        elif not self._first.isdisjoint(hashes):
            found = [position for position, one in enumerate(hashes) if one in self._first]
        parts = self._parts
        for one in hashes:
            parts[one & 255].append(one)
        self.total += len(hashes)
        self._held += len(hashes)
        if self._held > self._limit:
            self._spill()
        return found

    def _positions(self, hashes: list[int]) -> list[int]:
        found = []
        for position, one in enumerate(hashes):
            if one in self._first:
                found.append(position)
            else:
                self._first.add(one)
        return found

    def _spill(self) -> None:
        """Append the partitions to the file. A full disk is an `OSError`."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="mixpress-check-")  # noqa: SIM115 - closed by `close`
        for part, segments in zip(self._parts, self._segments, strict=True):
            segments.append((self._file.tell(), len(part)))
            part.tofile(self._file)
        self._parts, self._held = _empty(), 0

    def count(self) -> int:
        """Return how many hashes occurred before."""
        return self.total - sum(len(set(part)) for part in self._whole_parts())

    def _whole_parts(self) -> Iterator[array[int]]:
        for part, segments in zip(self._parts, self._segments, strict=True):
            whole = array("q", part)
            for start, length in segments:
                if self._file is not None:
                    self._file.seek(start)
                    whole.frombytes(self._file.read(length * _WIDTH))
            yield whole

    def close(self) -> None:
        """Remove the temporary file."""
        if self._file is not None:
            self._file.close()


def _empty() -> list[array[int]]:
    return [array("q") for _ in range(PARTITIONS)]
