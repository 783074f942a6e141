"""The last entries of a log: bounded in number and in memory."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_Entry = TypeVar("_Entry")


class Kept(Generic[_Entry]):
    """The last `count` entries, or fewer if they have more than `most` bytes together; the last one is always kept.

    `size` returns the bytes of an entry.
    """

    def __init__(self, count: int, most: int, size: Callable[[_Entry], int]) -> None:
        self._entries: deque[tuple[_Entry, int]] = deque()
        self._count = count
        self._most = most
        self._size = size
        self._bytes = 0

    def extend(self, entries: Iterable[_Entry]) -> None:
        """Add entries, and drop the oldest ones beyond the bounds."""
        for entry in entries:
            size = self._size(entry)
            self._entries.append((entry, size))
            self._bytes += size
            while len(self._entries) > self._count or (self._bytes > self._most and len(self._entries) > 1):
                self._bytes -= self._entries.popleft()[1]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[_Entry]:
        """Iterate from the oldest to the last."""
        return (entry for entry, _ in self._entries)
