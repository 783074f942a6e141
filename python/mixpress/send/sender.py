"""send -> retry: one batch, from its first request until each of its events has a verdict."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from mixpress.errors import AuthError, TransportError
from mixpress.reply import NoReply, Taken, TryLater, read_reply
from mixpress.report.report import Failure
from mixpress.retry import Done, GiveUp, Split, Stop, Wait, decide, decide_on_updates
from mixpress.send.identity import without_identity_events
from mixpress.send.redact import without_credentials
from mixpress.send.repeatable import is_repeatable
from mixpress.send.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mixpress.batch import SendableBatch
    from mixpress.clock import Clock
    from mixpress.log import RepeatLog
    from mixpress.reply import Hide, Refusal, Reply
    from mixpress.retry import Decision, RetryPolicy
    from mixpress.send.backoff import Backoff
    from mixpress.send.job import Job
    from mixpress.send.limiter import Limiter
    from mixpress.send.request import RequestTemplate
    from mixpress.send.throttle import Permit
    from mixpress.transport.interface import Transport

_WRONG_CREDENTIALS = "; every batch is tried once and fails like this until the client is made with other credentials"


class Sender:
    """Delivers batches to one endpoint. All workers of a client share one sender, and so its backoff, its concurrency
    window, its rate limit and the batch size that the server accepts.

    `disconnect` cuts off the requests under way; None for a transport that belongs to the caller. `repeatable` returns
    whether the server may take a batch twice. `what` the batches hold, for the log: `"events"`, or `"updates"`.
    """

    def __init__(
        self,
        template: RequestTemplate,
        hide: Hide,
        *,
        transport: Transport,
        disconnect: Callable[[], object] | None,
        policy: RetryPolicy,
        clock: Clock,
        concurrency: int,
        limiter: Limiter,
        log: RepeatLog,
        repeatable: Callable[[SendableBatch], bool] = lambda _: True,
        what: str = "events",
    ) -> None:
        self._repeatable = repeatable
        self._what = what
        self._template = template
        self._hide = hide
        self._transport = transport
        self._disconnect = disconnect
        self._policy = policy
        self._patient_policy = replace(policy, first_contact=policy.attempts)
        self._clock = clock
        self._log = log
        self.throttle = Throttle(policy, clock, concurrency, limiter, log)
        self._answered = False
        self._largest: int | None = None

    @property
    def backoff(self) -> Backoff:
        """The pause of the whole client."""
        return self.throttle.backoff

    @property
    def transport(self) -> Transport:
        """What sends the requests."""
        return self._transport

    def hang_up(self) -> None:
        """Cut off the requests under way, unless the transport belongs to the caller."""
        if self._disconnect is not None:
            self._disconnect()

    def give_back(self) -> None:
        """Return what was borrowed of a shared rate limit. The next request borrows again."""
        self.throttle.limiter.close()

    def disown(self) -> None:
        """Close copies of the parent's sockets, in a forked child, which uses another sender."""
        self.throttle.limiter.disown()

    def deliver(self, job: Job) -> None:
        """Send a batch until its events have verdicts. Never raises: an unexpected error cancels the job."""
        try:
            self._deliver(job.batch, job)
        except Exception as error:  # noqa: BLE001 - a bug in mixpress must end the run instead of blocking it
            job.cancel_token.cancel(error)

    def _deliver(self, batch: SendableBatch, job: Job) -> None:
        if self._largest and batch.raw_size > self._largest and batch.count > 1:
            return self._deliver_halves(batch, job)
        attempt, repeatable = 0, self._repeatable(batch)
        sent, left_out = batch, list[Failure]()
        while permit := self.throttle.acquire(sent.count, sent.raw_size, job.cancel_token):
            attempt += 1
            match self._attempt(sent, attempt, job, permit, repeatable):
                case Done(_, cause) if cause and sent is batch and (others := without_identity_events(batch)):
                    sent, attempt, left_out = others, 0, _left_out(batch, others, cause)
                case Done(refused):
                    failures = [*left_out, *_refusals(sent, refused)]
                    return job.verdicts.settle(batch, sorted(failures, key=_index) if left_out else failures)
                case Split(limit):
                    self._remember(limit)
                    return self._deliver_halves(batch, job)
                case GiveUp(reason, final, _):
                    self._log_undelivered(job, batch, reason)
                    return job.verdicts.undeliver(batch, reason, final=final)
                case Stop(error):
                    advice = _WRONG_CREDENTIALS if isinstance(error, AuthError) else ""
                    self._log_undelivered(job, batch, f"{error}{advice}")
                    job.cancel_token.cancel(error)
        return job.verdicts.undeliver(batch, job.cancel_token.reason)

    def _attempt(self, batch: SendableBatch, attempt: int, job: Job, permit: Permit, repeatable: bool) -> Decision:
        """Make one request and return the decision. A pause starts before the permit is released."""
        answered = False
        try:
            job.verdicts.sent(batch, attempt)
            reply = self._ask(batch, job, repeatable)
            answered = not isinstance(reply, TryLater | NoReply)
            policy = self._patient_policy if job.patient else self._policy
            if isinstance(reply, Taken) and reply.taken != 0 and self._what == "updates":
                return decide_on_updates(reply, repeatable=is_repeatable(batch))
            decision = decide(policy, attempt, reply, repeatable=repeatable)
            if isinstance(decision, Wait):
                self.backoff.pause(decision.seconds, decision.reason)
            elif isinstance(decision, GiveUp) and decision.final:
                self.backoff.pause(decision.pause, decision.reason)
                return decision
            if not repeatable and not isinstance(decision, Done):
                job.not_taken()
            return decision
        except Exception as error:  # noqa: BLE001 - a transport of the caller's may raise anything
            return Stop(without_credentials(error, self._hide))
        finally:
            self.throttle.release(permit, answered=answered)

    def _ask(self, batch: SendableBatch, job: Job, repeatable: bool) -> Reply:
        request = self._template.request(batch, job.cancel_token.seconds_left, repeatable=repeatable)
        try:
            response = self._transport.send(request)
        except TransportError as error:
            return NoReply(without_credentials(error, self._hide), first_contact=not self._answered)
        self._answered = True
        if response.status == 429:
            job.verdicts.throttled()
        return read_reply(response, batch.count, now=self._clock.time(), hide=self._hide)

    def _deliver_halves(self, batch: SendableBatch, job: Job) -> None:
        for half in batch.split():
            self._deliver(half, job)

    def _log_undelivered(self, job: Job, batch: SendableBatch, why: str) -> None:
        """Log the failure of tracked events. An import raises or reports it instead."""
        if job.patient:
            reason = f"tracked {self._what} could not be delivered: {why}"
            self._log.tell(logging.ERROR, reason, "%d %s", batch.count, reason)

    def _remember(self, limit: int | None) -> None:
        """Split later batches before they are sent. It is not documented whether the server's limit counts bytes before
        or after gzip; at most `limit` bytes before gzip is right in both cases.
        """
        if limit:
            self._largest = min(limit, self._largest or limit)


def _left_out(batch: SendableBatch, others: SendableBatch, cause: str) -> list[Failure]:
    """Return the verdicts on the events of a batch that are not sent again with the others."""
    sent = set(others.indexes)
    return [Failure(index, "refused", cause) for index in batch.indexes if index not in sent]


def _index(failure: Failure) -> int:
    return failure.index


def _refusals(batch: SendableBatch, refused: Sequence[Refusal]) -> list[Failure]:
    """Map the server's positions in the batch to input indexes."""
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
