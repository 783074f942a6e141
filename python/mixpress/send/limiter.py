"""`Limiter`: what a throttle needs from a rate limit. `Limit`: makes a limiter for one engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from mixpress.clock import Clock
    from mixpress.log import RepeatLog


class Limiter(Protocol):
    """Decides when a request may be sent. `take` and `answered` are called with a lock held: they must not wait."""

    def take(self, now: float, events: int, size: int) -> float:
        """Count a request and return 0.0 if it may be sent now, else return the seconds until the next try."""

    def answered(self, now: float, events: int, size: int) -> None:
        """Note that a request that `take` allowed has its answer, or can have none."""

    def close(self) -> None:
        """Give up what was borrowed, and end threads. The limiter can be used again."""

    def disown(self) -> None:
        """Close copies of the parent's sockets, in a forked child, which uses another limiter."""


class LimitUse(NamedTuple):
    """Who uses a limit: the engine of one endpoint of a client."""

    endpoint: str
    """`"import"`, `"track"`, `"engage"` or `"groups"`."""
    clock: Clock
    log: RepeatLog
    derive_key: Callable[[str], bytes]
    """Derives a key from the credentials of the client, for a label."""


class Limit(Protocol):
    """A rate limit, as an argument of a client."""

    def limiter(self, use: LimitUse) -> Limiter:
        """Return a new limiter for one engine."""
