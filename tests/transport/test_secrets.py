"""The errors and the log of a transport show no credentials of the request or the proxy."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable
from urllib.parse import quote

import pytest

from mixpress.errors import TransportError
from mixpress.transport import Request, Urllib3Transport
from support.canary import CANARY, HEADERS, PEERS, all_of, assert_silent, repeat
from support.listener import Behave, Listener, closed_port, read_request
from support.proxies import ConnectProxy, PlainProxy

BROKEN = {"no HTTP", "half a reply", "broken chunks", "broken gzip", "no reply"}
"""The peers whose reply is an error of the transport."""


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_that_repeats_the_credentials(
    listen: Callable[[Behave], Listener], transport: Urllib3Transport, peer: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    listener = listen(lambda connection: connection.sendall(PEERS[peer](repeat(read_request(connection)))))
    try:
        transport.send(Request(listener.url(), HEADERS, b"[]"))
        assert peer not in BROKEN
    except TransportError as error:
        assert peer in BROKEN
        assert_silent(all_of(error))
    assert str(listener.port) in caplog.text
    assert_silent(caplog.text)


def test_no_kind_of_error_shows_credentials(
    listen: Callable[[Behave], Listener], caplog: pytest.LogCaptureFixture
) -> None:
    """URL, proxy and headers all hold the canary."""
    caplog.set_level(logging.DEBUG)
    user = f"me:{quote(CANARY, safe='')}@"
    silent = listen(lambda connection: None).port
    others = [listen(kind(0, "Basic other")).port for kind in (ConnectProxy, PlainProxy)]
    kinds = set()
    with closed_port() as closed:
        routes: list[tuple[str | None, str]] = [
            *[
                (None, f"{scheme}://{user}127.0.0.1:{port}/")
                for scheme in ("http", "https")
                for port in (closed, silent)
            ],
            *[
                (f"http://{user}127.0.0.1:{port}", f"{scheme}://api.test/")
                for scheme in ("http", "https")
                for port in (closed, silent, *others)
            ],
            (f"https://{user}127.0.0.1:{silent}", "https://api.test/"),
        ]
        for proxy, url in routes:
            with Urllib3Transport(proxy=proxy, connect_timeout=5, read_timeout=5) as transport:
                with pytest.raises(TransportError) as caught:
                    transport.send(Request(url, HEADERS, b"[]"))
                assert_silent(all_of(caught.value), repr(transport))
                copied = pickle.loads(pickle.dumps(caught.value))
                assert (str(copied), copied.kind) == (str(caught.value), caught.value.kind)
                assert_silent(pickle.dumps(caught.value))
                kinds.add(caught.value.kind)
    assert_silent(caplog.text)
    assert {"refused", "reset", "proxy"} <= kinds
