"""`MixpressMiddleware` for ASGI: FastAPI, Starlette, Litestar, Quart, Django's ASGI application."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from mixpress.adapters.http_request import Stopwatch, Visit, Visits

if TYPE_CHECKING:
    from mixpress.client.async_client import AsyncClient
    from mixpress.client.client import Client

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class MixpressMiddleware:
    """Tracks each HTTP request as an event, when it is answered.

        app.add_middleware(MixpressMiddleware, client=client, distinct_id=lambda scope: scope["state"].get("user"))

    `distinct_id`: whose request it is, a function of the scope, or an async one. It is called when the application is
        done, so that it sees what other middleware and the endpoint put into the scope. None leaves the request
        out; an empty text is the API's word for nobody.
    `name`: the event's name, or a function of the scope that gives it; None leaves the request out.
    `properties`: a function of the scope, whose properties are added to `method`, `path`, `status` and `duration_ms`.

    Nothing of it can break a request or hold it up: what the functions raise, and a full queue, are told in the log
    `mixpress`. WebSockets and the lifespan pass through.
    """

    def __init__(
        self,
        app: App,
        client: Client | AsyncClient,
        *,
        distinct_id: Callable[[Scope], object],
        name: str | Callable[[Scope], str | None] = "HTTP Request",
        properties: Callable[[Scope], Mapping[str, object]] | None = None,
    ) -> None:
        self._app = app
        self._distinct_id = distinct_id
        self._visits = Visits(client, "MixpressMiddleware", name, properties)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's call."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        route, watch, status = _Route(scope), Stopwatch(), 500

        async def send_and_look(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                watch.stop()  # what runs behind the answer is no part of it

        try:
            await self._app(scope, receive, send_and_look)
        except Exception:
            await self._track(scope, watch.visit(scope["method"], route.pattern(scope), status))
            raise
        await self._track(scope, watch.visit(scope["method"], route.pattern(scope), status))
        return None

    async def _track(self, scope: Scope, visit: Visit) -> None:
        try:
            whose = self._distinct_id(scope)
            if inspect.isawaitable(whose):
                whose = await whose
        except Exception as error:  # noqa: BLE001 - the request has its answer
            self._visits.quiet.tell_raised(error)
        else:
            self._visits.track(scope, visit, lambda: whose)


class _Route:
    """Where a request goes. FastAPI and Starlette leave in the scope the route, and what it is mounted under."""

    def __init__(self, scope: Scope) -> None:
        self._path: str = scope["path"]
        self._root: str = scope.get("root_path", "")

    def pattern(self, scope: Scope) -> str:
        """The route's pattern, or else the path as it came."""
        pattern = getattr(scope.get("route"), "path", None)
        return scope.get("root_path", "").removeprefix(self._root) + pattern if isinstance(pattern, str) else self._path
