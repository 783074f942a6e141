"""What can happen to a request on its way, and in which order it does."""

from __future__ import annotations

from enum import Enum
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Trouble(Enum):
    """One for each request, in the order of their first bytes.

    A reset is a RST, so that the client's side fails at once; all others end with a FIN.
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
    """The server has answered, and not a byte of it is passed on."""
    RESET_IN_REPLY = "reset in reply"
    """Half of the reply is passed on."""
    HALF_CLOSE = "half-close"
    """The server has answered, but the client gets a FIN; what it still sends is read until it hangs up."""
    SILENT = "silent"
    """The request is read, nobody hears of it, and nothing is said until the client hangs up."""
    LATE_REPLY = "late reply"
    """The server has answered, and the reply is sent when the client has hung up."""
    LATE_REQUEST = "late request"
    """The server gets the request when the client has hung up, perhaps after its retry."""
    CLOSE_IDLE = "close idle"
    """After the reply the connection is closed, though nobody has said so."""
    STALE = "stale"
    """After the reply the connection stays, to be reset at the first byte of the next request."""

    @property
    def may_arrive(self) -> bool:
        """Whether the server may have dealt with the request, though the client gets no answer."""
        return self in _MAY_ARRIVE

    @property
    def outlasts_patience(self) -> bool:
        """Whether the client waits for as long as its timeout lets it."""
        return self in {Trouble.SILENT, Trouble.LATE_REPLY, Trouble.LATE_REQUEST}


# A delay is among them: a client that is pressed for time may give up meanwhile.
_MAY_ARRIVE = frozenset(
    {
        *(Trouble.DELAY, Trouble.SLOW_READ, Trouble.RESET_BEFORE_REPLY, Trouble.RESET_IN_REPLY),
        *(Trouble.HALF_CLOSE, Trouble.LATE_REPLY, Trouble.LATE_REQUEST),
    }
)


def seeded(seed: int, share: float, troubles: tuple[Trouble, ...] = tuple(Trouble)[1:]) -> Iterator[Trouble]:
    """Without an end: one of `troubles` for a `share` (0 to 1) of the requests, the same for the same seed."""
    chance = Random(seed)
    while True:
        yield chance.choice(troubles) if chance.random() < share else Trouble.NONE
