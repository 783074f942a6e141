"""`track_requests`: a middleware for Django, for its sync and its async side."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mixpress.adapters.http_request import Stopwatch, Visit, Visits

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from mixpress.client.async_client import AsyncClient
    from mixpress.client.client import Client


def track_requests(
    client: Client | AsyncClient,
    *,
    distinct_id: Callable[[HttpRequest], object],
    name: str | Callable[[HttpRequest], str | None] = "HTTP Request",
    properties: Callable[[HttpRequest], Mapping[str, object]] | None = None,
) -> Callable[[Callable[[HttpRequest], Any]], Callable[[HttpRequest], Any]]:
    """A middleware that tracks each request as an event, when it is answered. Its dotted name goes into `MIDDLEWARE`.

        track = track_requests(client, distinct_id=lambda request: request.headers.get("X-User"))

    The arguments are those of the middleware for ASGI, with functions of the `HttpRequest`; `distinct_id` may be async
    where requests are served by async views. `path` is the pattern of the URL where one matched.
    """
    visits = Visits(client, "track_requests", name, properties)

    def middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
        def track(request: HttpRequest) -> Any:
            watch = Stopwatch()
            response = get_response(request)  # Django has made an answer of whatever was raised
            visit = _visit(request, response, watch)
            visits.track(request, visit, lambda: _not_async(distinct_id(request)))
            return response

        async def track_async(request: HttpRequest) -> Any:
            watch = Stopwatch()
            response = await get_response(request)
            await look(request, _visit(request, response, watch))
            return response

        return track_async if inspect.iscoroutinefunction(get_response) else track

    async def look(request: HttpRequest, visit: Visit) -> None:
        try:
            whose = distinct_id(request)
            if inspect.isawaitable(whose):
                whose = await whose
        except Exception as error:  # noqa: BLE001 - the request has its answer
            visits.quiet.tell_raised(error)
        else:
            visits.track(request, visit, lambda: whose)

    middleware.sync_capable = True  # type: ignore[attr-defined]
    middleware.async_capable = True  # type: ignore[attr-defined]
    return middleware


def _visit(request: HttpRequest, response: HttpResponseBase, watch: Stopwatch) -> Visit:
    route = getattr(getattr(request, "resolver_match", None), "route", None)
    return watch.visit(request.method or "", f"/{route}" if route else request.path, response.status_code)


def _not_async(whose: object) -> object:
    if inspect.iscoroutine(whose):
        whose.close()
        raise TypeError("distinct_id is async, and the request was served by a sync view")
    return whose
