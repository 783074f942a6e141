"""`Lease`: an argument `rate_limit` of a client, which shares the rate limit of a project with other processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpress.lease.limiter import LeasedLimiter
from mixpress.lease.secret import LABEL, VARIABLE, host_and_port, key_of_environment, key_of_text
from mixpress.send.rate_limit import RateLimit

if TYPE_CHECKING:
    from mixpress.send.limiter import Limiter, LimitUse


class Lease:
    """Borrows events and bytes of a rate limit from a `LeaseServer`, in slices of two seconds.

        Client(auth, rate_limit=Lease("driver:7400"))

    `address`: "host:port" of the server, as its `address`. `ValueError` for another text.
    `secret`: the text that the server has. By default `$MIXPRESS_LEASE_SECRET`, or else a key that is derived from the
        client's credentials: a server with `secret=auth` and the same credentials has it too.
    `fallback`: the ceiling of this process while no server answers. By default the limit that the server announced
        last, divided by the number of workers then; a tenth of the documented limit if no server ever answered.

    Nothing is connected until a client sends. A client that sends nothing for ten seconds closes its connection. A
    lease without a `secret` can be pickled; with one it is a `TypeError`, as a pickle would contain it as plain text.
    """

    def __init__(self, address: str, *, secret: str | None = None, fallback: RateLimit | None = None) -> None:
        if fallback is not None and not isinstance(fallback, RateLimit):
            raise TypeError(f"fallback must be a RateLimit or None, got {fallback!r}")
        self._host, self._port = host_and_port(address)
        self.address = address.strip()
        self.fallback = fallback
        self._key = None if secret is None else key_of_text(secret)

    def limiter(self, use: LimitUse) -> Limiter:
        """Return the limiter of one engine of a client, with its own connection."""
        key = self._key or key_of_environment() or use.derive_key(LABEL)
        return LeasedLimiter(self._host, self._port, key, self.fallback, use)

    def __repr__(self) -> str:
        return f"Lease({self.address!r}, fallback={self.fallback!r})" if self.fallback else f"Lease({self.address!r})"

    def __reduce__(self) -> tuple[object, ...]:
        if self._key is not None:
            raise TypeError(
                "a Lease with a secret can't be pickled: a pickle would contain it as plain text; "
                f"leave it out, and set ${VARIABLE} in the other process"
            )
        return _lease, (self.address, self.fallback)


def _lease(address: str, fallback: RateLimit | None) -> Lease:
    return Lease(address, fallback=fallback)
