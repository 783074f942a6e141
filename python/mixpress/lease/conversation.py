"""`Conversation`: one connection of a lease server, as bytes in and bytes out. No socket, no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mixpress.lease.allotment import SLICE, Allotment
from mixpress.lease.holding import Ask
from mixpress.lease.messages import Grant, ask_of_json, grant_to_json, join_of_json
from mixpress.lease.protocol import (
    MAX_GREETING,
    MAX_LINE,
    Meeting,
    ProtocolError,
    Seal,
    endpoint_in,
    line_of,
    message_of,
    nonce,
    text_in,
)

if TYPE_CHECKING:
    from mixpress.send.rate_limit import RateLimit

PACE = 0.1
"""Seconds between two messages of a worker that sends."""
SOON = 0.02
"""The shortest time between two messages of a worker that waits."""
GRACE = 1.0
"""Seconds after the end of a slice in which the worker may still renew it."""
STRANGER = 3.0
"""Seconds in which a new peer must prove that it has the secret."""


class EndpointStats(NamedTuple):
    """What a lease server knows of an endpoint."""

    workers: int
    waiting: int
    """Workers that wait for a slice."""
    events: int
    """Events that count as used in the limit's time."""
    bytes: int
    lent_events: int
    """Events that workers have borrowed, and not yet used, returned or reported."""
    lent_bytes: int


class Ledger:
    """The allotments of all endpoints, and the numbers of the workers."""

    def __init__(self, limit: RateLimit, key: bytes) -> None:
        self.key = key
        self.id = nonce()[:32]
        self._limit = limit
        self._allotments: dict[str, Allotment] = {}
        self._workers = 0

    def allotment(self, endpoint: str) -> Allotment:
        """Return the allotment of an endpoint."""
        if endpoint not in self._allotments:
            self._allotments[endpoint] = Allotment(self._limit)
        return self._allotments[endpoint]

    def next_worker(self) -> int:
        """Return a new number."""
        self._workers += 1
        return self._workers

    def stats(self, now: float) -> dict[str, EndpointStats]:
        """Return what is known of each endpoint that was used."""
        return {name: _stats(allotment, now) for name, allotment in self._allotments.items()}


class Conversation:
    """What a peer said, and what it is answered. `ProtocolError` from `feed` means that it must be dropped."""

    def __init__(self, ledger: Ledger, now: float) -> None:
        self.ends = now + STRANGER
        """When it is dropped, unless it says something before."""
        self.is_worker = False
        """Whether the peer proved that it has the secret."""
        self._ledger = ledger
        self._buffer = b""
        self._endpoint = ""
        self._meeting: Meeting | None = None
        self._seals: tuple[Seal, Seal] | None = None
        self._worker: int | None = None

    def feed(self, data: bytes, now: float) -> bytes:
        """Return the answers to what came."""
        self._buffer += data
        answers = []
        while (end := self._buffer.find(b"\n")) >= 0:
            line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
            if end >= self._longest:
                raise ProtocolError("a line is too long")
            answers.append(self._answer(line, now))
        if len(self._buffer) >= self._longest:
            raise ProtocolError("a line is too long")
        return b"".join(answers)

    def end(self, now: float) -> None:
        """Note that the connection ended: what the worker has not returned counts as used."""
        if self._worker is not None:
            self._ledger.allotment(self._endpoint).leave(self._worker, now)
            self._worker = None

    @property
    def _longest(self) -> int:
        return MAX_LINE if self.is_worker else MAX_GREETING

    def _answer(self, line: bytes, now: float) -> bytes:
        if self._seals is not None:
            return self._answer_worker(self._seals[0].open(line), self._seals[1], now)
        message = message_of(line)
        if self._meeting is None:
            return self._challenge(endpoint_in(message), text_in(message, "nonce", 64))
        self._meeting.check("worker", text_in(message, "proof", 64))
        self._seals, self.is_worker = self._meeting.seals(), True
        self.ends = now + SLICE + GRACE
        return line_of({"proof": self._meeting.proof("server")})

    def _challenge(self, endpoint: str, worker_nonce: str) -> bytes:
        ours = nonce()
        self._endpoint = endpoint
        self._meeting = Meeting(self._ledger.key, endpoint, worker_nonce, self._ledger.id, ours)
        return line_of({"server": self._ledger.id, "nonce": ours})

    def _answer_worker(self, message: dict[str, object], seal: Seal, now: float) -> bytes:
        allotment = self._ledger.allotment(self._endpoint)
        self.ends = now + SLICE + GRACE
        if self._worker is None:
            join = join_of_json(message)
            self._worker = self._ledger.next_worker()
            allotment.join(self._worker, now, join.held, join.past)
            return seal.close(grant_to_json(reply_to(allotment, self._worker, now, Ask())))
        return seal.close(grant_to_json(reply_to(allotment, self._worker, now, ask_of_json(message))))


def reply_to(allotment: Allotment, worker: int, now: float, ask: Ask) -> Grant:
    """Return the reply to a worker's message."""
    amount = allotment.ask(worker, now, used=ask.used, back=ask.back, need=ask.need, want=ask.want)
    wait = min(PACE, max(SOON, allotment.room_at(worker, now))) if ask.need and not amount else PACE
    return Grant(amount, SLICE, wait, allotment.limit, allotment.workers)


def _stats(allotment: Allotment, now: float) -> EndpointStats:
    used, lent = allotment.used(now), allotment.lent
    return EndpointStats(
        allotment.workers, allotment.waiting, int(used.events), int(used.bytes), int(lent.events), int(lent.bytes)
    )
