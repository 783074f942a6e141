"""`MixpressMiddleware` for WSGI: Flask, Bottle, Pyramid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mixpress.adapters.http_request import RequestTracker, Stopwatch

if TYPE_CHECKING:
    from mixpress.client.async_client import AsyncClient
    from mixpress.client.client import Client

Environ = dict[str, Any]
App = Callable[[Environ, Any], Iterable[bytes]]


class MixpressMiddleware:
    """Tracks each request as an event at the end of its answer.

        app.wsgi_app = MixpressMiddleware(app.wsgi_app, client, distinct_id=lambda environ: environ.get("REMOTE_USER"))

    The arguments are those of the ASGI middleware, with functions of the environ; none of them is async.
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
        self._requests = RequestTracker(client, "MixpressMiddleware", distinct_id, name, properties)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Run the application; WSGI's entry point."""
        exchange = _Exchange(self._requests, environ, start_response)
        try:
            return _Answer(self._app(environ, exchange.start_response), exchange)
        except Exception:
            exchange.end()
            raise


class _Exchange:
    """One request and the status of its answer."""

    def __init__(self, requests: RequestTracker[Environ], environ: Environ, start_response: Any) -> None:
        self._requests = requests
        self._environ = environ
        self._start_response = start_response
        self._path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        self._watch = Stopwatch()
        self._status = 500

    def start_response(self, status: str, *rest: Any) -> Any:
        self._status = int(status.split(" ", 1)[0])
        return self._start_response(status, *rest)

    def end(self) -> None:
        """Track the request."""
        method = self._environ.get("REQUEST_METHOD", "")
        self._requests.track(self._environ, self._watch.request(method, self._path, self._status))


class _Answer:
    """An answer that ends its exchange when the server closes it, which a server does exactly once."""

    def __init__(self, parts: Iterable[bytes], exchange: _Exchange) -> None:
        self._parts = parts
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._parts)

    def close(self) -> None:
        """Close the application's answer and end the exchange."""
        try:
            if callable(close := getattr(self._parts, "close", None)):
                close()
        finally:
            self._exchange.end()
