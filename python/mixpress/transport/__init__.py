"""How a request gets to the server: one method, `send(request) -> Response`, by default over urllib3.

Another HTTP library takes a class with that method. It raises `TransportError` where no answer came, follows
no redirect and retries nothing: retrying is decided in `retry.py`, once for all. `docs/transports.md` shows some.
"""

from typing import TYPE_CHECKING, Any

from mixpress.transport.interface import MAX_REPLY_BYTES, Request, Response, Transport

if TYPE_CHECKING:
    from mixpress.transport.over_urllib3 import Urllib3Transport

__all__ = ["MAX_REPLY_BYTES", "Request", "Response", "Transport", "Urllib3Transport"]


def __getattr__(name: str) -> Any:
    """Who sends by another library pays nothing for urllib3: it is imported when it is asked for."""
    if name != "Urllib3Transport":
        raise AttributeError(f"module 'mixpress.transport' has no attribute {name!r}")
    from mixpress.transport.over_urllib3 import Urllib3Transport  # noqa: PLC0415 -- as late as that

    return Urllib3Transport
