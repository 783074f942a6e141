"""`Amount`: a number of events and of uncompressed bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Amount:
    """Events, and their bytes before gzip: integers, or infinity in a limit."""

    events: float = 0
    bytes: float = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.events + other.events, self.bytes + other.bytes)

    def __sub__(self, other: Amount) -> Amount:
        """Return what is left, at least nothing."""
        return Amount(max(0, self.events - other.events), max(0, self.bytes - other.bytes))

    def __bool__(self) -> bool:
        return self.events > 0 or self.bytes > 0

    def covers(self, other: Amount) -> bool:
        """Return whether `other` fits."""
        return other.events <= self.events and other.bytes <= self.bytes

    def at_most(self, other: Amount) -> Amount:
        """Return the smaller number of each."""
        return Amount(min(self.events, other.events), min(self.bytes, other.bytes))

    def at_least(self, other: Amount) -> Amount:
        """Return the larger number of each."""
        return Amount(max(self.events, other.events), max(self.bytes, other.bytes))

    def times(self, number: float) -> Amount:
        """Return a multiple, without a fraction."""
        return Amount(_whole(self.events * number), _whole(self.bytes * number))

    def holds(self, other: Amount) -> float:
        """Return how many times `other` fits; infinity for nothing."""
        events = self.events / other.events if other.events else math.inf
        size = self.bytes / other.bytes if other.bytes else math.inf
        return min(events, size)


NOTHING = Amount()


def _whole(number: float) -> float:
    return number if number == math.inf else int(number)
