"""`MixpressMiddleware` for WSGI: Flask, Bottle, Pyramid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mixpress.adapters.http_request import Stopwatch, Visits

if TYPE_CHECKING:
    from mixpress.client.async_client import AsyncClient
    from mixpress.client.client import Client

Environ = dict[str, Any]
App = Callable[[Environ, Any], Iterable[bytes]]


class MixpressMiddleware:
    """Tracks each request as an event, when its answer has ended.

        app.wsgi_app = MixpressMiddleware(app.wsgi_app, client, distinct_id=lambda environ: environ.get("REMOTE_USER"))

    Its arguments are those of the middleware for ASGI, with functions of the environ; none of them is async.
    """

    def __init__(
        self,
        app: App,
        client: Client | AsyncClient,
        *,
        distinct_id: Callable[[Environ], object],
        name: str | Callable[[Environ], str | None] = "HTTP Request",
        properties: Callable[[Environ], Mapping[str, object]] | None = None,
    ) -> None:
        self._app = app
        self._distinct_id = distinct_id
        self._visits = Visits(client, "MixpressMiddleware", name, properties)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """WSGI's call."""
        path, watch, status = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""), Stopwatch(), 500

        def start_and_look(line: str, *rest: Any) -> Any:
            nonlocal status
            status = int(line.split(" ", 1)[0])
            return start_response(line, *rest)

        def ended() -> None:
            visit = watch.visit(environ.get("REQUEST_METHOD", ""), path, status)
            self._visits.track(environ, visit, lambda: self._distinct_id(environ))

        try:
            return _Answer(self._app(environ, start_and_look), ended)
        except Exception:
            ended()
            raise


class _Answer:
    """An answer whose end is noticed: the server closes it, once, whatever came of it."""

    def __init__(self, parts: Iterable[bytes], ended: Callable[[], None]) -> None:
        self._parts = parts
        self._ended = ended

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._parts)

    def close(self) -> None:
        """What the server calls."""
        try:
            if callable(close := getattr(self._parts, "close", None)):
                close()
        finally:
            self._ended()
