"""The documented limit, shared by the tasks of one write: the driver lends it while it writes."""

from __future__ import annotations

import logging
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mixpress.address import is_loopback
from mixpress.auth import PLACEHOLDER
from mixpress.cluster.credentials import find_credentials
from mixpress.lease import Lease, LeaseServer
from mixpress.lease.secret import VARIABLE, key_of_environment
from mixpress.send.rate_limit import RateLimit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mixpress.auth import Auth
    from mixpress.cluster.job import WriteJob

logger = logging.getLogger("mixpress")
SHARED: Final = "shared"
"""The `rate_limit` of a driver that lends the documented limit to its tasks."""


@contextmanager
def share_limit(job: WriteJob, host: str, bind: str | None = None) -> Iterator[WriteJob]:
    """Lend the documented limit to the tasks of a job for the time of the block, and return the job for them.

    `host`: the name or address by which workers reach this machine. `bind`: the address to listen on, by default
    `host`. The secret of the lease is $MIXPRESS_LEASE_SECRET, or the credentials of the job, which the workers have
    too. If this machine has neither, or can't listen there, the job is returned as it is. A task that does not reach
    this machine has the documented limit, as without a lease.
    """
    with ExitStack() as opened:
        try:
            secret = _secret(job, host)
            server = opened.enter_context(LeaseServer(host=host if bind is None else bind, secret=secret))
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: no thread can be started
            logger.info("the tasks do not share one rate limit, each has its own: %s", error)
            yield job
            return
        port = server.address.rpartition(":")[2]
        shown = f"[{host}]" if ":" in host else host
        yield replace(job, rate_limit=Lease(f"{shown}:{port}", fallback=RateLimit.documented()))


def _secret(job: WriteJob, host: str) -> Auth | None:
    """Return the credentials of a job; None if the secret is in the environment. Raises `ValueError` or `OSError`."""
    if key_of_environment() is not None:
        return None
    auth = find_credentials(job.credentials, job.server, of_updates=job.of_updates).auth
    if auth is PLACEHOLDER and not is_loopback(f"http://[{host}]" if ":" in host else f"http://{host}"):
        raise ValueError(f"this machine has no credentials, and no {VARIABLE}")
    return auth
