"""`Journal`: sums to which each entry is added by one append, so that it counts as a whole or not at all."""

from __future__ import annotations

from collections import deque
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from mixpress._core import bracket

if TYPE_CHECKING:
    from collections.abc import Callable

Sums = TypeVar("Sums")
Entry = TypeVar("Entry")

SUMMED = 256
"""How many entries wait until they are summed up."""


class Journal(Generic[Sums, Entry]):
    """Thread-safe and reentrant: a `__del__` may add in the middle of any call, and a signal handler may raise there.

    `append` is a function written in C, for `together`: several journals can get an entry in one step. `copy` returns a
    copy of the sums, and `add` adds an entry to one.
    """

    def __init__(self, start: Sums, copy: Callable[[Sums], Sums], add: Callable[[Sums, Entry], object]) -> None:
        self._added: deque[Entry] = deque()
        """What is not in the sums yet, after the last one that is, if that is still here."""
        self.append = self._added.append
        self._state: tuple[Sums, Any] = (start, None)
        """The sums, and the last of `_added` that they have; replaced by one assignment."""
        self._copy = copy
        self._add = add
        lock = RLock()
        self._locked = bracket(lock.acquire, lock.release)
        self._lock = lock

    def add(self, entry: Entry) -> None:
        """Add one entry."""
        self.append(entry)
        self.trim()

    def trim(self, most: int = SUMMED) -> None:
        """Sum up if `most` entries wait, which bounds the memory."""
        if len(self._added) >= most:
            self.sums()

    def sums(self) -> Sums:
        """Return the sums of all that was added, which must not be changed."""
        return self._locked(self._sum_up)

    def _sum_up(self) -> Sums:
        while True:
            sums, last = before = self._state
            added = list(self._added)
            start = next((place + 1 for place, one in enumerate(added) if one is last), 0)
            if start == len(added):
                return sums
            more = self._copy(sums)
            for entry in added[start:]:
                self._add(more, entry)
            following = more, added[-1]
            if self._state is before:  # no `__del__` summed up meanwhile
                self._state = following
                while self._added and self._added[0] is not self._state[1]:
                    self._added.popleft()
