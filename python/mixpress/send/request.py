"""Build requests: the URL, the query and the headers around a body. The client and `Batch.request` both use this."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args
from urllib.parse import urlencode

from mixpress._core import __version__
from mixpress.address import server_at
from mixpress.article import type_of
from mixpress.auth import Auth, ProjectSecret, ProjectToken, ServiceAccount
from mixpress.send.repeatable import is_repeatable
from mixpress.transport.interface import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mixpress._core import Batch
    from mixpress.batch import SendableBatch

Endpoint = Literal["import", "track"]
"""The endpoints for events."""
UpdateEndpoint = Literal["engage", "groups"]
"""The endpoints for updates of profiles: of users, and of groups."""

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

    @staticmethod
    def for_updates(
        server: str, endpoint: UpdateEndpoint, *, strict: bool = True, ip: bool = False, verbose: bool = True
    ) -> RequestTemplate:
        """Return the template for updates of profiles. Their requests have no credentials: the token is in each update.

        `verbose` makes a reply name the error instead of a bare 0. `strict` asks the server to check each update.
        """
        answer = ({"verbose": "1"} if verbose else {}) | ({"strict": "1"} if strict else {})
        query = {**answer, "ip": "1" if ip else "0"}
        return RequestTemplate(f"{server}/{endpoint}?{urlencode(query)}", {**HEADERS})

    def request(self, batch: SendableBatch, timeout: float | None = None, *, repeatable: bool = True) -> Request:
        """Return the request that sends a batch, with the seconds within which its reply is useful, and whether the
        server may receive it twice.
        """
        request = Request(self.url, {**self.headers, **batch.headers}, batch.body)
        object.__setattr__(request, "timeout", timeout)
        object.__setattr__(request, "repeatable", repeatable)
        return request


def request_of(batch: Batch, base_url: str, auth: Auth, *, strict: bool, ip: bool, verbose: bool) -> Request:
    """Implement `Batch.request`."""
    server = server_at(base_url)
    match batch.endpoint:
        case "engage" | "groups" as endpoint:
            template = RequestTemplate.for_updates(server, endpoint, strict=strict, ip=ip, verbose=verbose)
            return template.request(batch, repeatable=is_repeatable(batch))
        case endpoint:
            check_auth(auth, endpoint)
            template = RequestTemplate.for_endpoint(server, auth, endpoint, strict=strict, ip=ip, verbose=verbose)
            return template.request(batch)


def check_auth(auth: object, endpoint: object) -> None:
    """Raise `TypeError` or `ValueError` unless `auth` is one that the endpoint accepts."""
    if not isinstance(auth, ServiceAccount | ProjectToken | ProjectSecret):
        raise TypeError(f"auth must be a ServiceAccount, ProjectToken or ProjectSecret, got {type_of(auth)}")
    if endpoint not in get_args(Endpoint):
        raise ValueError(f'endpoint must be "import" or "track", got {endpoint!r}')
    if endpoint == "track" and not isinstance(auth, ProjectToken):
        raise ValueError(f"auth must be a ProjectToken for /track, got {type_of(auth)}")
