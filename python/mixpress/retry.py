"""Decide what to do after an attempt: a pure function of policy, attempt and reply, which `send/sender.py` applies."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from mixpress.dead_letter import WOULD_COUNT_TWICE
from mixpress.errors import AuthError
from mixpress.reply import Hopeless, NoReply, Refusal, Reply, Taken, TooLarge, TryLater, Unauthorized
from mixpress.wording import counted


@dataclass(frozen=True)
class RetryPolicy:
    """How many times, and after what waits, a batch is sent again with identical bytes. Times are in seconds.

    The API's documents ask for a backoff "of 2s and doubling backoff until 60s, with 1-5s of jitter" on 429, 502 and
    503. The same applies to 408, to other 5xx, resets and timeouts, as `$insert_id` makes a repetition safe. A 400 is
    never retried. An invalid value is a `ValueError`.
    """

    attempts: int = 10
    """The most attempts for a batch; without a verdict by then its events are undelivered."""
    first_wait: float = 2.0
    """The first backoff, which pauses the whole client; it doubles with each attempt."""
    max_wait: float = 60.0
    """The longest backoff, except for a `Retry-After`."""
    jitter: tuple[float, float] = (1.0, 5.0)
    """The range of a random delay of each thread after a pause, so that they do not all resume at once."""
    min_retry_after: float = 1.0
    """The shortest pause for a `Retry-After`."""
    max_retry_after: float = 300.0
    """The longest pause for a `Retry-After`."""
    first_contact: int = 3
    """The most attempts while no server was ever reached, so that a wrong URL fails soon."""

    def __post_init__(self) -> None:
        for name in ("attempts", "first_contact"):
            if getattr(self, name) < 1:
                raise ValueError(f"RetryPolicy: {name} must be >= 1, got {getattr(self, name)}")
        low, high = self.jitter
        for name, value in (("first_wait", self.first_wait), ("jitter", low)):
            if value < 0:
                raise ValueError(f"RetryPolicy: {name} must be >= 0 seconds, got {value}")
        for name, lower, least, most in (
            ("max_wait", "first_wait", self.first_wait, self.max_wait),
            ("the end of jitter", "its start", low, high),
            ("max_retry_after", "min_retry_after", self.min_retry_after, self.max_retry_after),
        ):
            if most < least:
                raise ValueError(f"RetryPolicy: {name} must be >= {lower} ({least}), got {most}")

    def backoff(self, attempt: int) -> float:
        """Return the pause after an attempt, counted from 1: by default 2, 4, 8, 16, 32, 60, 60 ... seconds."""
        return min(self.max_wait, self.first_wait * 2.0 ** min(attempt - 1, 60))

    def lateness(self, random: float) -> float:
        """Return the jitter in seconds for a random number in [0, 1)."""
        low, high = self.jitter
        return low + (high - low) * random


@dataclass(frozen=True)
class Done:
    """Enter the verdicts: every event is imported except the refused ones. `cause`: see `Taken`."""

    refused: tuple[Refusal, ...]
    cause: str = ""


@dataclass(frozen=True)
class Wait:
    """Pause the whole client for `seconds`, then send the identical bytes again."""

    seconds: float
    reason: str


@dataclass(frozen=True)
class Split:
    """Send the batch in halves. `limit` is the most bytes of a later batch, None where unknown."""

    limit: int | None


@dataclass(frozen=True)
class GiveUp:
    """The events of this batch are undelivered; other batches continue. `final`: also in a spool, which keeps other
    undelivered events and sends them again. `pause`: seconds for which the whole client waits, so that a short outage
    does not meet every batch.
    """

    reason: str
    final: bool = False
    pause: float = 0.0


@dataclass(frozen=True)
class Stop:
    """End the import with `error`, as no other batch can succeed."""

    error: Exception


Decision = Done | Wait | Split | GiveUp | Stop


NOT_REPEATED = f"it was not sent again, as {WOULD_COUNT_TWICE} (retry_unsafe=True sends it again)"


def decide(policy: RetryPolicy, attempt: int, reply: Reply, *, repeatable: bool = True) -> Decision:
    """Return the decision after a reply to an attempt, counted from 1.

    `repeatable`: whether the server may take the batch twice. One that is not is sent again only where the server
    surely has not taken it: no connection was made, or the server replied 429. A 413 splits it, as it refuses the
    whole. After anything else, 408 and 503 included, a server or a proxy may have passed it on.
    """
    may_be_taken = "" if repeatable else _why_it_may_be_taken(reply)
    match reply:
        case TryLater() | NoReply() if may_be_taken:
            return GiveUp(f"{may_be_taken}; {NOT_REPEATED}", final=True, pause=policy.backoff(1))
        case Taken(refused, cause):
            return Done(refused, cause)
        case Unauthorized(message):
            return Stop(AuthError(message))
        case TooLarge(limit):
            return Split(limit)
        case Hopeless(reason):
            return GiveUp(reason)
        case TryLater() | NoReply():
            return _wait(policy, attempt, reply)


MAX_CULPRITS = 8
"""The most refused updates of a batch that are searched for. Each takes about 20 requests in a batch of 2000."""


def decide_on_updates(reply: Taken, *, repeatable: bool) -> Decision:
    """Return the decision on a batch of updates that the server took in part, without saying which.

    It is halved until the refused updates are found. A batch that is not `repeatable` is not: the others of it were
    taken, and their `$add` and `$append` would count twice. Its updates are marked as such for a replay.
    """
    refused, taken = reply.refused, reply.taken
    if repeatable and taken and len(refused) - taken <= MAX_CULPRITS:
        return Split(None)
    doubt = "the server may have taken it" if repeatable else WOULD_COUNT_TWICE
    return Done(tuple(replace(refusal, message=f"{refusal.message}; {doubt}") for refusal in refused), reply.cause)


def _why_it_may_be_taken(reply: Reply) -> str:
    """Return why it is not known whether the server took the batch; empty if it is known."""
    match reply:
        case TryLater(reason, _, False):
            return reason
        case NoReply(error) if error.retryable and not error.unsent:
            return str(error)
    return ""


def _wait(policy: RetryPolicy, attempt: int, reply: TryLater | NoReply) -> Decision:
    if isinstance(reply, TryLater):
        return _again(policy, attempt, reply.reason, reply.after)
    unreached = reply.first_contact and reply.error.nobody_there
    tries = min(policy.first_contact, policy.attempts) if unreached else math.inf
    if attempt >= tries or not reply.error.retryable:
        return Stop(reply.error)
    return _again(policy, attempt, str(reply.error), None)


def _again(policy: RetryPolicy, attempt: int, reason: str, after: float | None) -> Decision:
    if attempt >= policy.attempts:
        return GiveUp(f"given up after {counted(attempt, 'attempt')}; last error: {reason}")
    if after is None:
        return Wait(policy.backoff(attempt), reason)
    return Wait(min(max(after, policy.min_retry_after), policy.max_retry_after), reason)
