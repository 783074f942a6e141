"""Clients that borrow from a lease server, with and without one that answers."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import pickle
import socket
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from typing import Any

import pytest

from lease.peers import FastClock
from lease.test_server import eventually
from mixpress import AsyncClient, Client, Lease, LeaseServer, RateLimit
from mixpress.lease.secret import VARIABLE, host_and_port
from mixpress.transport import Request
from support.clients import ACCOUNT
from support.events import events, small_batches
from support.listener import Listener, closed_port
from support.replies import Answer, ok
from support.server import FakeServer

LIMIT = RateLimit(events=100, bytes=10**6, seconds=60)


@pytest.fixture
def server(no_leftover_threads: None) -> Iterator[LeaseServer]:
    with LeaseServer(LIMIT, secret=ACCOUNT) as running:
        yield running


def client(transport: FakeServer, lease: Lease, **settings: Any) -> Client:
    """A client on the real clock: on a fast one, a busy machine is a server that does not answer."""
    return Client(
        ACCOUNT,
        base_url="http://127.0.0.1:8400",
        transport=transport,
        rate_limit=lease,
        encoder=small_batches(10),
        **{"concurrency": 2} | settings,
    )


def leases() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "mixpress-lease"]


def test_a_client_borrows_what_it_sends_and_returns_the_rest(server: LeaseServer) -> None:
    with client(FakeServer(), Lease(server.address)) as made:
        assert made.import_events(events(95)).imported == 95
        assert leases()
    eventually(lambda: server.stats().workers == 0)
    import_ = server.stats().endpoints["import"]
    assert (import_.events, import_.lent_events, leases()) == (95, 0, [])


def test_a_client_that_sends_nothing_connects_to_nothing(server: LeaseServer) -> None:
    with client(FakeServer(), Lease(server.address)):
        assert leases() == []
        assert server.stats().endpoints == {}


def test_a_client_without_traffic_holds_nothing_and_hangs_up(server: LeaseServer) -> None:
    with client(FakeServer(), Lease(server.address), clock=FastClock()) as made:
        assert made.import_events(events(20)).imported == 20
        eventually(lambda: server.stats().endpoints["import"].lent_events == 0)
        assert server.stats().endpoints["import"].events == 20
        eventually(lambda: server.stats().workers == 0)
        assert made.import_events(events(20)).imported == 20
        assert server.stats().workers == 1


def test_a_closed_client_can_be_used_again(server: LeaseServer) -> None:
    made = client(FakeServer(), Lease(server.address))
    for sent in (20, 40):
        assert made.import_events(events(20)).imported == 20
        made.close()
        eventually(lambda: server.stats().workers == 0)
        assert server.stats().endpoints["import"].events == sent


def test_no_minute_has_more_requests_of_two_clients_than_the_limit() -> None:
    received: list[float] = []

    def receive(request: Request) -> Answer:
        received.append(time.monotonic())
        return ok()

    with LeaseServer(replace(LIMIT, seconds=1), secret=ACCOUNT) as server, ExitStack() as stack:
        both = [stack.enter_context(client(FakeServer(receive), Lease(server.address))) for _ in range(2)]
        threads = [threading.Thread(target=one.import_events, args=[events(90)]) for one in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(received) == 18
    assert max(sum(start <= other < start + 1 for other in received) for start in received) <= 10


def test_events_and_updates_borrow_from_their_own_limits(server: LeaseServer) -> None:
    with client(FakeServer(), Lease(server.address), token="token") as made:
        made.import_events(events(100))
        made.import_profiles({"$distinct_id": f"user-{number}", "$set": {"a": 1}} for number in range(100))
    assert {name: one.events for name, one in server.stats().endpoints.items()} == {"import": 100, "engage": 100}


def test_without_a_server_a_client_sends_within_its_own_ceiling_and_warns_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with closed_port() as port:
        lease = Lease(f"127.0.0.1:{port}", secret="a-secret-of-tests", fallback=RateLimit(events=20, seconds=5))
        with client(FakeServer(), lease, clock=FastClock()) as made:
            assert made.import_events(events(60)).imported == 60
    [warning] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert f"the lease server 127.0.0.1:{port} does not lend" in warning
    assert "sending at most 20 events in 5 s until it does" in warning
    assert "a-secret-of-tests" not in caplog.text


def test_a_server_that_is_never_reached_leaves_a_tenth_of_the_documented_limit(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with closed_port() as port, client(FakeServer(), Lease(f"127.0.0.1:{port}"), clock=FastClock()) as made:
        assert made.import_events(events(10)).imported == 10
    assert "sending at most 180000 events and 200000000 bytes in 60 s" in caplog.text


def test_a_wrong_secret_leaves_the_own_ceiling(server: LeaseServer, caplog: pytest.LogCaptureFixture) -> None:
    with client(FakeServer(), Lease(server.address, secret="another-secret-of-tests")) as made:
        assert made.import_events(events(30)).imported == 30
    assert "does not accept this worker's secret" in caplog.text
    assert "another-secret-of-tests" not in caplog.text
    assert server.stats().endpoints == {}


def test_a_client_goes_on_when_its_server_ends_and_borrows_when_it_is_back(
    server: LeaseServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mixpress")
    host, port = host_and_port(server.address)
    with client(FakeServer(), Lease(server.address), clock=FastClock()) as made:
        made.import_events(events(20))
        server.__exit__()
        assert made.import_events(events(60)).imported == 60
        assert "does not lend" in caplog.text
        with LeaseServer(host=host, port=port, secret=ACCOUNT) as again:
            eventually(lambda: made.import_events(events(10)).imported == 10 and again.stats().workers == 1)
            assert "lends again" in caplog.text


def test_the_secret_of_the_environment_comes_before_the_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "a-secret-of-tests")
    with LeaseServer(LIMIT) as server, client(FakeServer(), Lease(server.address)) as made:
        assert made.import_events(events(10)).imported == 10
        assert server.stats().endpoints["import"].workers == 1


def test_no_secret_travels(server: LeaseServer) -> None:
    """What a client and a server say to each other is relayed and read."""
    heard: list[bytes] = []

    def relay(connection: socket.socket) -> None:
        with socket.create_connection(host_and_port(server.address), timeout=10) as behind:
            pump = threading.Thread(target=copy, args=(behind, connection))
            pump.start()
            copy(connection, behind)
            behind.shutdown(socket.SHUT_RDWR)
            pump.join()

    def copy(one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(4096):
                heard.append(data)
                other.sendall(data)
        except OSError:
            pass

    with closing(Listener(relay)) as listener:
        with client(FakeServer(), Lease(f"127.0.0.1:{listener.port}")) as made:
            assert made.import_events(events(10)).imported == 10
        eventually(lambda: server.stats().workers == 0)
    said = b"".join(heard)
    assert said.count(b"\n") >= 6
    for secret in (ACCOUNT.secret, ACCOUNT.username):
        assert secret.encode() not in said
        assert base64.b64encode(secret.encode()).rstrip(b"=") not in said
    assert ACCOUNT.headers()["Authorization"].split()[1].encode() not in said


def sockets_to(port: int) -> int:
    """Return how many sockets of this process are connected to a port of the loopback."""
    found = 0
    for number in range(256):
        with suppress(OSError):  # no such file, or no peer
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                with socket.socket(fileno=os.dup(number)) as one:
                    found += one.getpeername()[1:2] == (port,)
    return found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_has_no_copy_of_the_connection(server: LeaseServer) -> None:
    port = host_and_port(server.address)[1]
    with client(FakeServer(), Lease(server.address)) as made:
        assert made.import_events(events(10)).imported == 10
        if (child := os.fork()) == 0:
            os._exit(sockets_to(port))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert sockets_to(port) == 1
        assert made.import_events(events(10)).imported == 10


def test_an_async_client_borrows_too(server: LeaseServer) -> None:
    async def run() -> int:
        settings: dict[str, Any] = {"transport": FakeServer(), "encoder": small_batches(10)}
        lease = Lease(server.address)
        async with AsyncClient(ACCOUNT, base_url="http://127.0.0.1:8400", rate_limit=lease, **settings) as made:
            return (await made.import_events(events(30))).imported

    assert asyncio.run(run()) == 30
    assert server.stats().endpoints["import"].events == 30


def test_a_lease_shows_its_address_and_no_secret() -> None:
    assert repr(Lease("driver:7400", secret="a-secret-of-tests")) == "Lease('driver:7400')"
    fallback = RateLimit(events=10)
    assert repr(Lease(" driver:7400 ", fallback=fallback)) == f"Lease('driver:7400', fallback={fallback!r})"


def test_a_lease_is_pickled_without_its_secret_only() -> None:
    lease = pickle.loads(pickle.dumps(Lease("[::1]:7400", fallback=RateLimit(events=10))))
    assert (lease.address, lease.fallback) == ("[::1]:7400", RateLimit(events=10))
    with pytest.raises(TypeError, match=r"can't be pickled.* set \$MIXPRESS_LEASE_SECRET") as caught:
        pickle.dumps(Lease("driver:7400", secret="a-secret-of-tests"))
    assert "a-secret-of-tests" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["", "driver", "driver:", ":7400", "driver:0", "driver:70000", "::1:7400", "a b:7400", "driver:7a"]
)
def test_an_address_is_a_host_and_a_port(address: str) -> None:
    with pytest.raises(ValueError, match='address must be "host:port"'):
        Lease(address)


def test_wrong_arguments_say_what_is_allowed() -> None:
    with pytest.raises(TypeError, match="address must be text"):
        Lease(7400)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="fallback must be a RateLimit or None, got 5"):
        Lease("driver:7400", fallback=5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="secret is empty"):
        Lease("driver:7400", secret="")
    with pytest.raises(TypeError, match="rate_limit must be a RateLimit, a Lease or None, got 5"):
        Client(ACCOUNT, rate_limit=5)  # type: ignore[arg-type]
