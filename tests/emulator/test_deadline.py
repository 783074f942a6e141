"""The time that a request may take to arrive, with a loop whose timers the test runs."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, cast

import h11
import pytest
import uvicorn
from uvicorn.server import ServerState

from mixpress.emulator.connection import Connection, ConnectionLimits, Waiting

HEAD = b"POST /import HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"


class Timer:
    def __init__(self, seconds: float, run: Callable[[], None]) -> None:
        self.seconds = seconds
        self.run = run
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Task:
    def add_done_callback(self, run: Callable[[object], None]) -> None: ...


class Loop:
    """Keeps timers and runs no task."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []

    def call_later(self, seconds: float, run: Callable[[], None]) -> Timer:
        self.timers.append(Timer(seconds, run))
        return self.timers[-1]

    def create_task(self, task: Coroutine[Any, Any, None]) -> Task:
        task.close()
        return Task()

    def pending(self) -> list[float]:
        return [timer.seconds for timer in self.timers if not timer.cancelled]


class Transport:
    def __init__(self) -> None:
        self.written = b""
        self.state = "open"

    def get_extra_info(self, name: str) -> None:
        return None

    def write(self, data: bytes) -> None:
        self.written += data

    def write_eof(self) -> None:
        self.state = "half closed"

    def abort(self) -> None:
        self.state = "aborted"

    def is_closing(self) -> bool:
        return self.state == "aborted"

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Client:
    """A connection to a server whose application never answers."""

    def __init__(self, waiting: Waiting | None = None) -> None:
        async def app(scope: object, receive: object, send: object) -> None: ...

        config = uvicorn.Config(cast("Any", app), log_config=None, ws="none", lifespan="off", proxy_headers=False)
        config.load()
        self.loop = Loop()
        self.transport = Transport()
        waiting = waiting or Waiting(ConnectionLimits(request_seconds=60))
        parts: dict[str, Any] = {"config": config, "server_state": ServerState(), "app_state": {}, "_loop": self.loop}
        self.connection = Connection(waiting, **parts)
        self.connection.connection_made(cast("Any", self.transport))

    def send(self, data: bytes) -> list[float]:
        """Return the timers that are pending afterwards."""
        self.connection.data_received(data)
        return self.loop.pending()


def test_the_time_starts_with_the_connection_and_ends_with_the_request() -> None:
    client = Client()
    assert client.loop.pending() == [60]
    assert client.send(HEAD[:10]) == [60]
    assert client.send(HEAD[10:]) == [60]
    assert client.send(b"[{}") == [60]
    assert len(client.loop.timers) == 1, "bytes in between do not extend it"
    assert client.send(b"]") == []


def test_a_request_that_arrives_at_once_has_no_timer_afterwards() -> None:
    assert Client().send(HEAD + b"[{}]") == []


def test_the_second_request_has_its_own_time() -> None:
    client = Client()
    client.send(HEAD + b"[{}]" + HEAD[:10])
    client.connection.conn.send(h11.Response(status_code=204, headers=[]))
    client.connection.conn.send(h11.EndOfMessage())
    client.connection.cycle.response_complete = True
    client.connection.on_response_complete()
    assert client.loop.pending() == [5, 60], "uvicorn's time between requests, and the request's"


def test_an_incomplete_request_gets_a_408_and_time_to_read_it() -> None:
    client = Client()
    client.send(HEAD)
    client.loop.timers[0].run()
    assert client.transport.written.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert client.transport.state == "half closed"
    assert client.connection.cycle.disconnected, "the application reads no further"
    assert client.send(b"[{}]" * 1000) == [10], "what comes now is discarded"
    client.loop.timers[-1].run()
    assert client.transport.state == "aborted"


def test_a_connection_without_a_byte_is_closed_without_a_reply() -> None:
    client = Client()
    client.loop.timers[0].run()
    assert (client.transport.written, client.transport.state) == (b"", "aborted")


def test_a_sender_that_never_stops_is_cut_off() -> None:
    client = Client()
    client.send(b"nonsense\r\n\r\n")
    for _ in range(64):
        client.send(b"x" * 1_000_000)
    assert client.transport.state == "half closed"
    client.send(b"x")
    assert client.transport.state == "aborted"


@pytest.mark.parametrize("sent", [b"", HEAD, HEAD[:5]])
def test_a_client_that_ends_its_request_early_is_not_kept(sent: bytes) -> None:
    client = Client()
    if sent:
        client.send(sent)
    assert not client.connection.eof_received()


def test_a_client_that_ends_its_complete_request_gets_its_reply() -> None:
    client = Client()
    client.send(HEAD + b"[{}]")
    assert client.connection.eof_received()


def test_the_longest_waiting_of_too_many_connections_is_closed() -> None:
    waiting = Waiting(ConnectionLimits(connections=2))
    clients = [Client(waiting) for _ in range(3)]
    clients[0].send(HEAD + b"[{}]")
    waiting.make_room(3)
    assert [client.transport.state for client in clients] == ["open", "aborted", "open"]
    waiting.make_room(2)
    assert clients[2].transport.state == "open"
