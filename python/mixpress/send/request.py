"""Build requests: the URL, the query and the headers around a body. The client and `Batch.request` both use this."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args
from urllib.parse import urlencode

from mixpress._core import __version__
from mixpress.address import server_at
from mixpress.auth import Auth, ProjectSecret, ProjectToken, ServiceAccount
from mixpress.transport.interface import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mixpress._core import Batch
    from mixpress.batch import SendableBatch

Endpoint = Literal["import", "track"]

HEADERS: Mapping[str, str] = {"User-Agent": f"mixpress/{__version__}"}


@dataclass(frozen=True)
class RequestTemplate:
    """The part of a request that all batches for one endpoint share. Its headers hold the credentials."""

    url: str
    headers: Mapping[str, str] = field(repr=False)

    @staticmethod
    def for_endpoint(
        server: str, auth: Auth, endpoint: Endpoint, *, strict: bool = True, ip: bool = False, verbose: bool = True
    ) -> RequestTemplate:
        """Return the template for an endpoint of a server.

        `verbose` makes an answer that is not strict name the error instead of a bare 0. A request to /track has no
        credentials: the token is in the events.
        """
        is_strict = endpoint == "import" and strict
        answer = {"strict": "1"} if is_strict else {"verbose": "1"} if verbose else {}
        query = {**answer, "ip": "1" if ip else "0", **auth.query()}
        credentials = {} if endpoint == "track" else auth.headers()
        return RequestTemplate(f"{server}/{endpoint}?{urlencode(query)}", {**HEADERS, **credentials})

    def request(self, batch: SendableBatch, timeout: float | None = None) -> Request:
        """Return the request that sends a batch, with the seconds within which its reply is useful."""
        request = Request(self.url, {**self.headers, **batch.headers}, batch.body)
        object.__setattr__(request, "timeout", timeout)
        return request


def request_of(batch: Batch, base_url: str, auth: Auth, *, strict: bool, ip: bool, verbose: bool) -> Request:
    """Implement `Batch.request`."""
    check_auth(auth, batch.endpoint)
    server = server_at(base_url)
    return RequestTemplate.for_endpoint(server, auth, batch.endpoint, strict=strict, ip=ip, verbose=verbose).request(
        batch
    )


def check_auth(auth: object, endpoint: object) -> None:
    """Raise `TypeError` or `ValueError` unless `auth` is one that the endpoint accepts."""
    if not isinstance(auth, ServiceAccount | ProjectToken | ProjectSecret):
        raise TypeError(f"auth must be a ServiceAccount, ProjectToken or ProjectSecret, got a {type(auth).__name__}")
    if endpoint not in get_args(Endpoint):
        raise ValueError(f'endpoint must be "import" or "track", got {endpoint!r}')
    if endpoint == "track" and not isinstance(auth, ProjectToken):
        raise ValueError(f"auth must be a ProjectToken for /track, got a {type(auth).__name__}")
