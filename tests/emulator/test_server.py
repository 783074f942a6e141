"""The `Emulator` class: start and stop, hosts and ports, `before`, the log, and secrets."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest
import urllib3
from starlette.requests import Request as HTTPRequest

from mixpress.emulator import Emulator, Reply, Request, replies
from mixpress.emulator.app import _read_body
from mixpress.emulator.hosts import is_loopback, to_address
from mixpress.emulator.serving import listen

from .conftest import Start
from .sender import Sender, event

STRICT = "/import?strict=1"


def port_of(url: str) -> int:
    port = urllib3.util.parse_url(url).port
    assert port is not None
    return port


# -- start and stop


def test_it_runs_from_the_start_to_the_end_of_the_block() -> None:
    with Emulator() as server:
        assert server.url == f"http://127.0.0.1:{port_of(server.url)}"
        sender = Sender(server.url)
        assert sender.post("/import", [event()]).body == b"1"
        port = port_of(server.url)
    sender.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


LEFT = """
import os, threading, urllib.request
from mixpress.emulator import Emulator

def what_there_is():
    return threading.active_count(), sorted(os.listdir("/dev/fd"))

with Emulator():
    pass  # lazy imports happen now
before = what_there_is()
for db in [None, "events.db"]:
    with Emulator(db=db) as server:
        asked = urllib.request.Request(server.url + "/import", b"[]", {"Content-Type": "application/json"})
        asked.add_header("Authorization", "Basic dG9rZW46")
        assert urllib.request.urlopen(asked).read() == b"0"
print(before == what_there_is(), before)
"""


def test_it_leaves_no_thread_and_no_file_open(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", LEFT]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("True (1, "), done
    assert done.stderr == ""


def test_the_port_is_free_again_at_once() -> None:
    with Emulator() as server:
        port = port_of(server.url)
        sender = Sender(server.url)
        sender.post("/import", [event()])
    with Emulator(port=port) as server:
        assert port_of(server.url) == port
        assert server.count() == 0, "what was in memory is gone"
    sender.close()


def test_an_emulator_can_run_again_but_not_twice_at_once() -> None:
    emulator = Emulator()
    for _ in range(2):
        with emulator, pytest.raises(RuntimeError, match="already running"), emulator:
            pass


USES: dict[str, Callable[[Emulator], object]] = {
    "url": lambda server: server.url,
    "events": lambda server: server.events(),
    "count": lambda server: server.count(),
    "profile": lambda server: server.profile("u"),
    "group": lambda server: server.group("company", "acme"),
    "profiles": lambda server: server.profiles(),
    "groups": lambda server: server.groups(),
    "requests": lambda server: server.requests(),
    "refused": lambda server: server.refused(),
    "lookup_table": lambda server: server.lookup_table("t1"),
    "add_lookup_table": lambda server: server.add_lookup_table("t1"),
    "assert_received": lambda server: server.assert_received("A"),
    "fail_next": lambda server: server.fail_next("429"),
    "stats": lambda server: server.stats(),
    "clear": lambda server: server.clear(),
    "reset": lambda server: server.reset(),
}


def test_every_use_needs_a_running_emulator() -> None:
    public = {name for name in vars(Emulator) if not name.startswith("_")}
    assert public == {*USES, "faults"}  # faults may be set before the start
    emulator = Emulator()
    for _ in range(2):  # before and after it runs
        for use in USES.values():
            with pytest.raises(RuntimeError, match="the emulator is not running: use it inside `with Emulator"):
                use(emulator)
        with emulator:
            assert emulator.count() == 0


def test_it_stops_while_a_request_is_incomplete() -> None:
    with Emulator() as server:
        half = socket.create_connection(("127.0.0.1", port_of(server.url)))
        half.sendall(b"POST /import HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n[")
        sender = Sender(server.url)
        sender.post("/import", [])  # after this, the server has read the incomplete request
    with half:
        assert half.recv(1000) == b""
    sender.close()


def test_an_incomplete_request_is_not_recorded(server: Emulator, sender: Sender) -> None:
    with socket.create_connection(("127.0.0.1", port_of(server.url))) as half:
        half.sendall(b"POST /import HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n[")
    assert sender.post("/import", [event()]).body == b"1"
    assert len(server.requests()) == 1


def test_an_exception_in_the_block_stops_it() -> None:
    with suppress(ZeroDivisionError), Emulator() as server:
        port = port_of(server.url)
        _ = 1 // 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_many_clients_at_once_lose_no_events(server: Emulator) -> None:
    def send(number: int) -> int:
        sender = Sender(server.url)
        events = [event(insert_id=f"{number}-{each}") for each in range(100)]
        imported = sender.post(STRICT, events, packed=True).json["num_records_imported"]
        sender.close()
        return int(imported)

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(send, range(32))) == 3200
    assert server.count() == 3200
    assert sum(request.events for request in server.requests()) == 3200


def test_accepted_connections_have_tcp_nodelay() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_only_the_limit_is_kept_of_a_body_over_it() -> None:
    class Asked:
        async def stream(self) -> AsyncIterator[bytes]:
            for _ in range(10):
                yield b"x" * 100

    assert asyncio.run(_read_body(cast("HTTPRequest", Asked()), 1000)) == (b"x" * 1000, 1000)
    body, size = asyncio.run(_read_body(cast("HTTPRequest", Asked()), 250))
    assert (body, size) == (b"x" * 200, 1000)


# -- hosts and ports


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "192.168.0.1", "10.0.0.1", "8.8.8.8", "example.com", "localhost.example.com", "", "127.1"],
)
def test_a_host_that_is_not_loopback_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="host must be") as error:
        Emulator(host=host)
    assert f"got '{host}'" in str(error.value)


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("127.3.2.1", "127.3.2.1"), ("::1", "::1")],
)
def test_loopback_hosts_are_accepted(host: str, address: str) -> None:
    assert to_address(host) == address
    assert is_loopback(host)


def test_a_port_in_use_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = f"cannot listen on 127.0.0.1 port {port}: Address already in use"
        with pytest.raises(OSError, match=message), Emulator(port=port):
            pass


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match=f"port must be 0 to 65535, got {port}"):
        Emulator(port=port)


def test_without_its_packages_the_error_names_the_extra() -> None:
    for missing in ["starlette", "uvicorn", "orjson"]:
        code = f"import sys; sys.modules['{missing}'] = None; import mixpress.emulator"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        last = done.stderr.strip().splitlines()[-1]
        assert last == "ImportError: the emulator needs: pip install 'mixpress[emulator]'"


# -- before


def test_before_can_return_a_reply(start: Start) -> None:
    seen: list[Request] = []

    def before(request: Request) -> Reply | None:
        seen.append(request)
        return replies.rate_limited("3") if request.number == 1 else None

    server, sender = start(before=before)
    answer = sender.post(STRICT + "&project_id=7", [event()], user="robot:hunter2", packed=True)
    assert answer.status == 429
    assert answer.headers["Retry-After"] == "3"
    assert answer.json == {
        "code": 429,
        "error": "Project exceeded rate limits. Please retry the request with exponential backoff.",
        "status": "Too Many Requests",
    }
    assert server.count() == 0
    assert sender.post(STRICT + "&project_id=7", [event()], user="robot:hunter2", packed=True).status == 200
    assert server.count() == 1
    assert [(request.number, request.method, request.path, request.denied) for request in seen] == [
        (1, "POST", "/import", None),
        (2, "POST", "/import", None),
    ]
    assert seen[0].query == {"strict": "1", "project_id": "7"}
    assert seen[0].headers["content-encoding"] == "gzip"
    assert seen[0].body == seen[1].body
    assert seen[0].address == "127.0.0.1"
    assert [request.status for request in server.requests()] == [429, 200]


@pytest.mark.parametrize(
    ("reply", "status", "body"),
    [
        (replies.bad_gateway(), 502, b"upstream connect error or disconnect/reset before headers"),
        (
            replies.too_large(5),
            413,
            b'{"code":413,"error":"request exceeds max limit of 5 bytes","status":"Request Entity Too Large"}',
        ),
        (replies.unauthorized(), 401, b'{"code":401,"error":"Invalid credentials","status":"Unauthorized"}'),
        (replies.track_error(403, "no"), 403, b'{"error":"no","status":"error"}'),
        ((503, {"X-Own": "yes"}, b"<html>"), 503, b"<html>"),
        ((204, {}, b""), 204, b""),
    ],
)
def test_before_can_return_any_reply(
    start: Start, reply: tuple[int, dict[str, str], bytes], status: int, body: bytes
) -> None:
    _, sender = start(before=lambda _: reply)
    answer = sender.post(STRICT, b"whatever it is", kind="")
    assert (answer.status, answer.body) == (status, body)
    assert all(answer.headers[name] == value for name, value in reply[1].items())


def test_before_may_block_while_others_are_answered(start: Start) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def before(request: Request) -> None:
        if request.number == 1:
            arrived.set()
            assert go_on.wait(30)

    server, sender = start(before=before)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(Sender.post, sender, STRICT, [event(insert_id="slow")])
        assert arrived.wait(30)
        other = Sender(server.url)
        assert other.post(STRICT, [event(insert_id="fast")]).status == 200
        other.close()
        go_on.set()
        assert slow.result().status == 200
    assert [each["properties"]["$insert_id"] for each in server.events()] == ["fast", "slow"]


def test_an_exception_in_before_is_a_500_and_is_logged(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    def before(request: Request) -> None:
        raise ZeroDivisionError("a mistake in the test")

    server, sender = start(before=before)
    answer = sender.post(STRICT, [event()])
    assert (answer.status, answer.body) == (500, b"internal error of the emulator: see its log")
    assert "ZeroDivisionError: a mistake in the test" in caplog.text
    assert [request.status for request in server.requests()] == [500]


# -- the log, and secrets


def test_requests_lists_every_request(server: Emulator, sender: Sender) -> None:
    sender.post(STRICT + "&project_id=7", [event(), event("")], packed=True)
    sender.post("/track", b"[]")
    sender.post("/import", b"[]", user=None)
    sender.request("GET", "/nothing")
    seen = [(each.method, each.path, each.status, each.events) for each in server.requests()]
    assert seen == [
        ("POST", "/import", 400, 2),
        ("POST", "/track", 200, 0),
        ("POST", "/import", 401, 0),
        ("GET", "/nothing", 404, 0),
    ]
    assert [each.body_bytes > 0 for each in server.requests()] == [True, True, True, False]
    assert [each.content_encoding for each in server.requests()] == ["gzip", "", "", ""]


@pytest.mark.parametrize("known", [None, [("robot", "canary-secret"), ("canary-token", "")]])
def test_no_secret_is_stored_or_shown(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture, known: list[tuple[str, str]] | None
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    server, sender = start(
        db=tmp_path / "events.db",
        credentials=known,
        before=lambda request: shown.append(f"{request!r}{request.body!r}"),
    )
    users = ["robot:canary-secret", "robot:canary-other", "canary-token:", "canary-nobody:"]
    for user in users:
        for target in [STRICT, STRICT + "&project_id=7", "/track", "/nothing"]:
            answer = sender.post(target, [event(token="t")], user=user)
            shown += [str(answer.headers), answer.body.decode()]
    shown += [repr(server), str(server.requests()), str(server.events()), caplog.text]
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"user-1" in stored
    assert "/import" in caplog.text
    # The secrets in plain text, and as they are encoded in the header.
    secrets = ["canary", *(base64.b64encode(user.encode()).decode() for user in users)]
    assert not [text for text in shown if any(secret in text for secret in secrets)]
    assert b"canary" not in stored


def test_wrong_credentials_are_refused_without_showing_them() -> None:
    with pytest.raises(TypeError, match="credentials must be pairs") as error:
        Emulator(credentials=("robot", "canary"))  # type: ignore[arg-type]
    assert "canary" not in str(error.value)
