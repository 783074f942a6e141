"""Credentials appear in no log, repr, pickle, exception, report, URL or dead letter, whatever goes wrong."""

from __future__ import annotations

import copy
import io
import logging
import pickle
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mixpress.auth import ProjectToken
from mixpress.client.client import Client
from mixpress.errors import MixpressError, TransportError
from mixpress.retry import RetryPolicy
from mixpress.transport import Request, Response, Urllib3Transport
from mixpress.transport.proxy import parse_proxy
from support.canary import AUTHS, CANARY, HEADERS, PEERS, PROXY, QUOTED, all_of, assert_silent, repeat
from support.clocks import START, FakeClock
from support.events import bad, encoder, event, events, small_batches
from support.listener import Behave, Listener, read_request
from support.replies import answer, refusing
from support.server import FakeServer


def holders() -> list[Any]:
    return [
        *AUTHS,
        *[Client(auth, transport=FakeServer()) for auth in AUTHS],
        Client(AUTHS[0], transport=Urllib3Transport(proxy=PROXY)),
        Client(AUTHS[1], endpoint="track", transport=FakeServer()),
        Urllib3Transport(proxy=PROXY),
        parse_proxy(PROXY, "proxy"),
        Request("https://api.test/import", HEADERS, b"[]"),
    ]


@pytest.mark.parametrize("holder", holders(), ids=lambda holder: type(holder).__name__)
def test_an_object_with_credentials_shows_and_pickles_none(holder: Any) -> None:
    assert_silent(repr(holder), str(holder), f"{holder}")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        written = io.BytesIO()
        with pytest.raises((TypeError, pickle.PicklingError)) as caught:
            pickle.Pickler(written, protocol).dump([holder])
        assert_silent(all_of(caught.value), written.getvalue())
    with pytest.raises((TypeError, pickle.PicklingError)):
        copy.deepcopy(holder)


class RecordingTransport:
    """Keeps what a log or a debugger would show of each request."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self._carrier = Urllib3Transport(2)

    def send(self, request: Request) -> Response:
        self.shown += [repr(request), request.url]
        return self._carrier.send(request)

    def close(self) -> None:
        self._carrier.close()


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: type(auth).__name__)
def test_a_peer_that_repeats_the_credentials(
    listen: Callable[[Behave], Listener],
    peer: str,
    auth: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    def repeat_the_credentials(connection: socket.socket) -> None:
        connection.sendall(PEERS[peer](repeat(read_request(connection))))

    listener = listen(repeat_the_credentials)
    transport = RecordingTransport()
    settings: dict[str, Any] = {
        "base_url": listener.url().removesuffix("/import"),
        "clock": FakeClock(),
        "retry": RetryPolicy(attempts=2),
        "dead_letter": tmp_path / "failed.ndjson",
        "encoder": small_batches(2),
        "transport": transport,
    }
    with Client(auth, **settings) as client:
        shown = [repr(client)]
        try:
            report: Any = client.import_events([bad(9), *events(2)])
        except MixpressError as error:
            report = error.report
            shown.append(all_of(error))
    transport.close()
    assert listener.connections >= 1
    assert (report.total, report.rejected, report.imported) == (3, 1, 0 if peer != "refusals" else 1)
    shown += [repr(report), repr(report.failures), repr(report.by_reason), caplog.text, *transport.shown]
    shown.append((tmp_path / "failed.ndjson").read_text())
    text = "\n".join(shown)
    assert ("***" in text) or peer not in QUOTED
    assert_silent(text)


REPLIES = [
    answer(400, f"you sent {CANARY}"),
    answer(401, {"error": f"not good: {CANARY}"}),
    answer(404, f"no such page for {CANARY}"),
    answer(413, f"{CANARY} is too large"),
    answer(500, f"<pre>{CANARY}</pre>"),
    answer(200, f"hello {CANARY}"),
]


@pytest.mark.parametrize("endpoint", ["import", "track"])
@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: str(reply.status))
def test_a_reply_to_tracked_events_that_repeats_the_token(
    endpoint: Any, reply: Response, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """On /track the token is in each event that is sent, and not in the dead letter."""
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    server = FakeServer(reply)

    def fail(given: object) -> None:
        shown.append(repr(given))
        raise RuntimeError("in a callback")

    settings: dict[str, Any] = {
        "clock": FakeClock(),
        "retry": RetryPolicy(attempts=2),
        "dead_letter": tmp_path / "failed.ndjson",
        "endpoint": endpoint,
        "on_failure": fail,
        "on_report": fail,
        "transport": server,
    }
    with Client(ProjectToken(CANARY), **settings) as client:
        client.track("Seen", "user", time=START)
        client.track("Seen", "null", time=START)
        report = client.flush()
        shown += [repr(client), repr(client.stats()), repr(vars(client)), repr(report), repr(report.failures)]
        with pytest.raises((TypeError, AttributeError, pickle.PicklingError)) as caught:
            pickle.dumps(client)
        shown.append(repr(caught.value))
    shown += [caplog.text, (tmp_path / "failed.ndjson").read_text()]
    for request in server.requests:
        shown += [repr(request), request.url]
    assert report.failed == report.total == 2
    text = "\n".join(shown)
    assert "***" in text
    assert "in a callback" in text
    assert_silent(text)


def test_the_dead_letter_of_the_endpoint_track_has_no_token(tmp_path: Path) -> None:
    track = encoder(endpoint="track", token=CANARY)
    for reply in (answer(200, "0"), answer(404, "no"), refusing(0)):
        settings: dict[str, Any] = {"endpoint": "track", "encoder": track, "dead_letter": tmp_path / "failed"}
        with Client(ProjectToken(CANARY), transport=FakeServer(reply), clock=FakeClock(), **settings) as client:
            report = client.import_events([event(0, time=START), bad(1)])
        assert report.failed == 2
        assert_silent(repr(report), repr(report.failures))
    written = (tmp_path / "failed").read_bytes()
    assert written.count(b"\n") == 3 * 2
    assert_silent(written)


def in_the_message(request: Request) -> TransportError:
    return TransportError(f"no answer to {request.headers} {CANARY}", "reset")


def in_a_certificate_error(request: Request) -> TransportError:
    return TransportError(f"no trust for {request.headers} {CANARY}", "certificate")


def in_the_cause(request: Request) -> TransportError:
    error = TransportError("no answer", "refused")
    error.__cause__ = OSError(f"{request.headers} {CANARY}")
    return error


def in_an_attribute(request: Request) -> TransportError:
    error = TransportError("no answer", "timeout")
    error.request = f"{request.headers} {CANARY}"  # type: ignore[attr-defined]
    return error


def in_an_unexpected_error(request: Request) -> Exception:
    return KeyError(f"{request.headers} {CANARY}")


@pytest.mark.parametrize(
    "error_of", [in_the_message, in_a_certificate_error, in_the_cause, in_an_attribute, in_an_unexpected_error]
)
@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: type(auth).__name__)
def test_a_users_transport_whose_error_has_the_credentials(
    auth: Any, error_of: Callable[[Request], Exception], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []

    def send(request: Request) -> Response:
        raise error_of(request)

    def show(given: Any) -> None:
        shown.extend([repr(given), repr(getattr(given, "failures", ""))])

    settings: dict[str, Any] = {"dead_letter": tmp_path / "failed", "retry": RetryPolicy(attempts=2)}
    settings |= {"on_report": show, "on_failure": show, "transport": SimpleNamespace(send=send)}
    with Client(auth, clock=FakeClock(), **settings) as client:
        client.track("Seen", "user")
        report = client.flush()
        try:
            show(client.import_events([event(0)], show))
        except MixpressError as error:
            shown.append(all_of(error))
    assert report.undelivered == 1
    assert "could not be delivered: " in caplog.text
    text = "\n".join([*shown, caplog.text, (tmp_path / "failed").read_text()])
    assert ("***" in text) == (error_of not in (in_the_cause, in_an_attribute))
    assert_silent(text)
