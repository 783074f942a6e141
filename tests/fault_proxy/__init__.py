"""A proxy on the loopback that breaks and delays connections as networks do.

with Emulator() as server, FaultProxy(server.url, [Trouble.RESET_IN_REPLY, Trouble.NONE]) as proxy:
    ...                     # send requests to proxy.url
    proxy.met               # how often each trouble was met
"""

from .proxy import FaultProxy
from .troubles import Trouble, seeded

__all__ = ["FaultProxy", "Trouble", "seeded"]
