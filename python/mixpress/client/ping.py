"""`ping`: one request without events, which shows what a server makes of the credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mixpress.auth import ProjectToken
from mixpress.clock import REAL
from mixpress.errors import TransportError
from mixpress.reply import Taken, Unauthorized, read_reply
from mixpress.send.request import RequestTemplate
from mixpress.transport import Request, Urllib3Transport

if TYPE_CHECKING:
    from mixpress.auth import Auth
    from mixpress.clock import Clock
    from mixpress.transport import Transport

Outcome = Literal["accepted", "unproven", "refused", "no answer"]


@dataclass(frozen=True)
class Ping:
    """What a server made of a request without events."""

    outcome: Outcome
    """`unproven`: the server accepted the request, but does not check such credentials."""
    message: str
    """A sentence with the remedy, without credentials."""
    status: int | None
    """The status of HTTP; None without an answer."""
    seconds: float


def ping(auth: Auth, server: str, transport: Transport | None = None, clock: Clock = REAL) -> Ping:
    """Send an empty list to /import. No event is sent, and nothing is stored."""
    template = RequestTemplate.for_endpoint(server, auth, "import")
    request = Request(template.url, {**template.headers, "Content-Type": "application/json"}, b"[]")
    sender = transport or Urllib3Transport(connections=1)
    since = clock.monotonic()
    try:
        response = sender.send(request)
    except TransportError as error:
        return Ping("no answer", auth.hide(str(error)), None, clock.monotonic() - since)
    finally:
        if transport is None and isinstance(sender, Urllib3Transport):
            sender.close()
    seconds = clock.monotonic() - since
    # As if there were one event, so that a refusal has a message.
    reply = read_reply(response, 0 if response.status == 200 else 1, hide=auth.hide)
    outcome, message = _outcome(reply, response.status, auth)
    return Ping(outcome, message, response.status, seconds)


def _outcome(reply: object, status: int, auth: Auth) -> tuple[Outcome, str]:
    if isinstance(reply, Unauthorized):
        return "refused", reply.message
    if not isinstance(reply, Taken):
        said = getattr(reply, "reason", None) or getattr(reply, "message", "")
        return "no answer", f"this is no answer to an empty list: {said}"
    if isinstance(auth, ProjectToken):
        return "unproven", (
            "the server takes the request, but it does not say whether the token exists, or whether its project is in "
            "this region: events of a wrong token or region are dropped silently. Import one event, and look for it"
        )
    if status == 400:  # the API's documents leave open how it answers an empty list
        said = f": {reply.refused[0].message}" if reply.refused else ""
        return "accepted", f"the server refuses an empty list, but not the credentials{said}"
    return "accepted", "the server accepts the credentials"
