"""send -> retry: what one batch goes through until each of its events has a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpress.errors import TransportError
from mixpress.gate import Gate
from mixpress.reply import NoReply, read_reply
from mixpress.report import Failure
from mixpress.retry import Done, GiveUp, Split, Stop, Wait, decide
from mixpress.transport import Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mixpress.clock import Clock
    from mixpress.gate import Halt
    from mixpress.outgoing import Outgoing, Verdicts
    from mixpress.reply import Hide, Refusal
    from mixpress.retry import Decision, RetryPolicy
    from mixpress.transport import Transport


class Sender:
    """Carries batches to one URL. A client has one, for all its threads: they share its pauses and what it
    has learned of the server.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        hide: Hide,
        *,
        transport: Transport,
        policy: RetryPolicy,
        clock: Clock,
    ) -> None:
        self._url = url
        self._headers = headers
        self._hide = hide
        self._transport = transport
        self._policy = policy
        self._clock = clock
        self.gate = Gate(policy, clock)
        self._answered = False
        self._largest: int | None = None

    def deliver(self, batch: Outgoing, account: Verdicts, halt: Halt) -> None:
        """Send a batch until its events have a verdict. Never raises: what goes wrong halts the import."""
        try:
            self._deliver(batch, account, halt)
        except Exception as error:  # noqa: BLE001 - a bug of ours must end the import, and not hang it
            halt.stop(error)

    def _deliver(self, batch: Outgoing, account: Verdicts, halt: Halt) -> None:
        if self._largest and batch.raw_size > self._largest and batch.count > 1:
            return self._deliver_halves(batch, account, halt)
        attempt = 0
        while self.gate.wait(halt):
            attempt += 1
            match self._attempt(batch, attempt, account):
                case Wait(seconds, reason):
                    self.gate.hold(seconds, reason)
                case Done(refused):
                    return account.settle(batch, _refusals(batch, refused))
                case Split(limit):
                    self._remember(limit)
                    return self._deliver_halves(batch, account, halt)
                case GiveUp(reason):
                    return account.undeliver(batch, reason)
                case Stop(error):
                    halt.stop(error)
        return account.undeliver(batch, halt.reason)

    def _attempt(self, batch: Outgoing, attempt: int, account: Verdicts) -> Decision:
        account.sent(batch, attempt)
        request = Request(self._url, {**self._headers, **batch.headers}, batch.body)
        try:
            response = self._transport.send(request)
        except TransportError as error:
            return decide(self._policy, attempt, NoReply(error, first_contact=not self._answered))
        except Exception as error:  # noqa: BLE001 - a transport of the caller's own may raise anything
            return Stop(error)
        self._answered = True
        reply = read_reply(response, batch.count, now=self._clock.time(), hide=self._hide)
        return decide(self._policy, attempt, reply)

    def _deliver_halves(self, batch: Outgoing, account: Verdicts, halt: Halt) -> None:
        for half in batch.split():
            self._deliver(half, account, halt)

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
