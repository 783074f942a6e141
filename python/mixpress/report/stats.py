"""`Stats`: counts over the life of a client. Each verdict is counted when it is entered."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from mixpress.report.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterable


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


def added(stats: Iterable[Stats]) -> Stats:
    """Return the sums of several stats."""
    return Stats(*map(sum, zip(*map(astuple, stats), strict=True)))


class Totals:
    """The counts behind `Stats`. Thread-safe and reentrant; see `Journal`."""

    def __init__(self) -> None:
        self._journal: Journal[Counter[str], dict[str, int]] = Journal(Counter(), Counter.copy, Counter.update)
        self._lock = self._journal._lock
        self.append = self._journal.append
        """Adds to the named counts in one step, so that `together` can do it in one with another."""

    def add(self, **counts: int) -> None:
        """Add to the named counts."""
        self._journal.add(counts)

    def trim(self) -> None:
        """Bound the memory after calls of `append`."""
        self._journal.trim()

    def stats(self, waiting: int) -> Stats:
        """Return the stats; `waiting` is how many accepted events are not counted here yet."""
        counts = self._journal.sums()
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
