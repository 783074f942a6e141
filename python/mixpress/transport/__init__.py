"""How a request gets to the server: one method, `send(request) -> Response`, by default over urllib3.

Another HTTP library takes a class with that method. It raises `TransportError` where no answer came, follows
no redirect and retries nothing: retrying is decided in `retry.py`, once for all. `docs/transports.md` shows some.
"""

from mixpress.transport.over_urllib3 import Urllib3Transport
from mixpress.transport.seam import MAX_REPLY_BYTES, Request, Response, Transport

__all__ = ["MAX_REPLY_BYTES", "Request", "Response", "Transport", "Urllib3Transport"]
