"""A cluster on a virtual clock: workers with mixpress's own throttle, and an API with the documented limit.

What decides is the code that runs in production: `Throttle` with its backoff, concurrency window and limiter, `decide`
on a 429, and for the lease `Allotment` and `Holding`. Threads and sockets are replaced by tasks that sleep on a heap.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from itertools import count

from mixpress.clock import Clock
from mixpress.lease.allotment import Allotment
from mixpress.lease.amount import Amount
from mixpress.lease.conversation import SOON, reply_to
from mixpress.lease.holding import Holding
from mixpress.lease.limiter import POLL
from mixpress.lease.link import PULSE
from mixpress.log import RepeatLog
from mixpress.reply import TryLater
from mixpress.retry import RetryPolicy, Wait, decide
from mixpress.send.limiter import Limiter
from mixpress.send.rate_limit import RateLimit, RateLimiter
from mixpress.send.throttle import Permit, Throttle

LIMIT = RateLimit.documented()
BATCH = 2000
SIZE = 700_000
"""Bytes of a batch before gzip: 350 an event."""
CONCURRENCY = 10
POLICY = RetryPolicy()
NETWORK = 0.002
"""Seconds between a worker and the lease server, one way."""
IDLE_POLL = 0.02
"""Seconds between two looks of a thread at a full concurrency window."""

Task = Generator[float, None, None]


class VirtualClock(Clock):
    """Stands still until the cluster advances it."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self._random = random.Random(seed)

    def monotonic(self) -> float:
        return self.now

    def random(self) -> float:
        return self._random.random()


class Turn(Throttle):
    """A throttle that is asked instead of waited for."""

    def ask(self) -> tuple[Permit | None, float]:
        """Return a permit for a batch, or the seconds after which to ask again."""
        if self._in_flight >= self._window.allowed:
            return None, IDLE_POLL
        return self._take(BATCH, SIZE)


class Borrowing:
    """The limiter of a worker with a lease: what `LeasedLimiter` does, without its thread."""

    def __init__(self, cluster: Cluster, allotment: Allotment, number: int) -> None:
        self._cluster, self._allotment, self._number = cluster, allotment, number
        self._holding = Holding(allotment.limit)
        self._holding.connected("server", 0.0)
        self._places = count()
        self._nudged = False
        self.thread = 0
        """Which thread asks."""
        allotment.join(number, 0.0)

    def take(self, now: float, events: int, size: int) -> float:
        is_new = not self._holding.waits_for(self.thread)
        if self._holding.take(self.thread, now, Amount(events, size)):
            return 0.0
        self._nudged |= is_new
        return POLL

    def answered(self, now: float, events: int, size: int) -> None:
        self._holding.answered(now, Amount(events, size))

    def close(self) -> None: ...

    def disown(self) -> None: ...

    def talk(self) -> Task:
        """Exchange messages for ever."""
        clock = self._cluster.clock
        while True:
            asked, self._nudged = clock.now, False
            ask = self._holding.ask(asked)
            yield NETWORK
            grant = reply_to(self._allotment, self._number, clock.now, ask)
            yield NETWORK
            self._holding.granted(asked, grant.amount, grant.valid)
            self._cluster.messages += 1
            ends = clock.now + (grant.wait if any(ask) else PULSE)
            yield SOON
            while clock.now < ends and not self._nudged:
                yield min(SOON, ends - clock.now)


@dataclass
class Worker:
    """A process: its batches that are left, and its throttle."""

    batches: int
    throttle: Turn
    limiter: Limiter


@dataclass
class Cluster:
    """Workers with so many batches each; `limiter` makes the limiter of each."""

    batches: list[int]
    way: str
    seed: int
    clock: VirtualClock = field(init=False)
    throttled: int = 0
    undelivered: int = 0
    messages: int = 0
    last: float = 0.0
    """When the last batch was delivered or given up."""

    def __post_init__(self) -> None:
        self.clock = VirtualClock(self.seed)
        self._heap: list[tuple[float, int, Task]] = []
        self._order = count()
        self._api = RateLimiter(LIMIT)
        self._left = sum(self.batches)
        for worker in self._workers():
            for thread in range(CONCURRENCY):
                self._start(self._send(worker, thread))

    def run(self) -> Cluster:
        """Advance the clock until each batch has its end."""
        while self._left:
            self.clock.now, _, task = heapq.heappop(self._heap)
            if (pause := next(task, None)) is not None:
                heapq.heappush(self._heap, (self.clock.now + pause, next(self._order), task))
        return self

    def _start(self, task: Task) -> None:
        heapq.heappush(self._heap, (self.clock.now, next(self._order), task))

    def _workers(self) -> list[Worker]:
        return [self._worker(batches, limiter) for batches, limiter in zip(self.batches, self._limiters(), strict=True)]

    def _worker(self, batches: int, limiter: Limiter) -> Worker:
        log = RepeatLog(self.clock)
        return Worker(batches, Turn(POLICY, self.clock, CONCURRENCY, limiter, log), limiter)

    def _limiters(self) -> list[Limiter]:
        number = len(self.batches)
        if self.way == "best":  # one limiter for all, asked without a delay: no coordination can be better
            return [self._api] * number
        if self.way == "lease":
            allotment = Allotment(LIMIT)
            made = [Borrowing(self, allotment, place) for place in range(number)]
            for one in made:
                self._start(one.talk())
            return list(made)
        part = 1 if self.way == "alone" else number
        share = replace(LIMIT, events=LIMIT.events / part, bytes=LIMIT.bytes / part)
        return [RateLimiter(share) for _ in range(number)]

    def _send(self, worker: Worker, thread: int) -> Task:
        """One thread of a worker, as `Sender` and `Backoff.wait` are."""
        while worker.batches:
            worker.batches -= 1
            attempt = 0
            while True:
                permit = yield from self._permit(worker, thread)
                attempt += 1
                yield self._latency()
                accepted = self.way == "best" or self._api.take(self.clock.now, BATCH, SIZE) <= 0
                yield self._latency()
                decision = None if accepted else decide(POLICY, attempt, TryLater("429 Too Many Requests"))
                self.throttled += not accepted
                if isinstance(decision, Wait):
                    worker.throttle.backoff.pause(decision.seconds, decision.reason)
                worker.throttle.release(permit, answered=accepted)
                if not isinstance(decision, Wait):
                    break
            self.undelivered += not accepted
            self._left -= 1
            self.last = self.clock.now

    def _permit(self, worker: Worker, thread: int) -> Generator[float, None, Permit]:
        throttle = worker.throttle
        while True:
            if (left := throttle.backoff.seconds_left()) > 0:
                yield left + POLICY.lateness(self.clock.random())
                continue
            if isinstance(worker.limiter, Borrowing):
                worker.limiter.thread = thread
            permit, wait = throttle.ask()
            if permit is not None:
                return permit
            yield wait or IDLE_POLL

    def _latency(self) -> float:
        """Half of the time of a request: 0.2 to 0.4 s as a whole."""
        return 0.1 + 0.1 * self.clock.random()
