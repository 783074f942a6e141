"""`MixpressMiddleware` for ASGI: FastAPI, Starlette, Litestar, Quart, Django's ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from mixpress.adapters.http_request import RequestTracker, Stopwatch

if TYPE_CHECKING:
    from mixpress.adapters.http_request import AnsweredRequest
    from mixpress.client.async_client import AsyncClient
    from mixpress.client.client import Client

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class MixpressMiddleware:
    """Tracks each HTTP request as an event once it is answered.

        app.add_middleware(MixpressMiddleware, client=client, distinct_id=lambda scope: scope["state"].get("user"))

    `distinct_id`: a function of the scope, sync or async, that returns the user. It is called after the application,
        so it sees what other middleware and the endpoint put into the scope. None skips the request; an empty
        string is the API's value for an unknown user.
    `name`: the event's name, or a function of the scope that returns it; None skips the request.
    `properties`: a function of the scope; its properties are added to `method`, `path`, `status` and `duration_ms`.

    It never breaks or delays a request: exceptions of these functions and a full queue are logged to `mixpress`.
    WebSockets and the lifespan pass through.
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
        self._requests = RequestTracker(client, "MixpressMiddleware", distinct_id, name, properties)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application; ASGI's entry point."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        exchange = _Exchange(scope, send)
        try:
            await self._app(scope, receive, exchange.send)
        except Exception:
            await self._track(scope, exchange)
            raise
        except BaseException as error:  # the task is cancelled or closed, for example after the answer
            if exchange.finished:
                await self._track(scope, exchange, wait=not isinstance(error, GeneratorExit))
            raise
        await self._track(scope, exchange)
        return None

    async def _track(self, scope: Scope, exchange: _Exchange, *, wait: bool = True) -> None:
        """Track a request; a cancellation of this task does not cancel an async `distinct_id`."""
        pending = self._requests.start(scope, exchange.answered(scope))
        if pending is None:
            return
        try:
            task = asyncio.get_running_loop().create_task(pending)
        except RuntimeError:  # another library than asyncio runs the application
            await pending
            return
        self._tasks.add(task)  # the loop has only weak references
        task.add_done_callback(self._tasks.discard)
        if wait:
            await asyncio.shield(task)


class _Exchange:
    """One request and the answer that the application sends."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._path: str = scope["path"]
        self._root: str = scope.get("root_path", "")
        self._send = send
        self._watch = Stopwatch()
        self._status = 500
        self.finished = False
        """Whether the whole answer was sent."""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self.finished = True
            self._watch.stop()  # background tasks run after the answer and do not count

    def answered(self, scope: Scope) -> AnsweredRequest:
        return self._watch.request(scope["method"], self._pattern(scope), self._status)

    def _pattern(self, scope: Scope) -> str:
        """Return the route's pattern, which FastAPI and Starlette leave in the scope, or else the original path."""
        pattern = getattr(scope.get("route"), "path", None)
        return scope.get("root_path", "").removeprefix(self._root) + pattern if isinstance(pattern, str) else self._path
