"""Call the API of lookup tables: one request at a time, repeated by the client's `RetryPolicy`."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from mixpress.errors import ClientClosed, LookupTableError, TransportError
from mixpress.lookup.reply import Failed, Listed, Replaced
from mixpress.reply import NoReply
from mixpress.retry import GiveUp, Stop, Wait, decide
from mixpress.send.redact import without_credentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from mixpress.clock import Clock
    from mixpress.reply import Hide, Reply
    from mixpress.retry import Decision, RetryPolicy
    from mixpress.transport.interface import Request, Response, Transport

logger = logging.getLogger("mixpress")

Result = TypeVar("Result", Replaced, Listed)


@dataclass(frozen=True)
class Caller:
    """Sends a request until it has its result. Replacing a table twice is replacing it once, so any call is repeated.

    A pause here does not hold the client's events back: the limits of lookup tables are their own.
    """

    transport: Transport
    policy: RetryPolicy
    clock: Clock
    hide: Hide
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Ends the waits between two attempts."""

    def call(self, request: Request, read: Callable[[Response], Result | Failed | Reply]) -> tuple[Result, int]:
        """Return the result, and the number of attempts that it took. Raises what the decision about a reply is."""
        attempt, answered = 0, False
        while True:
            attempt += 1
            reply = self._ask(request, read, first_contact=not answered)
            answered = answered or not isinstance(reply, NoReply)
            if isinstance(reply, Replaced | Listed):
                return reply, attempt
            if isinstance(reply, Failed):
                raise reply.error
            self._act(decide(self.policy, attempt, reply), attempt)

    def _ask(
        self, request: Request, read: Callable[[Response], Result | Failed | Reply], *, first_contact: bool
    ) -> Result | Failed | Reply:
        try:
            response = self.transport.send(request)
        except TransportError as error:
            return NoReply(without_credentials(error, self.hide), first_contact=first_contact)
        except Exception as error:  # a transport of the caller's may raise anything
            shown = without_credentials(error, self.hide)
            if shown is error:
                raise
            raise shown from None
        return read(response)

    def _act(self, decision: Decision, attempt: int) -> None:
        match decision:
            case Stop(error):
                raise error
            case GiveUp(reason):
                raise LookupTableError(reason, "undelivered")
            case Wait(seconds, reason):
                wait = seconds + self.policy.lateness(self.clock.random())
                logger.warning("lookup table: attempt %d failed, the next one in %.1f s: %s", attempt, wait, reason)
                self.clock.wait(self.cancelled, wait)
                if self.cancelled.is_set():
                    raise ClientClosed(f"the client was closed while a lookup table waited to be sent again: {reason}")
            case _:
                raise AssertionError(f"{decision!r} is no decision about a lookup table")
