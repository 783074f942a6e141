"""The troubles of a request on its way, and random sequences of them."""

from __future__ import annotations

from enum import Enum
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Trouble(Enum):
    """A trouble of one request; requests are ordered by their first bytes.

    A reset is a RST, so the client fails at once; the others end with a FIN.
    """

    NONE = "none"
    DELAY = "delay"
    """The reply comes a pause later."""
    SLOW_READ = "slow read"
    """The request is read in sixteen pieces, with a part of the pause between them."""
    RESET_AT_ONCE = "reset at once"
    """At the first byte of the request; the server sees nothing of it."""
    RESET_IN_REQUEST = "reset in request"
    """The server gets half of the body, and both sides are reset."""
    RESET_BEFORE_REPLY = "reset before reply"
    """The server has replied, and no byte of the reply is forwarded."""
    RESET_IN_REPLY = "reset in reply"
    """Half of the reply is forwarded."""
    HALF_CLOSE = "half-close"
    """The server has replied, but the client gets a FIN; its further bytes are read until it hangs up."""
    SILENT = "silent"
    """The request is read and not forwarded, and there is no reply until the client hangs up."""
    LATE_REPLY = "late reply"
    """The server has replied, and the reply is sent after the client hung up."""
    LATE_REQUEST = "late request"
    """The server gets the request after the client hung up, perhaps after its retry."""
    CLOSE_IDLE = "close idle"
    """The connection is closed after the reply, without a Connection: close."""
    STALE = "stale"
    """The connection stays open after the reply, and is reset at the first byte of the next request."""

    @property
    def may_arrive(self) -> bool:
        """Whether the server may have handled the request, although the client gets no reply."""
        return self in _MAY_ARRIVE

    @property
    def outlasts_patience(self) -> bool:
        """Whether the client waits until its timeout."""
        return self in {Trouble.SILENT, Trouble.LATE_REPLY, Trouble.LATE_REQUEST}


# A delay is one of them, since a busy client may time out meanwhile.
_MAY_ARRIVE = frozenset(
    {
        *(Trouble.DELAY, Trouble.SLOW_READ, Trouble.RESET_BEFORE_REPLY, Trouble.RESET_IN_REPLY),
        *(Trouble.HALF_CLOSE, Trouble.LATE_REPLY, Trouble.LATE_REQUEST),
    }
)


def seeded(seed: int, share: float, troubles: tuple[Trouble, ...] = tuple(Trouble)[1:]) -> Iterator[Trouble]:
    """Yield one of `troubles` for a `share` (0 to 1) of the requests, without end; the same for the same seed."""
    chance = Random(seed)
    while True:
        yield chance.choice(troubles) if chance.random() < share else Trouble.NONE
