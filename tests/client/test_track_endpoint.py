"""The endpoint /track: the request in each format, and the meaning of each reply."""

from __future__ import annotations

import gzip
import json
from typing import Any
from urllib.parse import parse_qs, unquote_to_bytes, urlsplit

import pytest

from mixpress._core import Encoder, Limits
from mixpress.auth import ProjectToken
from mixpress.client.client import Client
from mixpress.emulator import Emulator
from mixpress.errors import AuthError
from mixpress.transport import Request, Response
from support.clients import client
from support.clocks import START, StillClock
from support.events import events
from support.replies import answer
from support.server import FakeServer

TOKEN = ProjectToken("the-token")
OF_2022: dict[str, Any] = {"edition": 2022}


def encoder(**settings: Any) -> Encoder:
    return Encoder("track", token="the-token", now=lambda: START, **settings)


def tracking(server: FakeServer, **settings: Any) -> Client:
    return client(server, StillClock(), auth=TOKEN, endpoint="track", linger=1e9, **settings)


def body(request: Request) -> list[dict[str, Any]]:
    """Return the events of a request in any of its formats."""
    packed = request.headers.get("Content-Encoding") == "gzip"
    content = gzip.decompress(request.body) if packed else request.body
    if request.headers["Content-Type"] == "application/x-www-form-urlencoded":
        content = unquote_to_bytes(content.removeprefix(b"data="))
    return json.loads(content)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("settings", "content_type", "packed"),
    [
        ({"encoder": encoder()}, "application/json", True),
        ({"encoder": encoder(format="form")}, "application/x-www-form-urlencoded", True),
        ({"encoder": encoder(format="form", compression=None)}, "application/x-www-form-urlencoded", False),
        (OF_2022, "application/x-www-form-urlencoded", False),
    ],
    ids=["json", "form", "plain form", "2022"],
)
def test_a_request_has_its_format_and_the_token_in_each_event(
    settings: dict[str, Any], content_type: str, packed: bool
) -> None:
    server = FakeServer(answer(200, {"status": 1, "error": None}))
    with tracking(server, **settings) as made:
        made.track("Signed Up", "user-1", {"plan": "pro & more"})
        assert made.flush().imported == 1
    [request] = server.requests
    assert parse_qs(urlsplit(request.url).query) == {"verbose": ["1"], "ip": ["0"]}
    assert request.headers["Content-Type"] == content_type
    assert ("Content-Encoding" in request.headers) is packed
    assert "Authorization" not in request.headers
    [one] = body(request)
    assert (one["event"], one["properties"]["token"]) == ("Signed Up", "the-token")
    assert one["properties"]["plan"] == "pro & more"


def test_edition_2022_sends_fifty_events_a_request() -> None:
    server = FakeServer(answer(200, "1"))
    with tracking(server, edition=2022) as made:
        for _ in range(120):
            made.track("A", "u")
        assert made.flush().imported == 120
    assert [len(body(request)) for request in server.requests] == [50, 50, 20]


def test_the_emulator_accepts_every_format() -> None:
    for settings in ({}, {"encoder": Encoder("track", token="the-token", format="form")}, OF_2022):
        with Emulator() as server:
            with Client(TOKEN, base_url=server.url, endpoint="track", ip=True, **settings) as made:
                made.track("A", "u")
                assert made.flush().imported == 1
            assert [request.status for request in server.requests()] == [200]
            assert server.count(endpoint="/track") == 1


@pytest.mark.parametrize(
    ("reply", "imported", "says"),
    [
        (answer(200, "1"), 2, ""),
        (answer(200, {"status": 1, "error": None}), 2, ""),
        (answer(200, "0"), 0, "no valid event"),
        (answer(200, {"status": 0, "error": "token, missing or empty"}), 0, "token, missing or empty"),
    ],
    ids=["1", "verbose 1", "0", "verbose 0"],
)
def test_each_reply_has_its_verdict(reply: Response, imported: int, says: str) -> None:
    report = tracking(FakeServer(reply), encoder=encoder()).import_events(events_now(2))
    assert (report.imported, report.refused) == (imported, 2 - imported)
    assert [says in failure.message for failure in report.failures] == [True] * (2 - imported)


def events_now(count: int) -> list[dict[str, Any]]:
    given = events(count)
    for one in given:
        one["properties"]["time"] = int(START)
    return given


@pytest.mark.parametrize(("status", "means"), [(401, "are not accepted"), (403, "have no permission")])
def test_401_and_403_are_auth_errors_with_their_reason(status: int, means: str) -> None:
    server = FakeServer(answer(status, {"error": "no", "status": "error"}))
    with pytest.raises(AuthError, match=f"{status} .*: no .*{means}"):
        tracking(server, encoder=encoder()).import_events(events_now(1))


def test_confirms_says_whether_the_server_confirms_batches_or_events() -> None:
    one = FakeServer(answer(200, "1"))
    assert tracking(one, encoder=encoder()).import_events(events_now(1)).confirms == "batches"
    assert client(one, strict=False).import_events(events(1)).confirms == "batches"
    assert client(one).import_events(events(1)).confirms == "events"
    with client(one, strict=False) as made:
        assert made.flush().confirms == "batches"


@pytest.mark.parametrize(
    "settings",
    [
        {"edition": 2021, "endpoint": "track"},
        {"edition": 2022},
        {"edition": 2022, "endpoint": "track", "encoder": Encoder("track", limits=Limits(max_batch_events=50))},
    ],
)
def test_an_invalid_edition_is_an_error(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="edition"):
        client(FakeServer(), auth=TOKEN, **settings)
