"""`track_requests`: a middleware for Django, for sync and async views."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from mixpress.adapters.http_request import RequestTracker, Stopwatch

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from mixpress.adapters.http_request import AnsweredRequest
    from mixpress.client.async_client import AsyncClient
    from mixpress.client.client import Client


def track_requests(
    client: Client | AsyncClient,
    *,
    distinct_id: Callable[[HttpRequest], object],
    name: str | Callable[[HttpRequest], str | None] = "HTTP Request",
    properties: Callable[[HttpRequest], Mapping[str, object]] | None = None,
) -> Callable[[Callable[[HttpRequest], Any]], Callable[[HttpRequest], Any]]:
    """Return a middleware that tracks each request as an event once it is answered.

        track = track_requests(client, distinct_id=lambda request: request.headers.get("X-User"))

    The dotted name of the result goes into `MIDDLEWARE`. The arguments are those of the ASGI middleware, with functions
    of the `HttpRequest`; `distinct_id` may be async for requests that async views serve. `path` is the pattern of the
    URL where one matched.
    """
    return _Middleware(RequestTracker(client, "track_requests", distinct_id, name, properties))


class _Middleware:
    """A middleware factory as Django calls it, with the next handler in the chain."""

    sync_capable = True
    async_capable = True

    def __init__(self, requests: RequestTracker[HttpRequest]) -> None:
        self._requests = requests

    def __call__(self, get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
        # Django asks whether a handler is a coroutine function, which an object with an async __call__ is not.
        if inspect.iscoroutinefunction(get_response):
            return partial(self._answer_async, get_response)
        return partial(self._answer, get_response)

    def _answer(self, get_response: Callable[[HttpRequest], Any], request: HttpRequest) -> Any:
        watch = Stopwatch()
        response = get_response(request)  # never raises: Django turns exceptions into responses
        self._requests.track(request, _answered(request, response, watch))
        return response

    async def _answer_async(self, get_response: Callable[[HttpRequest], Any], request: HttpRequest) -> Any:
        watch = Stopwatch()
        response = await get_response(request)
        await self._requests.track_async(request, _answered(request, response, watch))
        return response


def _answered(request: HttpRequest, response: HttpResponseBase, watch: Stopwatch) -> AnsweredRequest:
    route = getattr(getattr(request, "resolver_match", None), "route", None)
    return watch.request(request.method or "", f"/{route}" if route else request.path, response.status_code)
