"""A canary for a secret, looked for wherever text leaves the client, while everything goes wrong."""

from __future__ import annotations

import base64
import logging
import pickle
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest

from mixpress.auth import ProjectSecret, ProjectToken, ServiceAccount
from mixpress.client.client import Client
from mixpress.emulator import Emulator, Request
from mixpress.errors import MixpressError
from mixpress.retry import RetryPolicy
from mixpress.transport import Request as Sent
from mixpress.transport import Urllib3Transport
from support.fakes import FakeClock, bad, events, small_batches

CANARY = "canary-4e1f9c"
ALL = [ServiceAccount("user", CANARY, project_id="17"), ProjectToken(CANARY), ProjectSecret(CANARY)]
REPLIES: list[tuple[int, dict[str, str], bytes]] = [
    (400, {}, b"you sent %s"),
    (401, {}, b'{"error": "not good: %s"}'),
    (404, {}, b"no such page for %s"),
    (413, {}, b"%s is too large"),
    (500, {}, b"<pre>%s</pre>"),
    (200, {}, b"hello %s"),
]


class RecordingTransport:
    """Keeps every request, to look for the secret in what a log or a debugger would show."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self._carrier = Urllib3Transport(2)

    def send(self, request: Sent) -> Any:
        self.shown += [repr(request), request.url]
        return self._carrier.send(request)

    def close(self) -> None:
        self._carrier.close()


@pytest.mark.parametrize("auth", ALL, ids=lambda auth: type(auth).__name__)
@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: str(reply[0]))
def test_no_secret_leaves(auth: Any, reply: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    encoded = auth.headers()["Authorization"].removeprefix("Basic ")
    status, headers, body = reply

    def repeat_the_credentials(_request: Request) -> Any:
        return status, headers, body % f"{CANARY} {encoded}".encode()

    caplog.set_level(logging.DEBUG)
    transport = RecordingTransport()
    settings: dict[str, Any] = {
        "clock": FakeClock(),
        "retry": RetryPolicy(attempts=2),
        "dead_letter": tmp_path / "failed.ndjson",
        "encoder": small_batches(2),
        "transport": transport,
    }
    shown: list[str] = []
    with Emulator(before=repeat_the_credentials) as server, Client(auth, base_url=server.url, **settings) as client:
        shown.append(repr(client))
        try:
            report: Any = client.import_events([bad(9), *events(5)])
        except MixpressError as error:
            report = error.report
            shown += [repr(error), *traceback.format_exception(*sys.exc_info())]
    transport.close()
    shown += [repr(report), repr(report.failures), repr(report.by_reason), caplog.text, *transport.shown]
    shown.append((tmp_path / "failed.ndjson").read_text())
    text = "\n".join(shown)
    assert report.failed == report.total > 0
    assert "***" in text  # the server did repeat it
    assert CANARY not in text
    assert encoded not in text
    assert base64.b64encode(CANARY.encode()).decode().rstrip("=") not in text


@pytest.mark.parametrize("endpoint", ["import", "track"])
@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: str(reply[0]))
def test_no_secret_leaves_with_what_is_tracked(
    endpoint: Any, reply: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The token stands in each event on /track, and not in what the dead letter keeps of it."""
    auth = ProjectToken(CANARY)
    status, headers, body = reply

    def repeat_the_credentials(_request: Request) -> Any:
        return status, headers, body % CANARY.encode()

    def fail(told: object) -> None:
        shown.append(repr(told))
        raise RuntimeError("a callback that is broken")

    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    settings: dict[str, Any] = {
        "clock": FakeClock(),
        "retry": RetryPolicy(attempts=2),
        "dead_letter": tmp_path / "failed.ndjson",
        "endpoint": endpoint,
        "on_failure": fail,
        "on_report": fail,
    }
    with Emulator(before=repeat_the_credentials) as server, Client(auth, base_url=server.url, **settings) as client:
        client.track("Seen", "user")
        client.track("Seen", "null")
        report = client.flush()
        shown += [repr(client), repr(client.stats()), repr(vars(client)), repr(report), repr(report.failures)]
        with pytest.raises((TypeError, AttributeError, pickle.PicklingError)) as caught:
            pickle.dumps(client)
        shown.append(repr(caught.value))
    shown += [caplog.text, (tmp_path / "failed.ndjson").read_text()]
    assert report.failed == report.total == 2
    assert CANARY not in "\n".join(shown)
