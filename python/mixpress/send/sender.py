"""send -> retry: what one batch goes through until each of its events has a verdict."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from mixpress.errors import AuthError, TransportError
from mixpress.reply import NoReply, TryLater, read_reply
from mixpress.report.report import Failure
from mixpress.retry import Done, GiveUp, Split, Stop, Wait, decide
from mixpress.send.redact import without_credentials
from mixpress.send.throttle import Passage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mixpress.batch import Outgoing, Verdicts
    from mixpress.clock import Clock
    from mixpress.log import RepeatLog
    from mixpress.reply import Hide, Refusal, Reply
    from mixpress.retry import Decision, RetryPolicy
    from mixpress.send.backoff import Gate
    from mixpress.send.job import Parcel
    from mixpress.send.rate_limit import RateLimit
    from mixpress.send.request import Envelope
    from mixpress.send.throttle import Ticket
    from mixpress.transport import Transport

_WRONG_CREDENTIALS = "; until the client is made with others, every batch is tried once, and ends like this"


class Sender:
    """Carries batches to one place. A client has one, for all its threads: they share its pauses, its pace, its
    rate limit and what it has learned of the server.

    `hang_up` ends the requests that are under way.
    """

    def __init__(
        self,
        envelope: Envelope,
        hide: Hide,
        *,
        transport: Transport,
        policy: RetryPolicy,
        clock: Clock,
        concurrency: int,
        rate_limit: RateLimit | None,
        log: RepeatLog,
        hang_up: Callable[[], None],
    ) -> None:
        self._envelope = envelope
        self._hide = hide
        self._transport = transport
        self._policy = policy
        self._clock = clock
        self._patient_policy = replace(policy, first_contact=policy.attempts)
        self.passage = Passage(policy, clock, concurrency, rate_limit, log)
        self._log = log
        self.hang_up = hang_up
        self._answered = False
        self._largest: int | None = None

    @property
    def gate(self) -> Gate:
        """What pauses the whole client."""
        return self.passage.gate

    def deliver(self, parcel: Parcel) -> None:
        """Send a batch until its events have a verdict. Never raises: what goes wrong halts the parcel."""
        try:
            self._deliver(parcel.batch, parcel)
        except Exception as error:  # noqa: BLE001 - a bug of ours must end the import, and not hang it
            parcel.halt.stop(error)

    def _deliver(self, batch: Outgoing, parcel: Parcel) -> None:
        if self._largest and batch.raw_size > self._largest and batch.count > 1:
            return self._deliver_halves(batch, parcel)
        attempt = 0
        while ticket := self.passage.enter(batch.count, batch.raw_size, parcel.halt):
            attempt += 1
            match self._attempt(batch, attempt, parcel, ticket):
                case Done(refused):
                    return parcel.account.settle(batch, _refusals(batch, refused))
                case Split(limit):
                    self._remember(limit)
                    return self._deliver_halves(batch, parcel)
                case GiveUp(reason):
                    self._tell(parcel, batch, reason)
                    return parcel.account.undeliver(batch, reason)
                case Stop(error):
                    self._tell(parcel, batch, f"{error}{_WRONG_CREDENTIALS if isinstance(error, AuthError) else ''}")
                    parcel.halt.stop(error)
        return parcel.account.undeliver(batch, parcel.halt.reason)

    def _attempt(self, batch: Outgoing, attempt: int, parcel: Parcel, ticket: Ticket) -> Decision:
        """One request, and what follows from it. A pause begins before the next request may go."""
        answered = False
        try:
            parcel.account.sent(batch, attempt)
            reply = self._ask(batch, parcel.account)
            answered = not isinstance(reply, TryLater | NoReply)
            decision = decide(self._patient_policy if parcel.patient else self._policy, attempt, reply)
            if isinstance(decision, Wait):
                self.gate.hold(decision.seconds, decision.reason)
            return decision
        except Exception as error:  # noqa: BLE001 - a transport of the caller's own may raise anything
            return Stop(without_credentials(error, self._hide))
        finally:
            self.passage.leave(ticket, answered=answered)

    def _ask(self, batch: Outgoing, account: Verdicts) -> Reply:
        try:
            response = self._transport.send(self._envelope.around(batch))
        except TransportError as error:
            hidden = without_credentials(error, self._hide)
            assert isinstance(hidden, TransportError), "it stays one"
            return NoReply(hidden, first_contact=not self._answered)
        self._answered = True
        if response.status == 429:
            account.throttled()
        return read_reply(response, batch.count, now=self._clock.time(), hide=self._hide)

    def _deliver_halves(self, batch: Outgoing, parcel: Parcel) -> None:
        for half in batch.split():
            self._deliver(half, parcel)

    def _tell(self, parcel: Parcel, batch: Outgoing, why: str) -> None:
        """What ends an import is raised; of tracked events there is the log."""
        if parcel.patient:
            reason = f"tracked events could not be delivered: {why}"
            self._log.tell(logging.ERROR, reason, "%d %s", batch.count, reason)

    def _remember(self, limit: int | None) -> None:
        """Later batches are split before they are sent. Whether the server means the bytes before or after
        gzip is not documented; no more than `limit` before gzip is right in both cases.
        """
        if limit:
            self._largest = min(limit, self._largest or limit)


def _refusals(batch: Outgoing, refused: Sequence[Refusal]) -> list[Failure]:
    """The server counts from the start of the batch, the caller from the first event."""
    indexes = batch.indexes
    return [
        Failure(
            indexes[refusal.position],
            "refused",
            refusal.message,
            field=refusal.field,
            insert_id=refusal.insert_id,
        )
        for refusal in refused
    ]
