"""The webhook: another server gets each batch, and never delays or fails a reply."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any

import pytest

from mixpress.emulator import Emulator, LoggedRequest
from mixpress.emulator.control import webhook as module
from mixpress.emulator.control.webhook import Batch, Webhook, to_target

from .conftest import Start
from .sender import NOW, Sender, event

STRICT = "/import?strict=1"


class Receiver(ThreadingHTTPServer):
    """A server that keeps what it gets; `held` is closed to let it wait with its replies."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: SimpleQueue[tuple[str, dict[str, str], Any]] = SimpleQueue()
        self.status = 200
        self.go = threading.Event()
        self.go.set()
        self.url = f"http://127.0.0.1:{self.server_port}/hook?key=canary"

    def handle_error(self, *_: object) -> None:
        pass  # the client left


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.put((self.path, dict(self.headers), json.loads(body)))
        self.server.go.wait(30)
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield receiver
        receiver.go.set()
        receiver.shutdown()
        thread.join()


def batch(number: int = 1, size: int = 10) -> Batch:
    return Batch(LoggedRequest("POST", "/import", 200, 1, 1, "", number=number, unpacked_bytes=size), [], [])


def test_a_batch_is_posted_with_its_accepted_and_refused_events(start: Start, receiver: Receiver) -> None:
    _, sender = start(webhook=receiver.url)
    bad = event("B", insert_id="")
    sender.post("/nothing", [])
    sender.post(STRICT, [])
    sender.post("/engage", [{"$token": "t", "$distinct_id": "u", "$set": {}}])
    sender.post(STRICT, [event("A", text="x" * 300), bad])
    path, headers, content = receiver.got.get(timeout=20)
    assert path == "/hook?key=canary"
    assert headers["Content-Type"] == "application/json"
    assert (content["request"]["number"], content["request"]["status"]) == (3, 400)
    origin = {"endpoint": "/import", "request": 3, "received": NOW * 1000}
    assert content["events"] == [{**origin, **event("A", text="x" * 255)}]
    [refused] = content["refused"]
    assert (refused["index"], refused["event"]) == (1, bad)


def test_a_webhook_that_does_not_answer_delays_nothing(receiver: Receiver) -> None:
    receiver.go.clear()
    before = set(threading.enumerate())
    with Emulator(webhook=receiver.url, now=lambda: NOW) as server:
        sender = Sender(server.url)
        assert sender.post(STRICT, [event()]).status == 200
        receiver.got.get(timeout=20)
        for number in range(20):
            assert sender.post(STRICT, [event(insert_id=f"id-{number}")]).status == 200
        sender.close()
        started = set(threading.enumerate()) - before
        [thread] = [each for each in started if each.name == "mixpress-emulator-webhook"]
    thread.join(20)
    assert not thread.is_alive()


def test_what_waits_is_sent_before_the_emulator_stops(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LAST_SECONDS", 30)
    webhook = Webhook(receiver.url)
    for number in range(5):
        webhook.put(*batch(number))
    webhook.close()
    assert webhook.dropped == 0
    assert [receiver.got.get(timeout=20)[2]["request"]["number"] for _ in range(5)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("limit", "value"), [("_MAX_BATCHES", 3), ("_MAX_BYTES", 30)])
def test_of_too_many_batches_the_oldest_are_dropped_and_counted(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(module, limit, value)
    receiver.go.clear()
    webhook = Webhook(receiver.url)
    webhook.put(*batch(0))
    assert receiver.got.get(timeout=20)[2]["request"]["number"] == 0
    for number in range(1, 8):
        webhook.put(*batch(number))
    assert webhook.dropped == 4
    receiver.go.set()
    assert [receiver.got.get(timeout=20)[2]["request"]["number"] for _ in range(3)] == [5, 6, 7]
    webhook.close()


def test_an_emulator_without_a_webhook_does_not_import_it() -> None:
    code = "import sys; from mixpress.emulator import Emulator; Emulator(); print('webhook' in ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("status", [302, 404, 500])
def test_failures_in_a_row_are_logged_once_and_redirects_are_not_followed(
    receiver: Receiver, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG, "mixpress.emulator")
    receiver.status = status
    webhook = Webhook(receiver.url)
    for _ in range(3):
        webhook.put(*batch())
        assert receiver.got.get(timeout=20)[0] == "/hook?key=canary"
    webhook.close()
    assert receiver.got.empty()
    [record] = [each for each in caplog.records if each.name.startswith("mixpress.emulator")]
    assert record.getMessage().startswith(f"the webhook at http://127.0.0.1 failed: it answered {status};")
    assert "canary" not in caplog.text


def test_a_webhook_without_a_server_fails_no_request(
    start: Start, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LAST_SECONDS", 30)
    with Receiver() as gone:
        url = gone.url
    server, sender = start(webhook=url)
    assert sender.post(STRICT, [event()]).status == 200
    server.__exit__(None, None, None)
    assert [record.getMessage() for record in caplog.records if "webhook" in record.getMessage()] != []
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "ftp://canary/x",
        "file:///canary",
        "canary",
        "http://",
        "http://user:canary@host/",
        "http://host:canary/",
        "http://host:99999/canary",
        "http://[canary/",
        "http://host/canary x",
        "http://host/canary\r\nX: y",
        "http://host/canaré",
        7,
    ],
)
def test_a_wrong_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ValueError, match="webhook must be") as error:
        Emulator(webhook=url)
    assert "canary" not in str(error.value)


def test_the_parts_of_a_url() -> None:
    assert to_target("https://[::1]:9/a/b?c=d#e") == ("https", "::1", 9, "/a/b?c=d")
    assert to_target("http://host") == ("http", "host", None, "/")
    assert to_target("https://host").connect().port == 443
