"""One rate limit for many processes: a `LeaseServer` lends it to clients with `rate_limit=Lease(address)`."""

from mixpress.lease.conversation import EndpointStats
from mixpress.lease.lease import Lease
from mixpress.lease.server import LeaseServer, LeaseStats

__all__ = ["EndpointStats", "Lease", "LeaseServer", "LeaseStats"]
