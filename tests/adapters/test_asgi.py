from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import fastapi
import httpx
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from mixpress import AsyncClient, Client
from mixpress.adapters import http_request
from mixpress.adapters.asgi import MixpressMiddleware, Scope
from mixpress.emulator import Emulator

from .conftest import ACCOUNT


def user(scope: Scope) -> str | None:
    """Return the user in a header of the request."""
    return dict(scope["headers"]).get(b"x-user", b"").decode() or None


def ask(app: Any, *paths: str, root_path: str = "", method: str = "GET", **headers: str) -> list[httpx.Response]:
    async def main() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, root_path=root_path)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as http:
            return [await http.request(method, path, headers=headers) for path in paths]

    return asyncio.run(main())


async def hello(request: Request) -> Response:
    request.state.user = "user-of-the-endpoint"
    return PlainTextResponse("hello")


async def broken(_request: Request) -> Response:
    raise RuntimeError("the application's own")


def starlette(**options: Any) -> Starlette:
    routes = [Route("/", hello), Route("/broken", broken), Mount("/sub", routes=[Route("/hello", hello)])]
    return Starlette(routes=routes, middleware=[Middleware(MixpressMiddleware, **{"distinct_id": user, **options})])


def seen(server: Emulator, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(event["properties"].get(name) for name in names) for event in server.events()]


def test_a_request_is_an_event(client: Client, server: Emulator) -> None:
    ask(
        starlette(client=client),
        "/?q=a-secret",
        "/none",
        "/broken",
        "/sub/hello",
        **{"x-user": "user-1"},
    )
    assert client.flush().imported == 4
    assert {event["event"] for event in server.events()} == {"HTTP Request"}
    assert seen(server, "distinct_id", "method", "path", "status") == [
        ("user-1", "GET", "/", 200),
        ("user-1", "GET", "/none", 404),
        ("user-1", "GET", "/broken", 500),
        ("user-1", "GET", "/sub/hello", 200),
    ]
    assert "a-secret" not in str(server.events())
    assert all(milliseconds >= 0 for (milliseconds,) in seen(server, "duration_ms"))


def test_the_path_is_the_route_of_fastapi(client: Client, server: Emulator) -> None:
    app = fastapi.FastAPI()

    @app.get("/orders/{order_id}")
    async def order(order_id: int) -> dict[str, int]:
        return {"order": order_id}

    app.add_middleware(MixpressMiddleware, client=client, distinct_id=user)
    good, bad = ask(app, "/orders/17", "/orders/no-number", **{"x-user": "user-1"})
    assert (good.json(), bad.status_code) == ({"order": 17}, 422)
    ask(app, "/proxy/orders/17", root_path="/proxy", **{"x-user": "user-1"})
    client.flush()
    assert seen(server, "path", "status") == [("/orders/{order_id}", status) for status in (200, 422, 200)]


def test_the_endpoint_can_set_the_user(client: Client, server: Emulator) -> None:
    ask(starlette(client=client, distinct_id=lambda scope: scope["state"]["user"]), "/")
    client.flush()
    assert seen(server, "distinct_id") == [("user-of-the-endpoint",)]


def test_distinct_id_can_be_an_async_function(client: Client, server: Emulator) -> None:
    async def whose(scope: Scope) -> str:
        await asyncio.sleep(0)
        return "user-2"

    ask(starlette(client=client, distinct_id=whose), "/")
    client.flush()
    assert seen(server, "distinct_id") == [("user-2",)]


def test_a_request_without_a_user_is_not_tracked(client: Client, server: Emulator) -> None:
    ask(starlette(client=client), "/")
    ask(starlette(client=client, distinct_id=lambda scope: ""), "/")
    assert client.flush().total == 1
    assert seen(server, "distinct_id") == [("",)]


def test_functions_choose_the_name_and_properties(client: Client, server: Emulator) -> None:
    options: dict[str, Any] = {
        "name": lambda scope: None if scope["path"] == "/none" else f"{scope['method']} seen",
        "properties": lambda scope: {"http_version": scope["http_version"], "status": "mine"},
    }
    ask(starlette(client=client, **options), "/", "/none", **{"x-user": "user-1"})
    assert client.flush().total == 1
    assert server.events()[0]["event"] == "GET seen"
    assert seen(server, "http_version", "status") == [("1.1", "mine")]


def raises(_scope: Scope) -> Any:
    raise LookupError("broken")


async def raises_later(scope: Scope) -> Any:
    raises(scope)


@pytest.mark.parametrize(
    "options",
    [
        {"distinct_id": raises},
        {"distinct_id": raises_later},
        {"name": raises},
        {"properties": raises},
        {"distinct_id": lambda scope: "null"},
        {"properties": lambda scope: {"odd": object()}},
    ],
    ids=["distinct_id", "async distinct_id", "name", "properties", "a disallowed id", "an odd value"],
)
def test_an_error_of_tracking_does_not_break_a_request(
    options: Any, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    (reply,) = ask(starlette(client=client, **options), "/", **{"x-user": "user-1"})
    assert (reply.status_code, reply.text) == (200, "hello")
    assert client.flush().imported == 0
    (record,) = [record for record in caplog.records if record.name == "mixpress"]
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("MixpressMiddleware did not track an event: ")


def test_a_full_queue_does_not_block_the_loop(full: Client) -> None:
    (reply,) = ask(starlette(client=full), "/", **{"x-user": "user-1"})
    assert reply.text == "hello"
    assert full.flush().imported == 1


def test_an_exception_of_the_application_is_raised(client: Client, server: Emulator) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("the application's own")

    with pytest.raises(RuntimeError, match="the application's own"):
        asyncio.run(call(MixpressMiddleware(app, client, distinct_id=lambda scope: "user-1")))
    client.flush()
    assert seen(server, "status") == [(500,)]


async def call(app: Any) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: Any) -> None:
        pass

    await app({"type": "http", "method": "GET", "path": "/", "headers": []}, receive, send)


def test_a_background_task_does_not_count(client: Client, server: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event has the duration and the status of the response only."""
    now = [100.0]
    monkeypatch.setattr(
        http_request, "time", SimpleNamespace(time=lambda: 1_700_000_000.5, perf_counter=lambda: now[0])
    )

    async def parts() -> AsyncIterator[bytes]:
        for part in (b"one", b"two"):
            now[0] += 0.125
            yield part

    async def afterwards() -> None:
        now[0] += 60
        raise RuntimeError("the task's own")

    async def endpoint(_request: Request) -> Response:
        return StreamingResponse(parts(), background=BackgroundTask(afterwards))

    middleware = [Middleware(MixpressMiddleware, client=client, distinct_id=lambda scope: "user-1")]
    ask(Starlette(routes=[Route("/", endpoint)], middleware=middleware), "/")
    client.flush()
    assert seen(server, "status", "duration_ms", "time") == [(200, 250, 1_700_000_000_500)]


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
def test_other_scopes_pass_through_unchanged(kind: str, client: Client) -> None:
    passed: list[Any] = []

    async def app(*given: Any) -> None:
        passed.extend(given)

    scope, receive, send = {"type": kind}, object(), object()
    middleware: Any = MixpressMiddleware(app, client, distinct_id=lambda scope: "user-1")
    asyncio.run(middleware(scope, receive, send))
    assert [id(each) for each in passed] == [id(scope), id(receive), id(send)]
    assert client.flush().total == 0


def test_an_async_client_is_accepted(server: Emulator) -> None:
    async def main() -> None:
        async with AsyncClient(ACCOUNT, base_url=server.url) as client:
            app: Callable[..., Awaitable[None]] = starlette(client=client, distinct_id=lambda scope: "user-1")
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as http:
                assert (await http.get("/")).text == "hello"

    asyncio.run(main())
    assert seen(server, "distinct_id") == [("user-1",)]
