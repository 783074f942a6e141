"""What goes around a body: where it is sent, and the headers that say who sends it. The client's requests and those of
`Batch.request` are made here, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, get_args
from urllib.parse import urlencode

from mixpress._core import __version__
from mixpress.address import server_at
from mixpress.auth import Auth, ProjectSecret, ProjectToken, ServiceAccount
from mixpress.transport import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mixpress._core import Batch

Endpoint = Literal["import", "track"]

HEADERS: Mapping[str, str] = {"User-Agent": f"mixpress/{__version__}"}


class Body(Protocol):
    """A request body, and what it is."""

    @property
    def body(self) -> bytes:
        """The bytes to send."""
        ...

    @property
    def headers(self) -> dict[str, str]:
        """What the body is."""
        ...


@dataclass(frozen=True)
class Envelope:
    """The same for every batch that goes to one place. Its headers hold the credentials."""

    url: str
    headers: Mapping[str, str] = field(repr=False)

    @staticmethod
    def to(
        server: str, auth: Auth, endpoint: Endpoint, *, strict: bool = True, ip: bool = False, verbose: bool = True
    ) -> Envelope:
        """What goes to an endpoint of a server. `verbose` makes an answer that is not strict say what was wrong,
        instead of a bare 0. On /track nothing says who sends: the token stands in the events.
        """
        is_strict = endpoint == "import" and strict
        answer = {"strict": "1"} if is_strict else {"verbose": "1"} if verbose else {}
        query = {**answer, "ip": "1" if ip else "0", **auth.query()}
        sender = {} if endpoint == "track" else auth.headers()
        return Envelope(f"{server}/{endpoint}?{urlencode(query)}", {**HEADERS, **sender})

    def around(self, batch: Body) -> Request:
        """The request for a batch."""
        return Request(self.url, {**self.headers, **batch.headers}, batch.body)


def request_of(batch: Batch, base_url: str, auth: Auth, *, strict: bool, ip: bool, verbose: bool) -> Request:
    """`Batch.request`."""
    check_auth(auth, batch.endpoint)
    return Envelope.to(server_at(base_url), auth, batch.endpoint, strict=strict, ip=ip, verbose=verbose).around(batch)


def check_auth(auth: object, endpoint: object) -> None:
    """Who sends, and to which endpoint."""
    if not isinstance(auth, ServiceAccount | ProjectToken | ProjectSecret):
        raise TypeError(f"auth must be a ServiceAccount, ProjectToken or ProjectSecret, and is a {type(auth).__name__}")
    if endpoint not in get_args(Endpoint):
        raise ValueError(f'endpoint must be "import" or "track", and is {endpoint!r}')
    if endpoint == "track" and not isinstance(auth, ProjectToken):
        raise ValueError(f"/track takes a ProjectToken, and auth is a {type(auth).__name__}")
