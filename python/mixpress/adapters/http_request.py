"""What the adapters of web frameworks have in common: which event a request is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from mixpress.adapters.safe_tracker import Happening, Quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mixpress.client.async_client import AsyncClient
    from mixpress.client.client import Client

Asked = TypeVar("Asked")
"""What a framework calls a request: Django's `HttpRequest`, ASGI's scope, WSGI's environ."""


@dataclass(frozen=True)
class Visit:
    """A request that was answered."""

    method: str
    path: str
    """The route's pattern where the framework says it, as `/orders/{id}`; else the path. Never the query."""
    status: int
    """500 where the application raised."""
    began: float
    """When the request arrived, in seconds since 1970."""
    seconds: float
    """From then to the end of its answer."""


class Visits(Generic[Asked]):
    """Tracks requests, with the functions that say whose they are and what they are called."""

    def __init__(
        self,
        client: Client | AsyncClient,
        adapter: str,
        name: str | Callable[[Asked], str | None],
        properties: Callable[[Asked], Mapping[str, object]] | None,
    ) -> None:
        self.quiet = Quiet(client, adapter)
        self._name = name
        self._properties = properties

    def track(self, asked: Asked, visit: Visit, distinct_id: Callable[[], object]) -> None:
        """Track a request, unless it has no name or nobody made it."""
        self.quiet.track(lambda: self._look(asked, visit, distinct_id))

    def _look(self, asked: Asked, visit: Visit, distinct_id: Callable[[], object]) -> Happening | None:
        name = self._name(asked) if callable(self._name) else self._name
        whose = None if name is None else distinct_id()
        if whose is None:
            return None
        more = self._properties(asked) if self._properties else {}
        own = {"method": visit.method, "path": visit.path, "status": visit.status}
        return Happening(name, whose, {**own, "duration_ms": round(visit.seconds * 1000, 3), **more}, visit.began)


class Stopwatch:
    """When a request arrived, and for how long it has been there."""

    def __init__(self) -> None:
        self._began = time.time()
        self._from = time.perf_counter()
        self._seconds: float | None = None

    def stop(self) -> None:
        """The answer has ended here. The first time counts."""
        if self._seconds is None:
            self._seconds = time.perf_counter() - self._from

    def visit(self, method: str, path: str, status: int) -> Visit:
        """The request, whose answer has ended now if not before."""
        self.stop()
        assert self._seconds is not None, "it was stopped"
        return Visit(method, path, status, self._began, self._seconds)
