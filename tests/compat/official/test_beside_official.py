"""The default mode does what the official consumers do: each test runs with both."""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import mixpanel
import pytest
import responses

from mixpress.compat import mixpanel as ours

PATHS = {"events": "track", "people": "engage", "groups": "groups", "imports": "import"}
CREDENTIALS = mixpanel.ServiceAccountCredentials("account", "a-well-kept-secret", "17")


@pytest.fixture(params=[mixpanel, ours], ids=["official", "ours"])
def consumers(request: pytest.FixtureRequest) -> ModuleType:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def server() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def answering(server: responses.RequestsMock, *hosts: str, reply: Any = None, status: int = 200) -> None:
    for host in hosts or ("api.mixpanel.com",):
        for path in PATHS.values():
            server.post(f"https://{host}/{path}", json=reply or {"status": 1, "error": None}, status=status)


def seen(server: responses.RequestsMock) -> list[tuple[Any, ...]]:
    """Return the URL, the Authorization header and the form of each request."""
    return [
        (call.request.url, call.request.headers.get("Authorization"), dict(parse_qsl(as_text(call.request.body))))
        for call in server.calls
    ]


def as_text(body: Any) -> str:
    return body.decode() if isinstance(body, bytes) else str(body)


def sent(server: responses.RequestsMock) -> list[tuple[str, Any]]:
    """Return the path and the JSON of each request."""
    return [(urlsplit(url).path, json.loads(form["data"])) for url, _, form in seen(server)]


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# Requests


@pytest.mark.parametrize(("endpoint", "path"), PATHS.items())
def test_a_message_is_a_form_at_its_endpoint(
    consumers: ModuleType, server: responses.RequestsMock, endpoint: str, path: str
) -> None:
    answering(server)
    consumers.Consumer().send(endpoint, '{"a":"é&"}')
    assert seen(server) == [
        (f"https://api.mixpanel.com/{path}", None, {"data": '{"a":"é&"}', "verbose": "1", "ip": "0"})
    ]
    assert server.calls[0].request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_secret_is_sent_by_basic_authentication_and_the_key_in_the_form(
    consumers: ModuleType, server: responses.RequestsMock
) -> None:
    answering(server)
    consumer = consumers.Consumer()
    consumer.send("imports", "{}", "key", "secret")
    consumer.send("imports", "{}", ("key", "secret"))
    consumer.send("imports", "{}", "key")
    form = {"data": "{}", "verbose": "1", "ip": "0"}
    url = "https://api.mixpanel.com/import"
    authorized = (url, basic("secret", ""), {**form, "api_key": "key"})
    assert seen(server) == [authorized, authorized, (url, None, form)]


def test_a_service_account_is_only_sent_to_import(consumers: ModuleType, server: responses.RequestsMock) -> None:
    answering(server)
    consumer = consumers.Consumer(credentials=CREDENTIALS)
    for endpoint in PATHS:
        consumer.send(endpoint, "{}", "key", None)
    consumer.send("imports", "{}", "key", "secret")
    form = {"data": "{}", "verbose": "1", "ip": "0"}
    account = ("https://api.mixpanel.com/import?project_id=17", basic("account", "a-well-kept-secret"), form)
    assert seen(server)[3:] == [account, account]
    assert [authorization for _, authorization, _ in seen(server)[:3]] == [None] * 3


def test_the_arguments_set_the_urls(consumers: ModuleType, server: responses.RequestsMock) -> None:
    answering(server, "api-eu.mixpanel.com", "one.example")
    server.post("https://two.example/e?x=1", json={"status": 1})
    consumers.Consumer(api_host="api-eu.mixpanel.com").send("people", "{}")
    consumers.Consumer("https://two.example/e?x=1", "https://one.example/engage").send("events", "{}")
    consumers.Consumer("https://two.example/e", "https://one.example/engage").send("people", "{}")
    consumers.BufferedConsumer(1, None, None, "https://one.example/import").send("imports", "{}")
    consumers.BufferedConsumer(1, None, None, None, 3, "https://one.example/groups").send("groups", "{}")
    assert [url for url, _, _ in seen(server)] == [
        "https://api-eu.mixpanel.com/engage",
        "https://two.example/e?x=1",
        "https://one.example/engage",
        "https://one.example/import",
        "https://one.example/groups",
    ]


def test_timeout_and_verification_go_to_requests(consumers: ModuleType, server: responses.RequestsMock) -> None:
    answering(server)
    consumers.Consumer(request_timeout=30, verify_cert=False).send("events", "{}")
    options = server.calls[0].request.req_kwargs  # type: ignore[attr-defined]
    assert (options["timeout"], options["verify"]) == (30, False)


def test_https_is_retried_up_to_the_limit(consumers: ModuleType) -> None:
    retries = consumers.Consumer(retry_limit=7, retry_backoff_factor=0.5)._session.get_adapter("https://x").max_retries
    assert (retries.total, retries.backoff_factor, retries.allowed_methods) == (7, 0.5, {"POST"})
    assert retries.status_forcelist == set(range(500, 600))


# Replies


@pytest.mark.parametrize("status", [200, 401, 403])
def test_a_refusal_raises_the_servers_message(
    consumers: ModuleType, server: responses.RequestsMock, status: int
) -> None:
    answering(server, reply={"status": 0, "error": "bad data"}, status=status)
    with pytest.raises(consumers.MixpanelException, match=r"^Mixpanel error: bad data$"):
        consumers.Consumer().send("events", "{}")


def test_a_reply_that_is_not_json_is_quoted(consumers: ModuleType, server: responses.RequestsMock) -> None:
    server.post("https://api.mixpanel.com/track", body="upstream connect error", status=404)
    with pytest.raises(
        consumers.MixpanelException, match=r"^Cannot interpret Mixpanel server response: upstream connect error$"
    ):
        consumers.Consumer().send("events", "{}")


def test_a_5xx_raises_after_the_retries(consumers: ModuleType, server: responses.RequestsMock) -> None:
    answering(server, status=503)
    with pytest.raises(consumers.MixpanelException, match="too many 503 error responses"):
        consumers.Consumer(retry_limit=2, retry_backoff_factor=0).send("events", "{}")
    assert len(server.calls) == 3


def test_no_reply_raises(consumers: ModuleType, server: responses.RequestsMock) -> None:
    server.post("https://api.mixpanel.com/track", body=ConnectionError("reset"))
    with pytest.raises(consumers.MixpanelException, match="reset"):
        consumers.Consumer().send("events", "{}")


@pytest.mark.parametrize("name", ["Consumer", "BufferedConsumer"])
def test_an_unknown_endpoint_is_refused_at_once(consumers: ModuleType, name: str) -> None:
    with pytest.raises(consumers.MixpanelException, match=r'^No such endpoint "event". Valid endpoints are one of'):
        getattr(consumers, name)().send("event", "{}")


# The buffer


def test_a_buffer_is_sent_when_it_is_full_and_by_flush(consumers: ModuleType, server: responses.RequestsMock) -> None:
    answering(server)
    consumer = consumers.BufferedConsumer(3)
    for number in range(7):
        consumer.send("events", str(number))
    consumer.send("people", '"p"')
    assert sent(server) == [("/track", [0, 1, 2]), ("/track", [3, 4, 5])]
    consumer.flush()
    assert sent(server)[2:] == [("/track", [6]), ("/engage", ["p"])]
    consumer.flush()
    assert len(server.calls) == 4


@pytest.mark.parametrize("size", [50, 51, 2000])
def test_a_request_has_at_most_fifty_messages(consumers: ModuleType, server: responses.RequestsMock, size: int) -> None:
    answering(server)
    consumer = consumers.BufferedConsumer(size)
    for number in range(101):
        consumer.send("groups", str(number))
    consumer.flush()
    assert [len(messages) for _, messages in sent(server)] == [50, 50, 1]


def test_the_credentials_of_an_import_are_kept_for_flush(consumers: ModuleType, server: responses.RequestsMock) -> None:
    answering(server)
    consumer = consumers.BufferedConsumer()
    consumer.send("imports", "{}", "key", "secret")
    consumer.flush()
    consumer.send("imports", "{}", ("other", "word"))
    consumer.flush()
    assert [(auth, form["api_key"]) for _, auth, form in seen(server)] == [
        (basic("secret", ""), "key"),
        (basic("word", ""), "other"),
    ]


def test_a_failed_request_is_in_the_exception_and_stays_in_the_buffer(
    consumers: ModuleType, server: responses.RequestsMock
) -> None:
    server.post("https://api.mixpanel.com/engage", json={"status": 0, "error": "not now"})
    server.post("https://api.mixpanel.com/engage", json={"status": 1, "error": None})
    consumer = consumers.BufferedConsumer(2)
    consumer.send("people", '"a"')
    with pytest.raises(consumers.MixpanelException, match="Mixpanel error: not now") as caught:
        consumer.send("people", '"b"')
    assert caught.value.message == '["a","b"]'
    assert caught.value.endpoint == "people"
    assert isinstance(caught.value.__cause__, consumers.MixpanelException)
    consumer.flush()
    assert sent(server) == [("/engage", ["a", "b"])] * 2


# With the official Mixpanel


@pytest.mark.parametrize("name", ["Consumer", "BufferedConsumer"])
def test_every_method_of_mixpanel_is_delivered(
    consumers: ModuleType, server: responses.RequestsMock, name: str
) -> None:
    answering(server)
    consumer = getattr(consumers, name)()
    client = mixpanel.Mixpanel("token", consumer=consumer)
    client._now = lambda: 1000
    client._make_insert_id = lambda: "id"
    client.track("user", "Seen", {"plan": "pro"}, {"ip": 0})
    client.import_data(None, "user", "Seen", 5, {"plan": "pro"}, api_secret="secret")
    client.merge(None, "user", "other", api_secret="secret")
    for update in ("set", "set_once", "increment", "append", "union", "remove"):
        getattr(client, f"people_{update}")("user", {"list": [1], "n": 1})
    client.people_unset("user", ["n"])
    client.people_delete("user")
    client.people_track_charge("user", 5)
    client.people_clear_charges("user")
    for update in ("set", "set_once", "union", "remove"):
        getattr(client, f"group_{update}")("company", "acme", {"list": [1]})
    client.group_unset("company", "acme", ["list"])
    client.group_delete("company", "acme")
    if name == "BufferedConsumer":
        consumer.flush()
    messages = flattened(sent(server))
    assert [len(messages[path]) for path in ("/track", "/import", "/engage", "/groups")] == [1, 2, 10, 6]
    assert messages["/track"][0] == {
        "event": "Seen",
        "properties": {
            "token": "token",
            "distinct_id": "user",
            "time": 1000,
            "$insert_id": "id",
            "mp_lib": "python",
            "$lib_version": mixpanel.__version__,
            "plan": "pro",
        },
        "ip": 0,
    }
    assert messages["/engage"][2] == {
        "$token": "token",
        "$time": 1000,
        "$distinct_id": "user",
        "$add": {"list": [1], "n": 1},
    }


def flattened(requests: list[tuple[str, Any]]) -> dict[str, list[Any]]:
    messages: dict[str, list[Any]] = {}
    for path, content in requests:
        messages.setdefault(path, []).extend(content if isinstance(content, list) else [content])
    return messages


# The surface


@pytest.mark.parametrize("name", ["Consumer", "BufferedConsumer"])
def test_the_constructors_accept_the_arguments_of_the_originals(name: str) -> None:
    original = inspect.signature(getattr(mixpanel, name)).parameters
    mine = inspect.signature(getattr(ours, name)).parameters
    assert {parameter: value.default for parameter, value in original.items()} == {
        parameter: value.default for parameter, value in list(mine.items())[: len(original)]
    }
    assert list(original) == list(mine)[: len(original)]
    assert all(value.kind is value.KEYWORD_ONLY for value in list(mine.values())[len(original) : -1])


@pytest.mark.parametrize("name", ["Consumer", "BufferedConsumer"])
def test_the_methods_accept_the_arguments_of_the_originals(name: str) -> None:
    methods = dict(inspect.getmembers(getattr(mixpanel, name), inspect.isfunction))
    public = {method for method in methods if not method.startswith("_")}
    assert "send" in public
    for method in public:
        original = inspect.signature(methods[method]).parameters
        mine = inspect.signature(getattr(getattr(ours, name), method)).parameters
        assert [(one.name, one.default) for one in original.values()] == [
            (one.name, one.default) for one in list(mine.values())[: len(original)]
        ]
        assert all(one.default is not one.empty for one in list(mine.values())[len(original) :])


def test_the_exception_is_the_official_one() -> None:
    assert ours.MixpanelException is mixpanel.MixpanelException


def test_the_query_of_an_import_contains_no_secret(consumers: ModuleType, server: responses.RequestsMock) -> None:
    answering(server)
    consumers.Consumer(credentials=CREDENTIALS).send("imports", "{}")
    assert parse_qs(urlsplit(str(server.calls[0].request.url)).query) == {"project_id": ["17"]}
