"""A delivery imports no module for the first time: a fork during an import in another thread leaves its lock taken."""

from __future__ import annotations

import gzip
import os
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from mixpress.emulator import Emulator
from support.fixtures import listen, no_leftover_threads, no_proxy_variables
from support.listener import OK, Behave, Listener, http, read_head, read_request, replying

from .scripts import run

__all__ = ["listen", "no_leftover_threads", "no_proxy_variables"]

LISTED = """
import logging
logging.basicConfig(level=logging.DEBUG, stream=open(os.devnull, "w"))
made = MAKE
before = set(sys.modules)
DELIVER
new = sorted(set(sys.modules) - before)
assert not new, new
"""
DELIVER = """
track(made, "Seen", 30)
made.track("Seen", None)
made.flush(WAIT)
print(made.stats().imported)
made.close(0.1)
"""


def imported(url: str, make: str = "client()", deliver: str = DELIVER, wait: float = 20) -> int:
    """Deliver in a fresh interpreter, which fails if that imports a module; return how many events were imported."""
    script = LISTED.replace("MAKE", make).replace("DELIVER", deliver).replace("WAIT", str(wait))
    return int(run(script, url).stdout)


@pytest.mark.parametrize(
    "options",
    [
        "",
        "spool=os.path.join(FOLDER, 'spool')",
        "dead_letter=os.path.join(FOLDER, 'dead')",
        "endpoint='track'",
        "endpoint='track', edition=2022",
        "on_report=lambda report: 1 / 0, on_failure=lambda failure: 1 / 0",
    ],
)
def test_no_delivery_imports_a_module(options: str, tmp_path: Path) -> None:
    with Emulator() as server:
        assert imported(server.url, f"client({options})".replace("FOLDER", repr(str(tmp_path)))) == 30


def test_a_server_by_its_name() -> None:
    with Emulator() as server:
        assert imported(server.url.replace("127.0.0.1", "localhost")) == 30


@pytest.mark.parametrize("host", ["mixpress-unknown.invalid", "m\u00fcnchen-unknown.invalid"])
def test_a_host_that_is_unknown(host: str) -> None:
    assert imported(f"http://{host}", "client(exit_timeout=0.1)", wait=0.5) == 0


GOOD = b'{"code": 200, "status": "OK"}'
REPLIES = {
    "gzip": [http("200 OK", gzip.compress(GOOD), "Content-Encoding: gzip")],
    "chunked": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD)],
    "cookies": [http("200 OK", GOOD, "Set-Cookie: a=b", "Content-Type: application/json; charset=latin-1")],
    "headers that are none": [b"HTTP/1.1 200 OK\r\nnone\r\n X: y\r\nContent-Length: %d\r\n\r\n" % len(GOOD) + GOOD],
    "early hints": [b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + http("200 OK", GOOD)],
    "a date": [http("429 Slow", b"{}", "Retry-After: Sat, 28 Nov 2020 20:55:00 GMT"), http("200 OK", GOOD)],
    "too large": [http("413 Large", b"{}"), http("200 OK", GOOD)],
    "refused": [http("400 Bad", b'{"code": 400, "error": "no", "failed_records": [{"index": 0, "message": "no"}]}')],
    "unauthorized": [http("401 No", b"{}")],
    "a page": [http("404 No", b"<html>no</html>")],
    "a redirect": [http("307 There", b"", "Location: http://127.0.0.1:1/")],
    "no gzip": [http("200 OK", b"none", "Content-Encoding: gzip")],
    "no HTTP": [b"hello\r\n\r\n"],
}


@pytest.mark.parametrize("name", REPLIES)
def test_no_reply_imports_a_module(name: str, listen: Callable[[Behave], Listener]) -> None:
    replies = list(REPLIES[name])

    def behave(connection: socket.socket) -> None:
        while True:
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
            replying(reply)(connection)

    listener = listen(behave)
    imported(f"http://127.0.0.1:{listener.port}", "client(exit_timeout=0.1)", wait=2)
    assert listener.connections


def test_tls_and_a_proxy_import_no_module(
    listen: Callable[[Behave], Listener], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "api.example").configure_cert(context)

    def behave(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            while True:
                read_request(secure)
                secure.sendall(OK)

    def tunnel(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        behave(connection)

    with monkeypatch.context() as patched:
        patched.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert imported(f"https://127.0.0.1:{listen(behave).port}", "client(endpoint='track')") == 30
        patched.setenv("HTTPS_PROXY", f"http://user:password@127.0.0.1:{listen(tunnel).port}")
        assert imported("https://api.example", "client(endpoint='track')") == 30
    assert imported(f"https://127.0.0.1:{listen(behave).port}", wait=0.5) == 0  # an unknown authority


IMPORT = """
events = [{"event": "Seen", "properties": {"time": 1700000000, "distinct_id": "u", "$insert_id": "i"}}, {}]
print(made.import_events(events).imported)
"""


def test_an_import_imports_no_module() -> None:
    with Emulator() as server:
        assert imported(server.url, deliver=IMPORT) == 1


ASYNC = """
import asyncio
from mixpress import AsyncClient

async def deliver():
    async with AsyncClient(ProjectToken("the-token"), base_url=made) as client:
        before.update(sys.modules)
        for number in range(30):
            await client.track("Seen", "user")
        print((await client.flush()).imported)
        await client.import_events([])

asyncio.run(deliver())
"""


def test_the_client_for_asyncio_imports_no_module() -> None:
    with Emulator() as server:
        assert imported(server.url, repr(server.url), ASYNC) == 30


FORKED = """
sys.setswitchinterval(1e-5)
made = client()
track(made, "Parent", 60)
threading.Thread(target=made.flush).start()
while not made.engine.sender.throttle.in_flight and not made.stats().imported:
    pass
child = os.fork()
if child == 0:
    track(made, "Child", 60)
    os._exit(made.flush(timeout=20).imported != 60)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_fork_during_the_first_connection(host: str) -> None:
    with Emulator() as server:
        for _ in range(4):
            run(FORKED, server.url.replace("127.0.0.1", host))
        assert (server.count("Parent"), server.count("Child")) == (240, 240)
