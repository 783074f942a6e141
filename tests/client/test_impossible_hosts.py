"""A host name that no host can have is an argument error that names the cause, or ends the attempts at once."""

from __future__ import annotations

from typing import Any

import pytest

from mixpress import Client, MixpressError, ServiceAccount
from mixpress.address import host_problem, server_at, server_url
from mixpress.errors import TransportError
from mixpress.transport import Urllib3Transport
from support.clients import client, tracking
from support.events import events
from support.listener import post
from support.server import FakeServer

ACCOUNT = ServiceAccount("user", "secret", project_id="1")

IMPOSSIBLE = {
    "api..invalid": "each part between dots must have 1 to 63 characters",
    "a" * 64 + ".invalid": "each part between dots must have 1 to 63 characters",
    ".invalid": "each part between dots must have 1 to 63 characters",
    "a.invalid..": "each part between dots must have 1 to 63 characters",
    ".": "each part between dots must have 1 to 63 characters",
    "a." * 140 + "b": "a name has at most 254",
    "a b.invalid": "must not contain ' '",
    "a,b.invalid": "must not contain ','",
    "a%41.invalid": "must not contain '%'",
    "a<b>.invalid": "must not contain '<'",
    "a\\b.invalid": "must not contain '\\\\'",
    "a\x00b.invalid": "must not contain '\\x00'",
    "b\u00fc" * 30 + ".invalid": "has no form for DNS",
    "a\ud800.invalid": "has no form for DNS",
    "[::zz]": "IPv6 address",
    "[::1": "IPv6 address",
}


@pytest.mark.parametrize(("host", "says"), IMPOSSIBLE.items(), ids=[ascii(host)[:20] for host in IMPOSSIBLE])
@pytest.mark.parametrize("check", [server_at, lambda url: server_url(None, url)])
@pytest.mark.parametrize("rest", ["", ":8400", "/path"])
def test_an_impossible_host_is_an_argument_error(host: str, says: str, check: Any, rest: str) -> None:
    with pytest.raises(ValueError, match="base_url") as caught:
        check(f"https://{host}{rest}")
    assert says in str(caught.value)
    with pytest.raises(ValueError, match="base_url"):
        Client(ACCOUNT, base_url=f"http://{host}{rest}")


POSSIBLE = [
    "a",
    "a.b.",
    "a_b.invalid",
    "-a",
    "b\u00fccher.invalid",
    "xn--bcher-kva.invalid",
    "a" * 63,
    "10.0.0.1",
    "::1",
]


@pytest.mark.parametrize("host", POSSIBLE)
def test_a_possible_host_is_accepted(host: str) -> None:
    assert host_problem(host) is None
    assert server_url(None, f"http://[{host}]" if ":" in host else f"http://{host}")


@pytest.mark.parametrize("host", ["proxy..invalid", "a b", "a" * 64])
def test_a_proxy_with_an_impossible_host_is_an_argument_error(host: str) -> None:
    with pytest.raises(ValueError, match=r"proxy: the host name .* is impossible") as caught:
        Urllib3Transport(proxy=f"http://me:pa55word@{host}:3128")
    assert "pa55word" not in str(caught.value)


def test_a_proxy_of_the_environment_with_an_impossible_host_is_not_retryable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy..invalid:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(TransportError, match=r"HTTP_PROXY in the environment: .*'proxy\.\.invalid'") as caught:
        Urllib3Transport().send(post("http://api.invalid/import"))
    assert not caught.value.retryable


def test_the_transport_alone_names_the_host() -> None:
    with pytest.raises(TransportError, match=r"no host can have the name in api\.\.invalid") as caught:
        Urllib3Transport(proxy=None).send(post("http://api..invalid/import"))
    assert (caught.value.kind, caught.value.retryable) == ("invalid-host", False)


def test_an_impossible_host_of_a_custom_transport_ends_after_one_attempt() -> None:
    error = TransportError("no host can have the name in x", "invalid-host")
    server = FakeServer(error)
    with client(server) as made, pytest.raises(MixpressError) as caught:
        made.import_events(events(1))
    assert caught.value.report is not None
    assert caught.value.report.requests == 1
    with tracking(server := FakeServer(error)) as made:
        made.track_many(events(1))
        assert made.flush().undelivered == 1
    assert len(server.requests) == 1
