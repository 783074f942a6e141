"""Client arguments: the request that they lead to, and the errors for invalid ones."""

from __future__ import annotations

import base64
import logging
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mixpress._core import Encoder
from mixpress.address import is_loopback
from mixpress.auth import ProjectSecret, ProjectToken, ServiceAccount
from mixpress.client.client import Client
from support.clients import ACCOUNT, client
from support.events import event, sent
from support.replies import answer
from support.server import FakeServer


def asked(**settings: Any) -> tuple[str, dict[str, list[str]], dict[str, str]]:
    """Return URL, query and headers of the request of a client with these settings."""
    server = FakeServer(answer(200, "1"))
    auth = settings.pop("auth", ACCOUNT)
    with Client(auth, transport=server, **settings) as made:
        assert made.import_events([event()]).imported == 1
    [request] = server.requests
    url = urlsplit(request.url)
    return f"{url.scheme}://{url.netloc}{url.path}", parse_qs(url.query), dict(request.headers)


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "https://api.mixpanel.com/import"),
        ({"region": "us"}, "https://api.mixpanel.com/import"),
        ({"region": "eu"}, "https://api-eu.mixpanel.com/import"),
        ({"region": "in"}, "https://api-in.mixpanel.com/import"),
        ({"base_url": "http://127.0.0.1:8400"}, "http://127.0.0.1:8400/import"),
        ({"base_url": "http://[::1]:8400/"}, "http://[::1]:8400/import"),
        ({"base_url": "https://proxy.example/mixpanel/"}, "https://proxy.example/mixpanel/import"),
    ],
)
def test_region_and_base_url_set_the_url(settings: dict[str, Any], url: str) -> None:
    assert asked(**settings)[0] == url


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


def test_a_service_account_is_sent_as_basic_auth_and_project_id() -> None:
    _, query, headers = asked(auth=ServiceAccount("name", "s€cret", project_id="17"))
    assert query == {"strict": ["1"], "ip": ["0"], "project_id": ["17"]}
    assert headers["Authorization"] == basic("name:s€cret")
    assert headers["Content-Type"] == "application/json"
    assert headers["Content-Encoding"] == "gzip"
    assert headers["User-Agent"].startswith("mixpress/")


@pytest.mark.parametrize("auth", [ProjectToken("the-word"), ProjectSecret("the-word")])
def test_a_token_or_secret_is_sent_as_basic_auth_with_an_empty_password(auth: Any) -> None:
    _, query, headers = asked(auth=auth)
    assert query == {"strict": ["1"], "ip": ["0"]}
    assert headers["Authorization"] == basic("the-word:")


def test_strict_and_ip_are_in_the_query() -> None:
    assert asked(strict=False)[1] == {"verbose": ["1"], "ip": ["0"], "project_id": ["17"]}
    assert asked(ip=True)[1] == {"strict": ["1"], "ip": ["1"], "project_id": ["17"]}


def test_on_track_the_token_is_in_the_events_and_nowhere_else() -> None:
    server = FakeServer(answer(200, {"status": 1, "error": None}))
    now = Encoder("track", token="the-token", now=lambda: 1_700_000_000.0)
    tracking = client(server, auth=ProjectToken("the-token"), endpoint="track", encoder=now)
    tracking.import_events([event()])
    [request] = server.requests
    assert request.url == "http://127.0.0.1:8400/track?verbose=1&ip=0"
    assert "Authorization" not in request.headers
    assert [one["properties"]["token"] for one in sent(request)] == ["the-token"]


def test_on_track_the_default_encoder_writes_the_token() -> None:
    server = FakeServer(answer(200, "1"))
    tracking = client(server, auth=ProjectToken("the-token"), endpoint="track")
    report = tracking.import_events([event(time=int(time.time()))])
    assert report.imported == 1
    assert sent(server.requests[0])[0]["properties"]["token"] == "the-token"


def test_on_track_a_reply_of_0_refuses_the_whole_batch() -> None:
    server = FakeServer(answer(200, "0"))
    track = Encoder("track", token="the-token", now=lambda: 1_700_000_000.0)
    report = client(server, auth=ProjectToken("t"), endpoint="track", encoder=track).import_events([event(0), event(1)])
    assert report.refused == 2


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"region": "us", "base_url": "http://127.0.0.1"}, "pass one of them"),
        ({"region": "mars"}, "region must be one of 'us', 'eu', 'in', got 'mars'"),
        ({"base_url": "127.0.0.1:8400"}, "http or https URL with a host"),
        ({"base_url": "ftp://127.0.0.1"}, "http or https URL with a host"),
        ({"base_url": "http://"}, "http or https URL with a host"),
        ({"base_url": "http://host:port"}, "http or https URL with a host"),
        ({"base_url": "http://host:99999"}, "http or https URL with a host"),
        ({"base_url": "http://host/?a=1"}, "must not have a query or fragment"),
        ({"base_url": "http://host/import"}, "'import'; remove it"),
        ({"endpoint": "engage"}, '"import" or "track", got \'engage\''),
        ({"endpoint": "track"}, "auth must be a ProjectToken for /track, got a ServiceAccount"),
        ({"concurrency": 0}, "integer >= 1, got 0"),
        ({"concurrency": 2.5}, "integer >= 1, got 2.5"),
        ({"encoder": Encoder("track")}, "got one for /track"),
    ],
)
def test_an_invalid_argument_is_an_error(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - each message is compared
        Client(ACCOUNT, **settings)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [{"queue_size": 0}, {"queue_bytes": 0}, {"on_full": "wait"}, {"linger": -1}, {"exit_timeout": float("inf")}],
)
def test_an_invalid_queue_argument_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        client(FakeServer(), **wrong)


def test_credentials_in_the_url_are_an_error_that_does_not_quote_them() -> None:
    with pytest.raises(ValueError, match="pass them as auth") as caught:
        Client(ACCOUNT, base_url="https://name:pa55word@api.mixpanel.com")
    assert "pa55word" not in str(caught.value)


def test_auth_must_be_one_of_the_three_kinds() -> None:
    with pytest.raises(TypeError, match=r"auth must be a ServiceAccount, .* got a tuple"):
        Client(("user", "pa55word"))  # type: ignore[arg-type]


def test_plain_http_to_another_machine_is_logged_as_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "mixpress"):
        client(FakeServer())
        Client(ACCOUNT, base_url="http://collector.internal", transport=FakeServer())
    assert [message.partition(" is ")[0] for message in caplog.messages] == ["http://collector.internal"]


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8400", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:1", True),
        ("http://localhost", True),
        ("http://10.0.0.1", False),
        ("http://127.0.0.1.example", False),
        ("http://localhost.example", False),
        ("", False),
    ],
)
def test_is_loopback_recognises_addresses_of_this_machine(url: str, local: bool) -> None:
    assert is_loopback(url) is local
