"""`LeasedLimiter`: the limiter of one engine. It borrows from a lease server, and has its own ceiling without one."""

from __future__ import annotations

import logging
import math
import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mixpress._core import bracket
from mixpress.lease.amount import Amount
from mixpress.lease.channel import Channel
from mixpress.lease.holding import Ask, Holding
from mixpress.lease.link import Link
from mixpress.lease.messages import Grant, Join
from mixpress.lease.protocol import WrongSecretError
from mixpress.send.rate_limit import RateLimit, RateLimiter

if TYPE_CHECKING:
    from mixpress.send.limiter import LimitUse

POLL = 0.05
"""Seconds after which a request that waits for a slice looks again."""
FIRST = 2.0
"""Seconds for which the first request waits for its slice, before it is sent within the worker's own ceiling."""
LOST = 3.0
"""Seconds for which requests wait for the server after a connection was lost."""
IDLE = 10.0
"""Seconds without a request after which the connection is closed. The next request opens another one."""
RETURN = 0.5
"""The longest wait within the own ceiling: the server may be back."""
UNKNOWN = 10
"""The documented limit is divided by so much where no server said how many workers there are."""


class LeasedLimiter:
    """Sends what the server lends; within `fallback` while no server answers.

    Without `fallback` that is the limit that the server announced last, divided by the number of workers then, or a
    tenth of the documented limit where no server ever answered. The past minute counts when it changes between the two.
    """

    def __init__(self, host: str, port: int, key: bytes, fallback: RateLimit | None, use: LimitUse) -> None:
        self._where = f"{host}:{port}"
        self._connect = partial(Channel, host, port, key, use.endpoint)
        self._fallback = fallback
        self._clock = use.clock
        self._log = use.log
        self._limit = RateLimit.documented()
        self._workers = UNKNOWN
        self._holding = Holding(self._limit)
        self._link: Link | None = None
        self._alone: RateLimiter | None = None
        """The ceiling in use; None while there is a server, or while it is waited for."""
        self._until: float | None = None
        """When requests stop to wait for a server; None while there is one."""
        self._last = 0.0
        """When a request was last asked for or answered."""
        self._error: Exception | None = None
        self._lock = threading.RLock()
        self._locked = bracket(self._lock.acquire, self._lock.release)

    def take(self, now: float, events: int, size: int) -> float:
        """See `Limiter`."""
        return self._locked(self._take, now, Amount(events, size))

    def _take(self, now: float, amount: Amount) -> float:
        who = threading.get_ident()
        self._last = now
        if self._link is None or self._link.has_ended:  # an interrupt can end `close` before `_closed`
            self._start(now)
        is_new = not self._holding.waits_for(who)
        if self._holding.take(who, now, amount):
            return 0.0
        if self._until is None or now < self._until:
            if is_new and self._link is not None:
                self._link.nudge()
            return POLL
        if self._alone is None:
            self._alone = self._own_ceiling(now)
        wait = self._alone.take(now, int(amount.events), int(amount.bytes))
        if wait <= 0:
            self._holding.take_off(who, now, amount)
        return min(wait, RETURN)

    def _start(self, now: float) -> None:
        self._until, self._alone = now + FIRST, None
        self._holding.lost()
        link = Link(self._connect, self, self._clock)
        if link.start():
            self._link = link
        else:
            self._until = now

    def _own_ceiling(self, now: float) -> RateLimiter:
        limit = self._limit
        part = replace(limit, events=limit.events / self._workers, bytes=limit.bytes / self._workers)
        ceiling = self._fallback or part
        why = self._error or "no answer"
        self._log.tell(
            logging.WARNING,
            f"the lease server {self._where} does not lend",
            "the rate limit can't be shared: the lease server %s does not lend (%s); "
            "sending at most %s in %g s until it does",
            *(self._where, why, _in_words(ceiling), ceiling.seconds),
        )
        return self._holding.alone(now, ceiling)

    def answered(self, now: float, events: int, size: int) -> None:
        """See `Limiter`."""
        self._locked(self._answered, now, Amount(events, size))

    def _answered(self, now: float, amount: Amount) -> None:
        self._last = now
        self._holding.answered(now, amount)

    def close(self) -> None:
        """See `Limiter`."""
        link = self._link
        if link is not None:
            link.stop()
            self._locked(self._closed, link)

    def _closed(self, link: Link) -> None:
        if link is self._link:
            self._link = None
            self._holding.lost()

    def disown(self) -> None:
        """See `Limiter`."""
        if self._link is not None:
            self._link.disown()

    # A link may take longer to end than `close` waits, and another one may be in use when it reports. Its reports are
    # ignored, and its thread ends.

    def is_wanted(self, link: Link) -> bool:
        """See `Borrower`."""
        return self._locked(self._is_wanted, link)

    def _is_wanted(self, link: Link) -> bool:
        if link is not self._link:
            return False
        if self._clock.monotonic() - self._last < IDLE or not self._holding.is_idle(self._clock.monotonic()):
            return True
        self._link = None
        return False

    def joined(self, link: Link, server: str) -> Join | None:
        """See `Borrower`."""
        return self._locked(self._joined, link, server)

    def _joined(self, link: Link, server: str) -> Join | None:
        if link is not self._link:
            return None
        if self._alone is not None:
            said = f"the lease server {self._where} lends again"
            self._log.tell(logging.INFO, said, "%s", said)
        self._until = self._alone = self._error = None
        return Join(*self._holding.connected(server, self._clock.monotonic()))

    def ask(self, link: Link, *, leaving: bool) -> Ask | None:
        """See `Borrower`."""
        return self._locked(self._ask, link, leaving)

    def _ask(self, link: Link, leaving: bool) -> Ask | None:
        if link is not self._link:
            return None
        if not leaving and not self._is_wanted(link):
            self._holding.lost()
            return None
        return self._holding.ask(self._clock.monotonic(), leaving=leaving)

    def granted(self, link: Link, asked: float, grant: Grant) -> None:
        """See `Borrower`."""
        self._locked(self._granted, link, asked, grant)

    def _granted(self, link: Link, asked: float, grant: Grant) -> None:
        if link is self._link:
            self._limit, self._workers = grant.limit, grant.workers
            self._holding.change_limit(grant.limit)
            self._holding.granted(asked, grant.amount, grant.valid)

    def lost(self, link: Link, error: Exception) -> None:
        """See `Borrower`."""
        self._locked(self._lost, link, error)

    def _lost(self, link: Link, error: Exception) -> None:
        if link is not self._link:
            return
        now = self._clock.monotonic()
        self._error = error
        self._holding.lost()
        if self._until is None:
            self._until = now + LOST
        if isinstance(error, WrongSecretError):
            self._until = now


def _in_words(limit: RateLimit) -> str:
    numbers = {"events": limit.events, "bytes": limit.bytes}
    return " and ".join(f"{number:.0f} {name}" for name, number in numbers.items() if number < math.inf) or "anything"
