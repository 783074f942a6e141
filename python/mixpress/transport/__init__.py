"""Send a request to the server: one method, `send(request) -> Response`, by default over urllib3.

To use another HTTP library, write a class with that method. It raises `TransportError` where no reply came, follows no
redirects and does not retry: `retry.py` alone decides about retries. `docs/transports.md` has examples.

interface.py      Request, Response, and the protocol of a transport
over_urllib3.py   the default transport
sockets.py        its open sockets, and connections that the server closed while idle
tls.py            its TLS context
proxy.py          its proxies
errors.py         urllib3's exceptions as `TransportError`
"""

from typing import TYPE_CHECKING, Any

from mixpress.transport.interface import MAX_REPLY_BYTES, Request, Response, Transport

if TYPE_CHECKING:
    from mixpress.transport.over_urllib3 import Urllib3Transport

__all__ = ["MAX_REPLY_BYTES", "Request", "Response", "Transport", "Urllib3Transport"]


def __getattr__(name: str) -> Any:
    """Import urllib3 on first use, so that a program with another HTTP library does not load it."""
    if name != "Urllib3Transport":
        raise AttributeError(f"module 'mixpress.transport' has no attribute {name!r}")
    from mixpress.transport.over_urllib3 import Urllib3Transport  # noqa: PLC0415 - lazy

    return Urllib3Transport
