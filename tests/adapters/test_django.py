from __future__ import annotations

import asyncio
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import django
import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient as AsyncBrowser
from django.test import Client as Browser
from django.test import RequestFactory, override_settings
from django.urls import path

from mixpress import Client
from mixpress.adapters.django import track_requests
from mixpress.emulator import Emulator


def order(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(f"order {number}")


async def order_async(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(f"order {number}")


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the application's own")


SITE = types.ModuleType("mixpress_test_site")
SITE.urlpatterns = [  # type: ignore[attr-defined]
    path("orders/<int:number>", order),
    path("async/<int:number>", order_async),
    path("broken", broken),
]


@pytest.fixture(scope="module", autouse=True)
def _site() -> Iterator[None]:
    sys.modules[SITE.__name__] = SITE
    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"], SECRET_KEY="of a test", LOGGING_CONFIG=None)
        django.setup()
    with override_settings(ROOT_URLCONF=SITE.__name__):
        yield
    del sys.modules[SITE.__name__]


@pytest.fixture
def site(client: Client) -> Iterator[Callable[..., None]]:
    """Installs a middleware with the given options."""
    overridden: list[Any] = []

    def make(**options: Any) -> None:
        options = {"client": client, "distinct_id": lambda request: request.headers.get("X-User"), **options}
        SITE.track = track_requests(**options)  # type: ignore[attr-defined]
        overridden.append(override_settings(MIDDLEWARE=[f"{SITE.__name__}.track"]))
        overridden[-1].enable()

    yield make
    for each in overridden:
        each.disable()


def browse(*paths: str) -> list[Any]:
    browser = Browser(raise_request_exception=False)
    return [browser.get(path, headers={"X-User": "user-1"}) for path in paths]


def browse_async(*paths: str) -> list[Any]:
    async def main() -> list[Any]:
        browser = AsyncBrowser(raise_request_exception=False)
        return [await browser.get(path, headers={"X-User": "user-1"}) for path in paths]

    return asyncio.run(main())


def seen(server: Emulator, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(event["properties"].get(name) for name in names) for event in server.events()]


@pytest.mark.parametrize("way", [browse, browse_async])
def test_a_request_is_an_event(way: Any, site: Any, client: Client, server: Emulator) -> None:
    site()
    replies = way("/orders/17?q=a-secret", "/async/18", "/none", "/broken")
    assert [reply.status_code for reply in replies] == [200, 200, 404, 500]
    assert replies[1].content == b"order 18"
    assert client.flush().imported == 4
    assert seen(server, "distinct_id", "method", "path", "status") == [
        ("user-1", "GET", "/orders/<int:number>", 200),
        ("user-1", "GET", "/async/<int:number>", 200),
        ("user-1", "GET", "/none", 404),
        ("user-1", "GET", "/broken", 500),
    ]
    assert "a-secret" not in str(server.events())


def test_the_middleware_is_sync_or_async_like_its_view(site: Any, client: Client) -> None:
    made: Any = track_requests(client, distinct_id=lambda request: None)
    assert (made.sync_capable, made.async_capable) == (True, True)

    async def answer_async(_request: Any) -> HttpResponse:
        return HttpResponse("async")

    request = RequestFactory().get("/")
    assert made(lambda request: HttpResponse("sync"))(request).content == b"sync"
    assert asyncio.run(made(answer_async)(request)).content == b"async"


def test_distinct_id_can_be_an_async_function_of_an_async_view(
    site: Any, client: Client, server: Emulator, caplog: Any
) -> None:
    async def whose(request: HttpRequest) -> int:
        return 7

    site(distinct_id=whose)
    (reply,) = browse_async("/async/1")
    assert reply.content == b"order 1"
    assert client.flush().imported == 1
    assert seen(server, "distinct_id") == [("7",)]
    (reply,) = browse("/orders/1")  # a sync view cannot await it
    assert reply.content == b"order 1"
    assert client.flush().total == 0
    assert "distinct_id is async, but a sync view served the request" in caplog.text


@pytest.mark.parametrize("way", [browse, browse_async])
def test_an_error_of_tracking_does_not_break_a_request(way: Any, site: Any, full: Client) -> None:
    def raises(_request: Any) -> Any:
        raise LookupError("broken")

    for options in ({}, {"distinct_id": raises}, {"name": raises}, {"properties": raises}):
        site(client=full, **options)
        (reply,) = way("/orders/1")
        assert reply.content == b"order 1"
    assert full.flush().total == 1


def test_functions_choose_the_name_properties_and_user(site: Any, client: Client, server: Emulator) -> None:
    site(
        name=lambda request: None if request.path == "/none" else "Page",
        properties=lambda request: {"secure": request.is_secure()},
    )
    browse("/orders/1", "/none")
    Browser().get("/orders/2")
    assert client.flush().total == 1
    assert server.events()[0]["event"] == "Page"
    assert seen(server, "secure") == [(False,)]


def test_reading_the_user_of_django_sets_vary(site: Any, client: Client) -> None:
    """Reading the user reads the session, for which Django sets a header. docs/embedding.md warns of this."""
    site(distinct_id=lambda request: request.user.pk if request.user.is_authenticated else None)
    before = ["sessions.middleware.SessionMiddleware", "auth.middleware.AuthenticationMiddleware"]
    with override_settings(
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        MIDDLEWARE=[f"django.contrib.{name}" for name in before],
    ):
        assert "Vary" not in Browser().get("/orders/1").headers
        with override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, f"{SITE.__name__}.track"]):
            assert Browser().get("/orders/1").headers["Vary"] == "Cookie"
    assert client.flush().total == 0
