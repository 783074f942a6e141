"""What to do after an attempt. A pure function of policy, attempt and reply; `send.py` carries it out."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mixpress.errors import AuthError
from mixpress.reply import Hopeless, NoReply, Refusal, Reply, Taken, TooLarge, TryLater, Unauthorized


@dataclass(frozen=True)
class RetryPolicy:
    """How often and after what waits a batch is sent again, always as the identical bytes. Times in seconds.

    The documents ask for a backoff "of 2s and doubling backoff until 60s, with 1-5s of jitter" on 429, 502
    and 503; 408, other 5xx, resets and time-outs are dealt with likewise, as `$insert_id` makes it safe.
    A 400 is never sent again.
    """

    attempts: int = 10
    """How often a batch is sent at most; what is not answered by then counts as undelivered."""
    first_wait: float = 2.0
    """The first pause, of the whole client; it doubles with each attempt."""
    max_wait: float = 60.0
    """No pause is longer, but one that the server asks for."""
    jitter: tuple[float, float] = (1.0, 5.0)
    """Each thread comes back that much after the pause, drawn anew, so that they don't all come at once."""
    min_retry_after: float = 1.0
    """A `Retry-After` counts for at least this."""
    max_retry_after: float = 300.0
    """A `Retry-After` counts for at most this."""
    first_contact: int = 3
    """Attempts at a server that has never answered, and that nobody is found at: a wrong URL shows soon."""

    def __post_init__(self) -> None:
        for name in ("attempts", "first_contact"):
            if getattr(self, name) < 1:
                raise ValueError(f"RetryPolicy: {name} is {getattr(self, name)}, and must be at least 1")
        low, high = self.jitter
        for name, value in (("first_wait", self.first_wait), ("jitter", low)):
            if value < 0:
                raise ValueError(f"RetryPolicy: {name} is {value}, and a wait can't be negative")
        for name, least, most in (
            ("max_wait", self.first_wait, self.max_wait),
            ("jitter", low, high),
            ("max_retry_after", self.min_retry_after, self.max_retry_after),
        ):
            if most < least:
                raise ValueError(f"RetryPolicy: {name} ends at {most}, below its start of {least}")

    def backoff(self, attempt: int) -> float:
        """The pause after the attempt of that number, the first being 1: 2, 4, 8, 16, 32, 60 ... seconds."""
        return min(self.max_wait, self.first_wait * 2.0 ** min(attempt - 1, 60))

    def lateness(self, random: float) -> float:
        """The jitter for a number in [0, 1)."""
        low, high = self.jitter
        return low + (high - low) * random


@dataclass(frozen=True)
class Done:
    """Enter the verdicts: all imported, but the refused."""

    refused: tuple[Refusal, ...]


@dataclass(frozen=True)
class Wait:
    """Pause the whole client for so many seconds, then send the identical bytes again."""

    seconds: float
    reason: str


@dataclass(frozen=True)
class Split:
    """Send the batch in parts; no later one larger than `limit` bytes, where that is known."""

    limit: int | None


@dataclass(frozen=True)
class GiveUp:
    """The events of this batch are undelivered; the others go on."""

    reason: str


@dataclass(frozen=True)
class Stop:
    """No other batch can fare better: the import ends with this error."""

    error: Exception


Decision = Done | Wait | Split | GiveUp | Stop


def decide(policy: RetryPolicy, attempt: int, reply: Reply) -> Decision:
    """What follows from the reply to the attempt of that number, the first being 1."""
    match reply:
        case Taken(refused):
            return Done(refused)
        case Unauthorized(message):
            return Stop(AuthError(message))
        case TooLarge(limit):
            return Split(limit)
        case Hopeless(reason):
            return GiveUp(reason)
        case TryLater(reason, after):
            return _again(policy, attempt, reason, after)
        case NoReply():
            return _after_silence(policy, attempt, reply)


def _after_silence(policy: RetryPolicy, attempt: int, reply: NoReply) -> Decision:
    never_found = reply.first_contact and reply.error.nobody_there
    tries = min(policy.first_contact, policy.attempts) if never_found else math.inf
    if attempt >= tries or not reply.error.retryable:
        return Stop(reply.error)
    return _again(policy, attempt, str(reply.error), None)


def _again(policy: RetryPolicy, attempt: int, reason: str, after: float | None) -> Decision:
    if attempt >= policy.attempts:
        return GiveUp(f"given up after {attempt} attempts; the last: {reason}")
    if after is None:
        return Wait(policy.backoff(attempt), reason)
    return Wait(min(max(after, policy.min_retry_after), policy.max_retry_after), reason)
