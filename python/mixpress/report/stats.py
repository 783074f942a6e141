"""`Stats`: counts over the life of a client. Each verdict is counted when it is entered."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from threading import RLock

SUMMED = 256
"""How many additions wait until they are summed up."""


@dataclass(frozen=True)
class Stats:
    """What a client has done in this process; a forked child starts from zero.

    `accepted == imported + rejected + refused + undelivered + dropped + pending`, always: `accepted` counts every event
    that was handed in, including those that broke a rule or were dropped. It excludes events that `QueueFull` gave back
    to the caller. Of an import that is under way, it counts the batches that were packed.
    """

    accepted: int
    imported: int
    rejected: int
    refused: int
    undelivered: int
    dropped: int
    """Events that found the queue full, with `on_full="drop"`."""
    pending: int
    """Events that wait or are under way."""
    requests: int
    retried: int
    """Requests that repeated an earlier one."""
    throttled: int
    """Requests that the server answered with 429."""
    bytes: int
    """Bytes of the bodies that were sent, the retries included."""


class Totals:
    """The counts behind `Stats`. Thread-safe and reentrant: a `__del__` may add in the middle of `add`, and a signal
    handler may raise there. A call counts as a whole or not at all.
    """

    def __init__(self) -> None:
        self._added: deque[dict[str, int]] = deque()
        """What is not in the sums yet, after the last one that is, if that is still here."""
        self._sums: tuple[Counter[str], dict[str, int] | None] = (Counter(), None)
        """The sums, and the last of `_added` that they have; replaced by one assignment."""
        self._lock = RLock()

    def add(self, **counts: int) -> None:
        """Add to the named counts."""
        self._added.append(counts)
        if len(self._added) >= SUMMED:
            self._sum()

    def _sum(self) -> Counter[str]:
        """Return the sums of all that was added."""
        with self._lock:
            while True:
                sums, last = before = self._sums
                added = list(self._added)
                start = next((place + 1 for place, one in enumerate(added) if one is last), 0)
                if start == len(added):
                    return sums
                more = sums.copy()
                for counts in added[start:]:
                    more.update(counts)
                following = more, added[-1]
                if self._sums is before:  # no `__del__` summed up meanwhile
                    self._sums = following
                    while self._added and self._added[0] is not self._sums[1]:
                        self._added.popleft()

    def stats(self, waiting: int) -> Stats:
        """Return the stats; `waiting` is how many accepted events are not counted here yet."""
        counts = self._sum()
        verdicts = sum(counts[name] for name in ("imported", "rejected", "refused", "undelivered", "dropped"))
        accepted = counts["accepted"] + waiting
        return Stats(
            accepted=accepted,
            imported=counts["imported"],
            rejected=counts["rejected"],
            refused=counts["refused"],
            undelivered=counts["undelivered"],
            dropped=counts["dropped"],
            pending=accepted - verdicts,
            requests=counts["requests"],
            retried=counts["retries"],
            throttled=counts["throttled"],
            bytes=counts["bytes_sent"],
        )
