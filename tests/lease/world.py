"""Workers, a lease server without sockets, and an API that counts what it receives, on a clock that a test advances."""

from __future__ import annotations

from dataclasses import dataclass, field

from mixpress.lease.allotment import SLICE, Allotment
from mixpress.lease.amount import Amount
from mixpress.lease.conversation import GRACE
from mixpress.lease.holding import Holding
from mixpress.send.rate_limit import RateLimit

Received = tuple[float, int, int]


@dataclass
class Worker:
    """A process, its requests under way, and the last time that the server heard of it."""

    number: int
    holding: Holding
    heard: float
    flying: list[Amount] = field(default_factory=list)
    is_silent: bool = False


class World:
    """Everything that happens happens at `now`. A request reaches the API at its end, as late as can be."""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self.now = 1000.0
        self.allotment = Allotment(limit)
        self.workers: dict[int, Worker] = {}
        self.received: list[Received] = []
        self._numbers = 0

    def start(self, place: int) -> None:
        self._numbers += 1
        worker = Worker(self._numbers, Holding(self.limit), self.now)
        self.allotment.join(worker.number, self.now, *worker.holding.connected("server", self.now))
        self.workers[place] = worker

    def take(self, place: int, amount: Amount, thread: int = 0) -> bool:
        worker = self.workers[place]
        may = worker.holding.take(thread, self.now, amount)
        if may:
            worker.flying.append(amount)
        return may

    def receive(self, place: int) -> None:
        """Let the API receive and answer the oldest request of a worker."""
        worker = self.workers[place]
        if worker.flying:
            amount = worker.flying.pop(0)
            self.received.append((self.now, int(amount.events), int(amount.bytes)))
            worker.holding.answered(self.now, amount)

    def talk(self, place: int, *, leaving: bool = False) -> Amount:
        """Exchange a message; a silent worker says nothing."""
        worker = self.workers[place]
        if worker.is_silent:
            return Amount()
        worker.heard = self.now
        ask = worker.holding.ask(self.now, leaving=leaving)
        got = self.allotment.ask(worker.number, self.now, **ask._asdict())
        worker.holding.granted(self.now, got, SLICE)
        counted = self.allotment.lent + self.allotment.used(self.now)
        assert not got or counted == got or Amount(self.limit.events, self.limit.bytes).covers(counted)
        return got

    def end(self, place: int) -> None:
        """Let a worker die: what it sent before is received now."""
        worker = self.workers[place]
        while worker.flying:
            self.receive(place)
        del self.workers[place]
        self.allotment.leave(worker.number, self.now)

    def wait(self, seconds: float) -> None:
        """Advance the clock, in steps in which the server drops silent workers."""
        ends = self.now + seconds
        while self.now < ends:
            self.now = min(ends, self.now + SLICE / 4)
            for place, worker in list(self.workers.items()):
                if self.now >= worker.heard + SLICE + GRACE:
                    self.end(place)

    def most_in_a_window(self) -> tuple[int, int, int]:
        """Return the most events and bytes that the API received within the limit's time, and how many requests
        beyond the limit came alone.
        """
        events, size, alone = 0, 0, 0
        for start, *_ in self.received:
            window = [one for one in self.received if start <= one[0] < start + self.limit.seconds]
            if len(window) == 1 and (window[0][1] > self.limit.events or window[0][2] > self.limit.bytes):
                alone += 1
                continue
            events = max(events, sum(one[1] for one in window))
            size = max(size, sum(one[2] for one in window))
        return events, size, alone
