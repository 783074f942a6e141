"""`Allotment`: lends the limit of one endpoint to workers. No lock, no clock, no I/O: the time is an argument.

An amount is in one of four states: free, lent to a worker, used, or ready for a worker that waits. What a worker used
counts from the moment it says so, which is after the server received it. So no `seconds` of the server's clock see more
than the limit, whatever happens between the two.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mixpress.lease.amount import NOTHING, Amount
from mixpress.send.rate_limit import RollingSum

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mixpress.send.rate_limit import RateLimit

SLICE = 2.0
"""Seconds for which a slice is valid, and the most that one is for: this much of the limit's time."""
SLOTS = 600
"""Parts of the limit's time in which uses are counted together, as of the last moment of the next part: the server may
count in parts, too. 0.1 s of a minute."""


class Wait(NamedTuple):
    """What a worker waits for."""

    since: float
    need: Amount
    """The next request. A part of it is of no use."""
    want: Amount
    """All that the worker can use soon, `need` included."""


class Allotment:
    """Shares one limit among workers, which are known by numbers.

    A worker that asks gets what is free: all that it wants if that is enough for all who wait, else a part in
    proportion to what they want, in whole requests. What is not enough for a request of each goes to those that have
    waited longest. After a worker waited for `SLICE` seconds, nothing that it needs is given to another. `now` must not
    decrease.
    """

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self._all = Amount(limit.events, limit.bytes)
        self._most = self._all.times(min(1.0, SLICE / limit.seconds))
        self._slot = limit.seconds / SLOTS
        self._used = RollingSum(limit.seconds)
        self._lent: dict[int, Amount] = {}
        """What each worker may use, or has used and not said so."""
        self._ready: dict[int, Amount] = {}
        """What the next `ask` of a worker returns."""
        self._waits: dict[int, Wait] = {}
        self.lent = NOTHING
        """What workers have, or can collect."""

    def join(self, worker: int, now: float, held: Amount = NOTHING, past: Iterable[tuple[float, Amount]] = ()) -> None:
        """Add a worker. `held`: its requests without an answer. `past`: answered requests that no server counts, with
        their ages in seconds.
        """
        self._lent[worker] = held
        self.lent += held
        for age, amount in past:
            self._count(now - age, amount)

    def ask(self, worker: int, now: float, *, used: Amount, back: Amount, need: Amount, want: Amount) -> Amount:
        """Count what was used, take what comes back, and return what the worker gets now, perhaps nothing."""
        self._count(now, used)
        got, had = self._ready.pop(worker, NOTHING), self._lent[worker]
        kept = had - used - back
        self.lent = self.lent - had + kept
        self._lent[worker] = kept + got
        before = self._waits.pop(worker, None)
        rest = want.at_least(need) - (got if got.covers(need) else NOTHING)
        if need and rest.covers(need):
            self._waits[worker] = Wait(before.since if before else now, need, rest)
        self._share(now)
        more = self._ready.pop(worker, NOTHING)
        self._lent[worker] += more
        return got + more

    def leave(self, worker: int, now: float) -> None:
        """Remove a worker. What it has not returned may have been used until now."""
        lent = self._lent.pop(worker)
        self._count(now, lent)
        self.lent = self.lent - lent - self._ready.pop(worker, NOTHING)
        self._waits.pop(worker, None)

    def room_at(self, worker: int, now: float) -> float:
        """Return the seconds until what a worker needs can be free, if no other returns anything; 0.0 if it is not
        waiting.
        """
        if worker not in self._waits:
            return 0.0
        need = self._waits[worker].need.at_most(self._all)
        events, size = (
            self._all.events - self.lent.events - need.events,
            self._all.bytes - self.lent.bytes - need.bytes,
        )
        return max(0.0, self._used.room_at(lambda *used: used[0] <= events and used[1] <= size) - now)

    def used(self, now: float) -> Amount:
        """Return what counts as used."""
        self._used.forget(now)
        return Amount(self._used.events, self._used.bytes)

    @property
    def workers(self) -> int:
        """The number of workers."""
        return len(self._lent)

    @property
    def waiting(self) -> int:
        """The number of workers that wait."""
        return len(self._waits)

    def _count(self, then: float, amount: Amount) -> None:
        if amount:
            slot = (math.floor(then / self._slot) + 2) * self._slot
            self._used.add(slot, int(amount.events), int(amount.bytes))

    def _share(self, now: float) -> None:
        """Make ready what is free for those who wait."""
        free = self._all - self.used(now) - self.lent
        if not self._waits or free.events <= 0 or free.bytes <= 0:
            return
        waits = sorted(self._waits.items(), key=lambda item: item[1].since)
        given: dict[int, Amount] = {}
        for worker, wait in waits:
            if now - wait.since >= SLICE:
                if self._fits(wait.need, free):
                    given[worker] = wait.need
                free -= wait.need
        rest = {worker: self._slice(wait) - given.get(worker, NOTHING) for worker, wait in waits}
        part = free.holds(sum(rest.values(), NOTHING))
        for worker, wait in waits:
            more = rest[worker] if part >= 1 else _requests(rest[worker].times(part), wait.need)
            given[worker] = given.get(worker, NOTHING) + more
            free -= more
        for worker, wait in waits:
            if not given[worker] and self._fits(wait.need, free):
                given[worker] = wait.need
                free -= wait.need
        for worker, amount in given.items():
            if amount:
                self._ready[worker] = amount
                self.lent += amount
                del self._waits[worker]

    def _fits(self, need: Amount, free: Amount) -> bool:
        """Return whether a request may be lent. One that is larger than the limit may if all is free."""
        return free.covers(need.at_most(self._all))

    def _slice(self, wait: Wait) -> Amount:
        """Return what a worker gets if there is enough: a slice, but at least one request."""
        if self._most.covers(wait.want):
            return wait.want
        return _requests(wait.want.at_most(self._most), wait.need) or wait.need


def _requests(most: Amount, each: Amount) -> Amount:
    """Return whole requests of which all are within `most`."""
    return each.times(math.floor(most.holds(each)))
