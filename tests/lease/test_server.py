"""The lease server over real sockets: who gets in, who is dropped, and what that costs the others."""

from __future__ import annotations

import os
import pickle
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any

import pytest

from lease.peers import SetClock
from mixpress import LeaseServer, ProjectToken, RateLimit
from mixpress.lease import loop
from mixpress.lease.allotment import SLICE
from mixpress.lease.amount import Amount
from mixpress.lease.channel import Channel
from mixpress.lease.conversation import GRACE, STRANGER
from mixpress.lease.holding import Ask
from mixpress.lease.loop import MAX_STRANGERS
from mixpress.lease.messages import Join, ask_to_json, join_to_json
from mixpress.lease.protocol import ProtocolError, WrongSecretError
from mixpress.lease.secret import VARIABLE, host_and_port, key_of_text
from support.clients import ACCOUNT

SECRET = "a-lease-secret-of-tests"
LIMIT = RateLimit(events=100, bytes=10_000, seconds=60)
NEED = Ask(need=Amount(1, 10), want=Amount(3, 30))


def connected(server: LeaseServer, secret: str = SECRET) -> Channel:
    return Channel(*host_and_port(server.address), key_of_text(secret), "import")


def raw(server: LeaseServer) -> socket.socket:
    return socket.create_connection(host_and_port(server.address), timeout=10)


def lent(channel: Channel, ask: Ask = NEED) -> float:
    return channel.exchange(ask_to_json(ask)).amount.events


def joined(server: LeaseServer) -> Channel:
    channel = connected(server)
    channel.exchange(join_to_json(Join(Amount(), [])))
    return channel


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until the thread of a server has done what it will do."""
    ends = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.005)


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def server(clock: SetClock, no_leftover_threads: None) -> Iterator[LeaseServer]:
    with LeaseServer(LIMIT, secret=SECRET, clock=clock) as running:
        yield running


def test_a_worker_borrows_and_returns(server: LeaseServer) -> None:
    with closing(joined(server)) as channel:
        assert lent(channel) == 3
        assert server.stats().endpoints["import"].lent_events == 3
        assert lent(channel, Ask(used=Amount(1, 10), back=Amount(2, 20))) == 0
        import_ = server.stats().endpoints["import"]
        assert (server.stats().workers, import_.events, import_.lent_events) == (1, 1, 0)


def test_a_connection_that_ends_counts_its_slice_as_used(server: LeaseServer) -> None:
    with closing(joined(server)) as channel:
        lent(channel)
    eventually(lambda: server.stats().workers == 0)
    import_ = server.stats().endpoints["import"]
    assert (import_.workers, import_.events, import_.lent_events) == (0, 3, 0)


def test_a_worker_that_says_nothing_loses_its_slice(server: LeaseServer, clock: SetClock) -> None:
    with closing(joined(server)) as channel:
        lent(channel)
        clock.now += SLICE + GRACE
        eventually(lambda: server.stats().workers == 0)
        assert server.stats().endpoints["import"].events == 3
        with pytest.raises((OSError, ProtocolError)):
            lent(channel)


def test_a_stranger_that_says_nothing_is_dropped(server: LeaseServer, clock: SetClock) -> None:
    with raw(server) as stranger:
        stranger.sendall(b'{"mixpress-lease"')
        assert server.stats().refused == 0

        def is_dropped() -> bool:
            clock.now += STRANGER
            return server.stats().refused == 1

        eventually(is_dropped)
        assert stranger.recv(1) == b""


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", os.urandom(600), b"\n", b"x" * 5000, b"[" * 511 + b"\n"])
def test_garbage_costs_a_stranger_its_connection_and_others_nothing(server: LeaseServer, data: bytes) -> None:
    with closing(joined(server)) as channel, raw(server) as stranger:
        stranger.sendall(data)
        with suppress(ConnectionResetError):
            assert stranger.recv(1) == b""
        assert lent(channel) == 3
        assert server.stats().refused == 1


def most_connections(wanted: int) -> int:
    """Return how many connections this process can have, with both of their ends."""
    return min(wanted, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100) // 2)


def test_many_silent_connections_keep_no_worker_out() -> None:
    """A worker that connects behind them gets its turn: it is retried as its client does."""
    with LeaseServer(LIMIT, secret=SECRET) as server, ExitStack() as open_ones:
        count = most_connections(2 * MAX_STRANGERS)
        for _ in range(count):
            open_ones.enter_context(raw(server))
        found: list[Channel] = []

        def is_in() -> bool:
            with suppress(OSError):  # its turn did not come within two seconds
                found.append(open_ones.enter_context(closing(joined(server))))
            return bool(found)

        eventually(is_in)
        assert lent(found[0]) == 3
        assert server.stats().refused >= count - MAX_STRANGERS


def test_many_workers_that_start_at_once_are_all_let_in(server: LeaseServer) -> None:
    """The clock stands still: none may be dropped to let another one in."""
    count = most_connections(2 * MAX_STRANGERS)
    errors: list[Exception] = []
    done = threading.Event()

    def join() -> None:
        try:
            with closing(joined(server)):
                done.wait(20)
        except (OSError, ProtocolError) as error:
            errors.append(error)

    threads = [threading.Thread(target=join) for _ in range(count)]
    for thread in threads:
        thread.start()
    eventually(lambda: bool(errors) or server.stats().workers == count)
    done.set()
    for thread in threads:
        thread.join()
    assert (errors, server.stats().refused) == ([], 0)


def test_there_is_a_most_of_workers(
    server: LeaseServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loop, "MAX_WORKERS", 2)
    with closing(joined(server)) as first, closing(joined(server)):
        with pytest.raises((OSError, ProtocolError)):
            joined(server)
        assert lent(first) == 3
        assert (server.stats().workers, server.stats().refused) == (2, 1)
        assert "dropped a connection: more than 2 workers" in caplog.text
    eventually(lambda: server.stats().workers == 0)
    with closing(joined(server)) as another:
        assert lent(another) == 3


def small_buffers(*values: Any, **settings: Any) -> socket.socket:
    """Listen so that the system holds few bytes that a peer does not read."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    listener.bind(values[0])
    listener.listen()
    return listener


class DeafChannel(Channel):
    """A connection of a worker that reads no answers once it is in."""

    def send(self, ask: Ask, times: int) -> None:
        for _ in range(times):
            self.socket.sendall(self._ours.close(ask_to_json(ask)))


def test_a_worker_that_reads_no_answers_is_dropped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(socket, "create_server", small_buffers)
    with LeaseServer(LIMIT, secret=SECRET) as server:
        deaf = DeafChannel(*host_and_port(server.address), key_of_text(SECRET), "import")
        with closing(deaf):
            deaf.exchange(join_to_json(Join(Amount(), [])))

            def is_dropped() -> bool:
                with suppress(OSError):
                    deaf.send(NEED, 100)
                return server.stats().refused == 1

            eventually(is_dropped)
            assert server.stats().workers == 0
        assert "dropped a connection: it reads no answers" in caplog.text


def test_a_worker_is_dropped_where_the_system_has_no_room_for_its_answer(
    server: LeaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send(*_: object) -> int:
        raise BlockingIOError

    with closing(joined(server)) as channel, monkeypatch.context() as full:
        full.setattr(socket.socket, "send", send)
        with pytest.raises((OSError, ProtocolError)):
            lent(channel)
        assert server.stats().refused == 1


def test_another_secret_is_refused_and_named_in_no_log(server: LeaseServer, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(WrongSecretError):
        connected(server, "another-secret-of-tests")
    eventually(lambda: server.stats().refused == 1)
    assert "it has another secret" in caplog.text
    assert "secret-of-tests" not in caplog.text


def test_the_secret_may_be_that_of_the_environment_or_derived_from_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with LeaseServer(LIMIT, secret=ACCOUNT) as running, pytest.raises(WrongSecretError):
        connected(running, ACCOUNT.secret)
    monkeypatch.setenv(VARIABLE, SECRET)
    with LeaseServer(LIMIT) as running, closing(connected(running)):
        pass


def test_without_a_secret_there_is_no_server() -> None:
    with pytest.raises(ValueError, match=r"pass secret=auth, .* or set \$MIXPRESS_LEASE_SECRET"):
        LeaseServer()


def test_wrong_arguments_say_what_is_allowed() -> None:
    with pytest.raises(TypeError, match="limit must be a RateLimit, got 5"):
        LeaseServer(5, secret=SECRET)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="port must be an integer from 0 to 65535, got 70000"):
        LeaseServer(secret=SECRET, port=70_000)
    with pytest.raises(ValueError, match="secret is empty"):
        LeaseServer(secret=" ")
    with pytest.raises(TypeError, match="secret must be text, got bytes"):
        LeaseServer(secret=b"bytes")  # type: ignore[arg-type]


def test_a_server_shows_its_address_and_no_secret(server: LeaseServer) -> None:
    assert server.address == f"127.0.0.1:{host_and_port(server.address)[1]}"
    assert repr(server) == f"<LeaseServer at {server.address}>"
    with pytest.raises(TypeError, match="pass its address"):
        pickle.dumps(server)


def test_a_server_runs_once_and_can_be_started_again() -> None:
    server = LeaseServer(LIMIT, secret=ProjectToken("token"))
    with pytest.raises(RuntimeError, match="not running"):
        server.stats()
    for _ in range(2):
        with server, pytest.raises(RuntimeError, match="already running"):
            server.__enter__()
    assert repr(server) == "<LeaseServer not running>"


def test_a_server_whose_thread_cannot_start_listens_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, int]] = []
    create = socket.create_server

    def create_server(*values: Any, **settings: Any) -> socket.socket:
        listener = create(*values, **settings)
        made.append(listener.getsockname())
        return listener

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    server = LeaseServer(LIMIT, secret=SECRET)
    monkeypatch.setattr(socket, "create_server", create_server)
    with monkeypatch.context() as without_threads:
        without_threads.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            server.__enter__()
    assert repr(server) == "<LeaseServer not running>"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(made[0], timeout=10)
    with server, closing(joined(server)) as channel:
        assert lent(channel) == 3


def test_a_closed_server_accepts_no_connection(server: LeaseServer) -> None:
    address = host_and_port(server.address)
    with closing(joined(server)) as channel:
        server.__exit__()
        with pytest.raises((OSError, ProtocolError)):
            lent(channel)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(address, timeout=10)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_has_no_server_and_leaves_that_of_the_parent_alone(server: LeaseServer) -> None:
    with closing(joined(server)) as channel:
        if (child := os.fork()) == 0:
            is_closed = repr(server) == "<LeaseServer not running>"
            server.__exit__()
            os._exit(0 if is_closed else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert lent(channel) == 3


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
def test_an_ipv6_address_has_brackets() -> None:
    with LeaseServer(LIMIT, host="::1", secret=SECRET) as running:
        assert running.address.startswith("[::1]:")
        with closing(joined(running)) as channel:
            assert lent(channel) == 3
