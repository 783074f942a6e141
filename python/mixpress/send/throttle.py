"""What each request passes on its way out: the pause of the whole client, its turn, and the rate limit."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from mixpress.send.backoff import Gate
from mixpress.send.concurrency import Pace
from mixpress.send.rate_limit import Limiter

if TYPE_CHECKING:
    from mixpress.clock import Clock
    from mixpress.log import RepeatLog
    from mixpress.retry import RetryPolicy
    from mixpress.send.backoff import Halt
    from mixpress.send.rate_limit import RateLimit

TICK = 0.2
"""Seconds until a thread that waits for its turn looks whether it was halted."""


class Ticket(NamedTuple):
    """A request that has passed: since when, how large, the how many-th under way, after how many cuts."""

    began: float
    size: int
    under_way: int
    cuts: int


class Passage:
    """Shared by all threads of a client. The decisions are `Gate`'s, `Pace`'s and `Limiter`'s."""

    def __init__(
        self, policy: RetryPolicy, clock: Clock, concurrency: int, limit: RateLimit | None, log: RepeatLog
    ) -> None:
        self.gate = Gate(policy, clock, log)
        self._clock = clock
        self._pace = Pace.full(concurrency)
        self._limiter = Limiter(limit)
        self._under_way = 0
        self._left = threading.Condition()

    def enter(self, events: int, size: int, halt: Halt) -> Ticket | None:
        """Wait until a request of so many events and uncompressed bytes may go; None where it was halted."""
        while self.gate.wait(halt):
            with self._left:
                if self._under_way >= self._pace.allowed:
                    self._left.wait(TICK)
                    continue
                if self.gate.seconds_left() > 0:  # a pause began while this thread waited for its turn
                    continue
                now = self._clock.monotonic()
                wait = self._limiter.take(now, events, size)
                if not wait:
                    self._under_way += 1
                    return Ticket(now, size, self._under_way, self._pace.cuts)
            self._clock.wait(halt, wait)
        return None

    def leave(self, ticket: Ticket, *, answered: bool) -> None:
        """Let the next one in. A pause that the answer asks for is to begin before."""
        with self._left:
            self._under_way -= 1
            if answered:
                seconds = self._clock.monotonic() - ticket.began
                self._pace = self._pace.answered(seconds, ticket.size, ticket.under_way)
            else:
                self._pace = self._pace.troubled(ticket.cuts)
            self._left.notify_all()

    @property
    def under_way(self) -> int:
        """Requests that no answer has come to yet."""
        return self._under_way
