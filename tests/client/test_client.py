"""Client: what its arguments make of a request, and which arguments it refuses."""

from __future__ import annotations

import base64
import logging
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mixpress._core import Encoder
from mixpress.address import is_loopback
from mixpress.auth import ProjectSecret, ProjectToken, ServiceAccount
from mixpress.client.client import Client
from support.fakes import ACCOUNT, FakeServer, answer, client, event, sent


def asked(**settings: Any) -> tuple[str, dict[str, list[str]], dict[str, str]]:
    """URL, query and headers of the request that a client with these settings makes."""
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
def test_where_it_sends_to(settings: dict[str, Any], url: str) -> None:
    assert asked(**settings)[0] == url


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


def test_a_service_account() -> None:
    _, query, headers = asked(auth=ServiceAccount("name", "s€cret", project_id="17"))
    assert query == {"strict": ["1"], "ip": ["0"], "project_id": ["17"]}
    assert headers["Authorization"] == basic("name:s€cret")
    assert headers["Content-Type"] == "application/json"
    assert headers["Content-Encoding"] == "gzip"
    assert headers["User-Agent"].startswith("mixpress/")


@pytest.mark.parametrize("auth", [ProjectToken("the-word"), ProjectSecret("the-word")])
def test_a_token_or_secret_goes_with_an_empty_password(auth: Any) -> None:
    _, query, headers = asked(auth=auth)
    assert query == {"strict": ["1"], "ip": ["0"]}
    assert headers["Authorization"] == basic("the-word:")


def test_options_of_the_query() -> None:
    assert asked(strict=False)[1] == {"verbose": ["1"], "ip": ["0"], "project_id": ["17"]}
    assert asked(ip=True)[1] == {"strict": ["1"], "ip": ["1"], "project_id": ["17"]}


def test_track_has_the_token_in_its_events_alone() -> None:
    server = FakeServer(answer(200, {"status": 1, "error": None}))
    now = Encoder("track", token="the-token", now=lambda: 1_700_000_000.0)
    tracking = client(server, auth=ProjectToken("the-token"), endpoint="track", encoder=now)
    tracking.import_events([event()])
    [request] = server.requests
    assert request.url == "http://127.0.0.1:8400/track?verbose=1&ip=0"
    assert "Authorization" not in request.headers
    assert [one["properties"]["token"] for one in sent(request)] == ["the-token"]


def test_track_gets_its_token_without_an_encoder_of_ones_own() -> None:
    import time

    server = FakeServer(answer(200, "1"))
    tracking = client(server, auth=ProjectToken("the-token"), endpoint="track")
    report = tracking.import_events([event(time=int(time.time()))])
    assert report.imported == 1
    assert sent(server.requests[0])[0]["properties"]["token"] == "the-token"


def test_track_refuses_a_batch_as_a_whole() -> None:
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
def test_arguments_that_make_no_sense(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - each message is compared
        Client(ACCOUNT, **settings)
    assert says in str(caught.value)


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="pass them as auth") as caught:
        Client(ACCOUNT, base_url="https://name:pa55word@api.mixpanel.com")
    assert "pa55word" not in str(caught.value)


def test_auth_must_be_one_of_three() -> None:
    with pytest.raises(TypeError, match=r"auth must be a ServiceAccount, .* got a tuple"):
        Client(("user", "pa55word"))  # type: ignore[arg-type]


def test_plain_http_to_another_machine_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
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
def test_is_loopback(url: str, local: bool) -> None:
    assert is_loopback(url) is local
