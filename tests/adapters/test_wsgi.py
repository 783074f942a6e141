from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from mixpress import Client
from mixpress.adapters.wsgi import MixpressMiddleware
from mixpress.emulator import Emulator


def shop(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    environ["shop.user"] = "user-1"
    if environ["PATH_INFO"] == "/broken":
        raise RuntimeError("the application's own")
    status = "200 OK" if environ["PATH_INFO"] == "/" else "404 Not Found"
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"he", b"llo"]


def user(environ: dict[str, Any]) -> Any:
    return environ.get("shop.user")


class SilentHandler(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(app: Any) -> Iterator[str]:
    with make_server("127.0.0.1", 0, app, handler_class=SilentHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def ask(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def seen(server: Emulator, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(event["properties"].get(name) for name in names) for event in server.events()]


def test_a_request_is_an_event(client: Client, server: Emulator) -> None:
    app = validator(MixpressMiddleware(validator(shop), client, distinct_id=user))
    with serving(app) as url:
        assert ask(f"{url}/?q=a-secret") == (200, b"hello")
        assert ask(f"{url}/none") == (404, b"hello")
    assert client.flush().imported == 2
    assert seen(server, "distinct_id", "method", "path", "status") == [
        ("user-1", "GET", "/", 200),
        ("user-1", "GET", "/none", 404),
    ]
    assert "a-secret" not in str(server.events())


def call(app: Any, path: str = "/") -> list[bytes]:
    environ: dict[str, Any] = {"PATH_INFO": path}
    setup_testing_defaults(environ)
    parts = app(environ, lambda status, headers, exc_info=None: None)
    try:
        return list(parts)
    finally:
        parts.close()


def test_an_exception_of_the_application_is_raised(client: Client, server: Emulator) -> None:
    with pytest.raises(RuntimeError, match="the application's own"):
        call(MixpressMiddleware(shop, client, distinct_id=user), "/broken")
    client.flush()
    assert seen(server, "path", "status") == [("/broken", 500)]


def test_the_event_is_made_after_the_response_is_closed(client: Client, server: Emulator) -> None:
    order: list[str] = []

    class Parts:
        def __iter__(self) -> Iterator[bytes]:
            order.append("read")
            yield b"part"

        def close(self) -> None:
            order.append("closed")

    def app(environ: Any, start_response: Any) -> Any:
        start_response("201 Created", [])
        return Parts()

    def whose(_environ: Any) -> str:
        order.append("asked")
        return "user-1"

    assert call(MixpressMiddleware(app, client, distinct_id=whose)) == [b"part"]
    client.flush()
    assert order == ["read", "closed", "asked"]
    assert seen(server, "status") == [(201,)]


def test_an_error_of_tracking_does_not_break_a_request(full: Client) -> None:
    def raises(_environ: Any) -> Any:
        raise LookupError("broken")

    for options in ({}, {"distinct_id": raises}, {"name": raises}, {"properties": raises}):
        assert call(MixpressMiddleware(shop, full, **{"distinct_id": user, **options})) == [b"he", b"llo"]
    assert full.flush().total == 1


def test_a_request_without_a_user_is_not_tracked(client: Client) -> None:
    call(MixpressMiddleware(shop, client, distinct_id=lambda environ: None))
    assert client.flush().total == 0


@pytest.mark.parametrize("argument", ["distinct_id", "name", "properties"])
def test_an_async_function_is_rejected(
    client: Client, server: Emulator, caplog: pytest.LogCaptureFixture, argument: str
) -> None:
    async def later(_environ: dict[str, Any]) -> Any:
        return "user-1"

    with serving(MixpressMiddleware(shop, client, **{"distinct_id": user, argument: later})) as url:
        assert ask(url)[0] == 200
    client.flush()
    assert server.count() == 0
    assert f"{argument} is async" in caplog.text
