"""`Stats`: counts over the life of a client. Each verdict is counted when it is entered."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from threading import RLock


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
        """What is not in the sums yet."""
        self._sums: tuple[Counter[str], dict[str, int]] = (Counter(), {})
        """The sums, and the last of `_added` that they have; replaced by one assignment."""
        self._lock = RLock()

    def add(self, **counts: int) -> None:
        """Add to the named counts."""
        self._added.append(counts)
        self._sum()

    def _sum(self) -> Counter[str]:
        """Return the sums of all that was added."""
        with self._lock:
            while self._added:
                sums, last = self._sums
                first = self._added[0]
                if first is not last:
                    more = sums.copy()
                    more.update(first)
                    following = more, first
                    if self._sums[1] is not last:  # a `__del__` added meanwhile
                        continue
                    self._sums = following
                if self._added and self._added[0] is first:
                    self._added.popleft()
            return self._sums[0]

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
