"""Make an event of an answered HTTP request, for the adapters of web frameworks."""

from __future__ import annotations

import inspect
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from mixpress.adapters.safe_tracker import Event, SafeTracker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping
    from typing import Any

    from mixpress.client.async_client import AsyncClient
    from mixpress.client.client import Client

ASYNC_ID = "distinct_id is async, but a sync view served the request"

Value = TypeVar("Value")
Source = TypeVar("Source")
"""The framework's own request: Django's `HttpRequest`, ASGI's scope, WSGI's environ."""


@dataclass(frozen=True)
class AnsweredRequest:
    """An HTTP request and its answer."""

    method: str
    path: str
    """The route's pattern where the framework gives it, as `/orders/{id}`, else the path; never the query."""
    status: int
    """500 where the application raised."""
    started: float
    """When the request arrived, in seconds since 1970."""
    seconds: float
    """From its arrival to the end of its answer."""


class RequestTracker(Generic[Source]):
    """Tracks requests, with the application's functions for user, name and properties."""

    def __init__(
        self,
        client: Client | AsyncClient,
        adapter: str,
        distinct_id: Callable[[Source], object],
        name: str | Callable[[Source], str | None],
        properties: Callable[[Source], Mapping[str, object]] | None,
    ) -> None:
        self._tracker = SafeTracker(client, adapter)
        self._distinct_id = distinct_id
        self._name = name
        self._properties = properties

    def track(self, source: Source, request: AnsweredRequest) -> None:
        """Track a request, unless its name or its `distinct_id` is None."""
        self._tracker.track(self._event, source, request)

    async def track_async(self, source: Source, request: AnsweredRequest) -> None:
        """Do the same; `distinct_id` may be an async function."""
        pending = self.start(source, request)
        if pending is not None:
            await pending

    def start(self, source: Source, request: AnsweredRequest) -> Coroutine[Any, Any, None] | None:
        """Track a request at once; if `distinct_id` is async, return the coroutine that tracks it."""
        try:
            distinct_id = self._distinct_id(source)
        except Exception as error:  # noqa: BLE001 - the request is answered already and must not fail
            self._tracker.log_raised(error)
            return None
        if inspect.isawaitable(distinct_id):
            return self._finish(source, request, distinct_id)
        self._tracker.track(self._event_of, source, request, distinct_id)
        return None

    async def _finish(self, source: Source, request: AnsweredRequest, pending: Awaitable[object]) -> None:
        try:
            distinct_id = await pending
        except Exception as error:  # noqa: BLE001 - as above
            self._tracker.log_raised(error)
        else:
            self._tracker.track(self._event_of, source, request, distinct_id)

    def _event(self, source: Source, request: AnsweredRequest) -> Event | None:
        name = self._name_of(source)
        distinct_id = None if name is None else _not_async(self._distinct_id(source), ASYNC_ID)
        return self._make_event(name, distinct_id, source, request)

    def _event_of(self, source: Source, request: AnsweredRequest, distinct_id: object) -> Event | None:
        return self._make_event(self._name_of(source), distinct_id, source, request)

    def _name_of(self, source: Source) -> str | None:
        return (
            _not_async(self._name(source), "name is async, but must be a sync function")
            if callable(self._name)
            else self._name
        )

    def _make_event(
        self, name: str | None, distinct_id: object, source: Source, request: AnsweredRequest
    ) -> Event | None:
        if name is None or distinct_id is None:
            return None
        own = {
            "method": request.method,
            "path": request.path,
            "status": request.status,
            "duration_ms": round(request.seconds * 1000, 3),
        }
        more = self._properties(source) if self._properties else {}
        more = _not_async(more, "properties is async, but must be a sync function")
        return Event(name, distinct_id, {**own, **more}, request.started)


def _not_async(value: Value, message: str) -> Value:
    """Return the value that a function of the application returned; TypeError for an awaitable."""
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()
        raise TypeError(message)
    return value


class Stopwatch:
    """Measures one request from its arrival to the end of its answer."""

    def __init__(self) -> None:
        self._started = time.time()
        self._started_monotonic = time.perf_counter()
        self._seconds: float | None = None

    def stop(self) -> float:
        """Return the seconds up to the first call of this method."""
        if self._seconds is None:
            self._seconds = time.perf_counter() - self._started_monotonic
        return self._seconds

    def request(self, method: str, path: str, status: int) -> AnsweredRequest:
        """Return the request, stopping the watch if it still runs."""
        return AnsweredRequest(method, path, status, self._started, self.stop())
