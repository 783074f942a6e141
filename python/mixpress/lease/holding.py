"""`Holding`: what a worker has borrowed, and what it says to the server. No lock, no clock, no I/O.

The server counts what was used from the moment the worker says so. So a request is reported when it has its answer:
until then it may still reach the API.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mixpress.lease.amount import NOTHING, Amount
from mixpress.send.rate_limit import RateLimit, RateLimiter, RollingSum

if TYPE_CHECKING:
    from collections.abc import Hashable

AHEAD = 0.25
"""Seconds: a worker wants what it took in the last such time in addition to what waits. Without a request in this time
it keeps nothing."""
FORGOTTEN = 1.0
"""Seconds after which a request that asked no more does not wait: it was cancelled."""
PARTS = 60
"""Parts of the limit's time in which past requests are remembered."""


class Ask(NamedTuple):
    """What a worker says, several times a second."""

    used: Amount = NOTHING
    """Requests that were answered since the last message."""
    back: Amount = NOTHING
    """What it returns."""
    need: Amount = NOTHING
    """The next request; nothing if it wants nothing."""
    want: Amount = NOTHING
    """All that it can use soon, `need` included."""


class Holding:
    """What a worker may use, what is under way, and what waits. `now` must not decrease."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._slice = NOTHING
        self._rest = NOTHING
        """What is returned with the next message."""
        self._ends = -math.inf
        self._flying = NOTHING
        self._answered = NOTHING
        self._server: str | None = None
        self._is_told = True
        """Whether the server counts the past, too: it replied to the message that had it."""
        self._last_server: str | None = None
        self._waits: dict[Hashable, tuple[Amount, float]] = {}
        self._recent = RollingSum(AHEAD)
        self._last = NOTHING
        self._known = RollingSum(limit.seconds)
        """Answered requests that the last server counts."""
        self._unknown = RollingSum(limit.seconds)
        """Answered requests that it does not count."""

    def take(self, who: Hashable, now: float, amount: Amount) -> bool:
        """Use a part of the slice for a request. Return False if it must wait; `who` then asks again."""
        if now < self._ends and self._slice.covers(amount) and (self._is_usual or self._is_large(amount)):
            left = self._slice - amount
            self._slice, self._rest = (left, self._rest) if self._is_usual else (NOTHING, self._rest + left)
            self.take_off(who, now, amount)
            return True
        self._waits[who] = amount, now
        return False

    def take_off(self, who: Hashable, now: float, amount: Amount) -> None:
        """Note a request that is sent, whoever allowed it."""
        self._waits.pop(who, None)
        self._flying += amount
        self._last = amount
        self._recent.add(now, int(amount.events), int(amount.bytes))

    def answered(self, now: float, amount: Amount) -> None:
        """Note that a request has its answer."""
        self._flying -= amount
        if self._server is not None:
            self._answered += amount
        past = self._known if self._server is not None else self._unknown
        slot = self._limit.seconds / PARTS
        past.add((math.floor(now / slot) + 1) * slot, int(amount.events), int(amount.bytes))

    def waits_for(self, who: Hashable) -> bool:
        """Return whether it is known that `who` waits."""
        return who in self._waits

    def is_idle(self, now: float) -> bool:
        """Return whether nothing is borrowed, under way or waited for."""
        self._forget(now)
        return not (self._slice or self._rest or self._flying or self._answered or self._waits or self._recent)

    def connected(self, server: str, now: float) -> tuple[Amount, list[tuple[float, Amount]]]:
        """Start to borrow. Return what the server, known by an id, must count: requests under way, and those of the
        past with their ages.
        """
        if server != self._last_server:
            for entry in self._known:
                self._unknown.add(*entry)
            self._known = RollingSum(self._limit.seconds)
        self._server = self._last_server = server
        self._unknown.forget(now)
        self._is_told = False
        return self._flying, [(max(0.0, now - then), Amount(events, size)) for then, events, size in self._unknown]

    def lost(self) -> None:
        """End to borrow: the server counts all that it lent as used."""
        self._server, self._is_told = None, True
        self._slice = self._rest = self._answered = NOTHING
        self._ends = -math.inf

    def ask(self, now: float, *, leaving: bool = False) -> Ask:
        """Return the next message. `leaving`: return the slice, and want nothing."""
        self._forget(now)
        waits = [amount for amount, _ in self._waits.values()]
        need = waits[0] if waits else self._last
        is_of_use = self._slice.covers(need) and (self._is_usual or any(map(self._is_large, waits)))
        if leaving or now >= self._ends or not is_of_use or not (waits or self._recent):
            self._slice, self._rest = NOTHING, self._rest + self._slice
        back, self._rest = self._rest, NOTHING
        used, self._answered = self._answered, NOTHING
        if leaving or not (waits or self._recent):
            return Ask(used, back)
        recent = Amount(self._recent.events, self._recent.bytes)
        want = sum(waits, recent) - self._slice
        return Ask(used, back, need, want) if want.covers(need) else Ask(used, back)

    def granted(self, asked: float, amount: Amount, valid: float) -> None:
        """Add what the server lent in reply to a message of the time `asked`, and renew the slice from then on."""
        if not self._is_told:
            for entry in self._unknown:
                self._known.add(*entry)
            self._unknown, self._is_told = RollingSum(self._limit.seconds), True
        self._slice += amount
        self._ends = asked + valid

    def alone(self, now: float, ceiling: RateLimit) -> RateLimiter:
        """Return a limiter for a worker without a server, which counts what this worker sent in the past."""
        limiter = RateLimiter(ceiling)
        for past in (self._known, self._unknown):
            past.forget(now)
            for entry in past:
                limiter.note(*entry)
        if self._flying:
            limiter.note(now, int(self._flying.events), int(self._flying.bytes))
        return limiter

    def change_limit(self, limit: RateLimit) -> None:
        """Note the limit of the server, and remember the past for as long as it counts."""
        before, self._limit = self._limit, limit
        if limit.seconds != before.seconds:
            for name in ("_known", "_unknown"):
                past = RollingSum(limit.seconds)
                for entry in getattr(self, name):
                    past.add(*entry)
                setattr(self, name, past)

    @property
    def _is_usual(self) -> bool:
        """Whether any request may use the slice. One beyond the limit was lent for one request that is, too."""
        return not self._is_large(self._slice)

    def _is_large(self, amount: Amount) -> bool:
        return amount.events > self._limit.events or amount.bytes > self._limit.bytes

    def _forget(self, now: float) -> None:
        self._recent.forget(now)
        self._known.forget(now)
        self._unknown.forget(now)
        for who, (_, then) in list(self._waits.items()):
            if now - then > FORGOTTEN:
                del self._waits[who]
