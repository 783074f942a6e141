"""A canary for each credential, looked for in whatever the client, its parts and its errors can be made to show."""

from __future__ import annotations

import base64
import copy
import gzip
import io
import logging
import pickle
import socket
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

import mixpress.errors
from mixpress.auth import ProjectSecret, ProjectToken, ServiceAccount
from mixpress.client.client import Client
from mixpress.errors import MixpressError, TransportError
from mixpress.reply import read_reply
from mixpress.retry import RetryPolicy
from mixpress.send.redact import without_credentials
from mixpress.transport import Request, Response, Urllib3Transport
from mixpress.transport.proxy import parse_proxy
from support.fakes import FakeClock, FakeServer, answer, bad, event, refusing
from support.listener import Behave, Listener, http, read_request
from support.proxies import ConnectProxy, PlainProxy

CANARY = "canary/4e1f9c@b"
PROXY = f"http://me:{quote(CANARY, safe='')}@proxy.test:3128"
AUTHS: list[Any] = [ServiceAccount("user", CANARY, project_id="17"), ProjectToken(CANARY), ProjectSecret(CANARY)]
HEADERS = AUTHS[0].headers()


def spellings() -> list[str]:
    """The canary by itself and as it is sent, percent-encoded or in base64 behind each of its neighbours."""
    pairs = [f"user:{CANARY}", f"{CANARY}:", f"me:{CANARY}"]
    encoded = [base64.b64encode(pair.encode()).decode().rstrip("=") for pair in pairs]
    return [CANARY, quote(CANARY, safe=""), "4e1f9c", *encoded]


def assert_silent(*texts: str | bytes) -> None:
    for text in texts:
        shown = text if isinstance(text, str) else text.decode("latin-1")
        assert [word for word in spellings() if word in shown] == []


def all_of(error: BaseException) -> str:
    """What a log, a debugger or an error tracker shows of an error."""
    report = getattr(error, "report", None)
    parts = [*traceback.format_exception(error), str(error), repr(error), repr(error.args), repr(vars(error))]
    return "\n".join([*parts, repr(report), repr(report and report.failures)])


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
def test_what_holds_a_credential_shows_and_writes_none(holder: Any) -> None:
    assert_silent(repr(holder), str(holder), f"{holder}")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        written = io.BytesIO()
        with pytest.raises((TypeError, pickle.PicklingError)) as caught:
            pickle.Pickler(written, protocol).dump([holder])
        assert_silent(all_of(caught.value), written.getvalue())
    with pytest.raises((TypeError, pickle.PicklingError)):
        copy.deepcopy(holder)


def repeat(request: bytes) -> bytes:
    """The credentials of a request, as the peer saw them, and decoded."""
    [found] = [line for line in request.split(b"\r\n") if line.lower().startswith(b"authorization")]
    token = found.split()[-1]
    return token + b" " + base64.b64decode(token)


PEERS: dict[str, Callable[[bytes], bytes]] = {
    "an answer": lambda said: http("500 Oops", said),
    "a reason phrase": lambda said: http(f"500 {said.decode()}", b""),
    "a redirect": lambda said: http("302 Found", b"", f"Location: https://elsewhere.test/{said.decode()}"),
    "refusals": lambda said: http(
        "400 Bad Request",
        b'{"failed_records": [{"index": 0, "field": "%s", "insert_id": "%s", "message": "%s"}]}' % (said, said, said),
    ),
    "no HTTP": lambda said: said + b"\r\n",
    "half an answer": lambda said: http("200 OK", said * 2)[: -len(said)],
    "chunks that are none": lambda said: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + said + b"\r\n",
    "broken gzip": lambda said: http("200 OK", said, "Content-Encoding: gzip"),
    "headers that are none": lambda said: http("500 Oops", b"", "Server: me", said.decode(), "X: y"),
    "gzip": lambda said: http("404 No", gzip.compress(said), "Content-Encoding: gzip"),
    "a refusal": lambda said: http("401 Unauthorized", b'{"error": "%s"}' % said),
    "no answer": lambda said: b"",
}


@pytest.mark.parametrize("peer", PEERS)
def test_a_transport_and_a_peer_that_repeats_what_it_was_sent(
    listen: Callable[[Behave], Listener], transport: Urllib3Transport, peer: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    listener = listen(lambda connection: connection.sendall(PEERS[peer](repeat(read_request(connection)))))
    try:
        transport.send(Request(listener.url(), HEADERS, b"[]"))
    except TransportError as error:
        assert_silent(all_of(error))
    assert_silent(caplog.text)


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: type(auth).__name__)
def test_a_peer_that_repeats_what_it_was_sent(
    listen: Callable[[Behave], Listener],
    peer: str,
    auth: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    def answer_with_the_request(connection: socket.socket) -> None:
        connection.sendall(PEERS[peer](repeat(read_request(connection))))

    listener = listen(answer_with_the_request)
    shown: list[str] = []
    settings: dict[str, Any] = {"clock": FakeClock(), "dead_letter": tmp_path / "failed.ndjson"}
    with Client(auth, base_url=listener.url().removesuffix("/import"), **settings) as client:
        try:
            report: Any = client.import_events([event(0), bad(1)])
        except MixpressError as error:
            report = error.report
            shown.append(all_of(error))
    assert report.failed == 2
    assert_silent(*shown, repr(report), repr(report.failures), repr(report.by_reason), caplog.text)
    assert_silent((tmp_path / "failed.ndjson").read_bytes())


def test_a_dead_letter_of_track_has_no_token(tmp_path: Path) -> None:
    from mixpress._core import Encoder

    track = Encoder("track", token=CANARY, now=lambda: 1_700_000_000.0)
    for reply in (answer(200, "0"), answer(404, "no"), refusing(0)):
        settings: dict[str, Any] = {"endpoint": "track", "encoder": track, "dead_letter": tmp_path / "failed"}
        with Client(ProjectToken(CANARY), transport=FakeServer(reply), clock=FakeClock(), **settings) as client:
            report = client.import_events([event(0), bad(1)])
        assert_silent(repr(report), repr(report.failures))
    assert_silent((tmp_path / "failed").read_bytes())


def test_every_error_of_a_transport(listen: Callable[[Behave], Listener], caplog: pytest.LogCaptureFixture) -> None:
    """Each from a URL, a proxy and headers that hold the canary."""
    caplog.set_level(logging.DEBUG)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    user = f"me:{quote(CANARY, safe='')}@"
    silent = listen(lambda connection: None).port
    others = [listen(kind(0, "Basic other")).port for kind in (ConnectProxy, PlainProxy)]
    routes: list[tuple[str | None, str]] = [
        *[(None, f"{scheme}://{user}127.0.0.1:{port}/") for scheme in ("http", "https") for port in (nobody, silent)],
        *[
            (f"http://{user}127.0.0.1:{port}", f"{scheme}://api.test/")
            for scheme in ("http", "https")
            for port in (nobody, silent, *others)
        ],
        (f"https://{user}127.0.0.1:{silent}", "https://api.test/"),
    ]
    kinds = set()
    for proxy, url in routes:
        with Urllib3Transport(proxy=proxy, connect_timeout=5, read_timeout=5) as transport:
            with pytest.raises(TransportError) as caught:
                transport.send(Request(url, HEADERS, b"[]"))
            assert_silent(all_of(caught.value), repr(transport))
            again = pickle.loads(pickle.dumps(caught.value))
            assert (str(again), again.kind) == (str(caught.value), caught.value.kind)
            assert_silent(pickle.dumps(caught.value))
            kinds.add(caught.value.kind)
    assert_silent(caplog.text)
    assert {"refused", "reset", "proxy"} <= kinds


def told(request: Request) -> TransportError:
    return TransportError(f"no answer to {request.headers} {CANARY}", "reset")


def untrusting(request: Request) -> TransportError:
    return TransportError(f"no trust for {request.headers} {CANARY}", "certificate")


def caused(request: Request) -> TransportError:
    error = TransportError("no answer", "refused")
    error.__cause__ = OSError(f"{request.headers} {CANARY}")
    return error


def noted(request: Request) -> TransportError:
    error = TransportError("no answer", "timeout")
    error.request = f"{request.headers} {CANARY}"  # type: ignore[attr-defined]
    return error


def odd(request: Request) -> Exception:
    return KeyError(f"{request.headers} {CANARY}")


@pytest.mark.parametrize("broken", [told, untrusting, caused, noted, odd])
@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: type(auth).__name__)
def test_a_transport_that_raises_what_it_was_handed(
    auth: Any, broken: Callable[[Request], Exception], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A transport of the caller's own, whose errors hold the Authorization header and the secret itself."""
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []

    def send(request: Request) -> Response:
        raise broken(request)

    def tell(said: Any) -> None:
        shown.extend([repr(said), repr(getattr(said, "failures", ""))])

    settings: dict[str, Any] = {"dead_letter": tmp_path / "failed", "retry": RetryPolicy(attempts=2)}
    settings |= {"on_report": tell, "on_failure": tell, "transport": SimpleNamespace(send=send)}
    with Client(auth, clock=FakeClock(), **settings) as client:
        client.track("Seen", "user")
        report = client.flush()
        try:
            tell(client.import_events([event(0)], tell))
        except MixpressError as error:
            shown.append(all_of(error))
    assert report.undelivered == 1
    assert "could not be delivered: " in caplog.text
    text = "\n".join([*shown, caplog.text, (tmp_path / "failed").read_text()])
    assert ("***" in text) == (broken not in (caused, noted))
    assert_silent(text)


def test_an_error_that_shows_no_credential_stays_as_it_is() -> None:
    error = TransportError("no answer", "timeout")
    assert without_credentials(error, AUTHS[0].hide) is error
    again = without_credentials(told(Request("https://x.test", HEADERS, b"")), AUTHS[0].hide)
    assert isinstance(again, TransportError)
    assert (again.kind, again.__cause__) == ("reset", None)
    assert "no answer to {'Authorization': 'Basic ***'} ***" in str(again)


def test_a_quoted_redirect_and_field_are_blotted_out() -> None:
    moved = read_reply(Response(302, {"location": f"https://x.test/{CANARY}"}), 1, hide=AUTHS[0].hide)
    assert "it redirects to https://x.test/***" in repr(moved)
    record = {"index": 0, "field": CANARY, "insert_id": CANARY, "message": CANARY}
    [refusal] = read_reply(answer(400, {"failed_records": [record]}), 1, hide=AUTHS[0].hide).refused  # type: ignore[union-attr]
    assert (refusal.field, refusal.insert_id, refusal.message) == ("***", "***", "***")


def test_the_tree_of_errors_is_drawn_whole() -> None:
    drawing = mixpress.errors.__doc__ or ""
    names = [thing.__name__ for thing in vars(mixpress.errors).values() if isinstance(thing, type)]
    names = [name for name in names if name.endswith(("Error", "Interrupted"))]
    assert len(names) > 3
    assert [name for name in names if name not in drawing] == []
    from typing import get_args

    assert [kind for kind in get_args(mixpress.errors.TransportKind) if kind not in drawing] == []
