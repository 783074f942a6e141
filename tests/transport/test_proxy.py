"""Proxies: which one a request takes, what the proxy receives, and the errors when it refuses."""

from __future__ import annotations

import base64
import pickle
import socket
import ssl
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from mixpress.client.client import Client
from mixpress.emulator import Emulator
from mixpress.errors import TransportError
from mixpress.transport import Urllib3Transport
from mixpress.transport.proxy import FROM_ENVIRONMENT, Proxies, parse_proxy
from support.clients import ACCOUNT
from support.events import events
from support.listener import OK, Behave, Listener, closed_port, failure, http, post, read_request, replying
from support.proxies import ConnectProxy, PlainProxy

Listen = Callable[[Behave], Listener]

PASSWORD = "canary/of:a@password"
QUOTED = "canary%2Fof%3Aa%40password"
BASIC = "Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode()
HOST = "collector.test"
AUTHORITY = trustme.CA()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    AUTHORITY.cert_pem.write_to_path(tmp_path / "authority.pem")
    return tmp_path / "authority.pem"


def context(*names: str) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(*names).configure_cert(made)
    return made


@pytest.fixture
def origin(listen: Listen) -> Listener:
    """A TLS server for a name that only the proxy resolves."""

    def answer(connection: socket.socket) -> None:
        with context(HOST).wrap_socket(connection, server_side=True) as secure:
            while True:
                listener.requests.append(read_request(secure))  # type: ignore[attr-defined]
                secure.sendall(OK)

    listener = listen(answer)
    listener.requests = []  # type: ignore[attr-defined]
    return listener


def at(listener: Listener, credentials: str = "", scheme: str = "http") -> str:
    return f"{scheme}://{credentials}127.0.0.1:{listener.port}"


def shown(error: BaseException, *others: object) -> str:
    return "\n".join([*traceback.format_exception(error), repr(error), repr(vars(error)), *map(repr, others)])


@pytest.mark.parametrize(("credentials", "wanted"), [("", None), (f"me:{QUOTED}@", BASIC)])
def test_https_requests_share_a_tunnel(
    listen: Listen, origin: Any, bundle: Path, credentials: str, wanted: str | None
) -> None:
    proxy = ConnectProxy(origin.port, wanted)
    url = f"https://{HOST}/import"
    with Urllib3Transport(proxy=at(listen(proxy), credentials), ca_bundle=bundle) as transport:
        for _ in range(3):
            assert transport.send(post(url)).status == 200
    assert len(origin.requests) == 3
    [head] = proxy.heads  # one tunnel for three requests
    assert head.startswith(b"CONNECT collector.test:443 HTTP/1.")
    assert b"eDo=" not in head  # the credentials for the server
    assert not any(b"Proxy-Authorization" in request for request in origin.requests)


def test_a_proxy_with_tls(listen: Listen, origin: Any, bundle: Path) -> None:
    proxy = ConnectProxy(origin.port, BASIC, tls=context("127.0.0.1"))
    url = at(listen(proxy), f"me:{QUOTED}@", "https")
    with Urllib3Transport(proxy=url, ca_bundle=bundle) as transport:
        assert transport.send(post(f"https://{HOST}/import")).status == 200
    assert len(proxy.heads) == len(origin.requests) == 1


@pytest.mark.parametrize(("credentials", "wanted"), [("", None), (f"me:{QUOTED}@", BASIC)])
def test_http_requests_are_forwarded(listen: Listen, credentials: str, wanted: str | None) -> None:
    with Emulator() as server:
        proxy = PlainProxy(int(server.url.rpartition(":")[2]), wanted)
        with (
            Urllib3Transport(proxy=at(listen(proxy), credentials)) as transport,
            Client(ACCOUNT, base_url="http://collector.test", transport=transport, concurrency=1) as client,
        ):
            assert client.import_events(events(5000)).imported == 5000
        assert server.count() == 5000
    assert proxy.heads[0].startswith(b"POST http://collector.test/import?")


@pytest.mark.parametrize("kind", [ConnectProxy, PlainProxy])
@pytest.mark.parametrize(
    ("credentials", "says"),
    [
        ("", "requires credentials; put them into its URL, such as http://user:password@127.0.0.1"),
        (f"me:{QUOTED}@", "does not accept the credentials in its URL (407 Proxy Authentication Required)"),
    ],
)
def test_a_proxy_that_refuses_the_credentials_is_an_error_without_them(
    listen: Listen, caplog: pytest.LogCaptureFixture, kind: Any, credentials: str, says: str
) -> None:
    caplog.set_level("DEBUG")
    repeats = http(f"407 not {QUOTED} {PASSWORD} {BASIC}", BASIC.encode())
    listener = listen(kind(0, "Basic other", repeats))
    url = f"http{'s' if kind is ConnectProxy else ''}://{HOST}/import"
    with Urllib3Transport(proxy=at(listener, credentials)) as transport:
        error = failure(transport, url)
        text = shown(error, transport, transport._proxies.given) + caplog.text
    assert (error.kind, error.retryable, error.nobody_there) == ("proxy", False, True)
    assert says in str(error)
    assert "canary" not in text
    assert BASIC.removeprefix("Basic ") not in text


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (
            "403 Forbidden",
            "proxy",
            "refuses requests to collector.test (403 Forbidden); list hosts that need no proxy in NO_PROXY",
        ),
        ("502 Bad Gateway", "unreachable", "can't reach collector.test (502 Bad Gateway)"),
        ("999 Odd", "unreachable", "can't reach collector.test (999)"),
    ],
)
def test_a_refused_tunnel_is_an_error_with_its_reason(listen: Listen, status: str, kind: str, says: str) -> None:
    with Urllib3Transport(proxy=at(listen(ConnectProxy(0, None, http(status, b""))))) as transport:
        error = failure(transport, f"https://{HOST}/import")
    assert error.kind == kind
    assert says in str(error)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses_connections(scheme: str) -> None:
    with closed_port() as port, Urllib3Transport(proxy=f"me:{QUOTED}@127.0.0.1:{port}") as transport:
        error = failure(transport, f"{scheme}://{HOST}/import")
    assert error.kind == "refused"
    assert f"connection to the proxy 127.0.0.1:{port} refused" in str(error)
    assert "canary" not in shown(error)


def test_the_certificate_of_a_server_behind_a_proxy_is_verified(listen: Listen, origin: Any) -> None:
    with Urllib3Transport(proxy=at(listen(ConnectProxy(origin.port)))) as transport:
        error = failure(transport, f"https://{HOST}/import")
    assert error.kind == "certificate"
    assert "the certificate of collector.test is not trusted" in str(error)


def test_a_407_of_the_server_itself_is_a_reply(listen: Listen, transport: Urllib3Transport) -> None:
    listener = listen(replying(http("407 No", b"")))
    assert transport.send(post(listener.url())).status == 407


# The choice of the proxy

P, Q = "http://p:3128", "http://q:80"


@pytest.mark.parametrize(
    ("environment", "url", "expected"),
    [
        ({}, "https://a.test", None),
        ({"HTTPS_PROXY": P}, "https://a.test/import?strict=1", P),
        ({"HTTPS_PROXY": P}, "http://a.test", None),
        ({"https_proxy": P, "HTTPS_PROXY": Q}, "https://a.test", P),
        ({"https_proxy": "", "HTTPS_PROXY": Q}, "https://a.test", None),
        ({"HTTP_PROXY": P}, "http://a.test", P),
        ({"HTTP_PROXY": P, "REQUEST_METHOD": "GET"}, "http://a.test", None),
        ({"http_proxy": P, "REQUEST_METHOD": "GET"}, "http://a.test", P),
        ({"ALL_PROXY": P}, "https://a.test", P),
        ({"ALL_PROXY": P, "HTTPS_PROXY": Q}, "https://a.test", Q),
        ({"ALL_PROXY": "p:3128"}, "https://a.test", P),
        ({"ALL_PROXY": P}, "http://127.0.0.1:8400", None),
        ({"ALL_PROXY": P}, "http://localhost:8400", None),
        ({"ALL_PROXY": P}, "http://[::1]:8400", None),
        *[
            ({"ALL_PROXY": P, "NO_PROXY": names}, "https://api.a.test", expected)
            for names, expected in (
                ("api.a.test", None),
                ("b.test, A.test", None),
                (".a.test", None),
                ("*.a.test", None),
                ("*", None),
                ("a.test:443", None),
                ("a.test:8443", P),
                ("i.a.test", P),
                ("test.api.a.test", P),
                (" , ", P),
            )
        ],
        *[
            ({"ALL_PROXY": P, "NO_PROXY": names}, url, expected)
            for names, url, expected in (
                ("10.0.0.0/8", "http://10.1.2.3:8400", None),
                ("10.1.2.3", "http://10.1.2.3:8400", None),
                ("10.0.0.0/8", "http://11.1.2.3", P),
                ("10.0.0.0/8", "http://a.test", P),
                ("fd00::/8", "http://[fd00::1]:8400", None),
                ("[fd00::1]:8400", "http://[fd00::1]:8400", None),
                ("[fd00::1]:1", "http://[fd00::1]:8400", P),
            )
        ],
    ],
)
def test_the_environment_sets_the_proxy_of_each_url(
    environment: dict[str, str], url: str, expected: str | None
) -> None:
    found = Proxies(FROM_ENVIRONMENT, environment).to(url)
    assert (found and found.url) == expected


def test_a_proxy_argument_overrides_the_environment() -> None:
    environment = {"ALL_PROXY": P, "NO_PROXY": "*"}
    named = Proxies("http://q", environment).to("http://127.0.0.1:8400")
    assert named is not None
    assert named.url == Q
    assert Proxies(None, environment).to("https://a.test") is None


def test_a_transport_uses_the_environment_by_default(
    listen: Listen, origin: Any, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = ConnectProxy(origin.port)
    monkeypatch.setenv("HTTPS_PROXY", at(listen(proxy)))
    with Urllib3Transport(ca_bundle=bundle) as transport:
        assert transport.send(post(f"https://{HOST}/import")).status == 200
    assert len(proxy.heads) == 1


def test_an_unsupported_proxy_in_the_environment_is_an_error() -> None:
    with pytest.raises(
        TransportError, match="ALL_PROXY in the environment must be an http or https proxy, got a socks5 proxy"
    ) as caught:
        Proxies(FROM_ENVIRONMENT, {"ALL_PROXY": f"socks5://me:{QUOTED}@p:1080"}).to("https://a.test")
    assert caught.value.kind == "proxy"
    assert "canary" not in shown(caught.value)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "proxy must be a URL such as"),
        ("http://", "proxy must be a URL such as"),
        ("http://me:canary/word@proxy:3128", "percent-encode characters of a password"),
        ("http://me:canary@proxy:port", "percent-encode characters of a password"),
        ("socks5h://me:canary@proxy:1080", "proxy must be an http or https proxy, got a socks5h proxy"),
    ],
)
def test_an_invalid_proxy_url_is_an_error_without_its_password(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        Urllib3Transport(proxy=url)
    assert "canary" not in shown(caught.value)


def test_a_proxy_shows_no_credentials() -> None:
    proxy = parse_proxy(f"http://me:{QUOTED}@proxy:3128/", "proxy")
    assert (proxy.url, proxy.authorization) == ("http://proxy:3128", BASIC)
    assert repr(proxy) == "Proxy(url='http://proxy:3128')"
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(proxy)
    assert repr(Urllib3Transport(proxy=f"http://me:{QUOTED}@proxy:3128/")) == (
        "Urllib3Transport(10, proxy='http://proxy:3128')"
    )
    assert parse_proxy("http://[fd00::1]", "proxy").url == "http://[fd00::1]:80"
    assert parse_proxy("https://p", "proxy").url == "https://p:443"
