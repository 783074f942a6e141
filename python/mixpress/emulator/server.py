"""The emulator as an object: a server on a thread of its own, for as long as a `with` block lasts.

What can go wrong, all of it before the block begins:

    ValueError   the host is not loopback, or an option can't be what it is
    OSError      the port is taken, or the database file can't be used
"""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from mixpress.emulator.app import Front
from mixpress.emulator.faults import Faults
from mixpress.emulator.ingest import Intake
from mixpress.emulator.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from os import PathLike
    from types import TracebackType

    from starlette.applications import Starlette

    from mixpress.emulator.app import Before
    from mixpress.emulator.request import Credentials, LoggedRequest

_MAX_THREADS = 32  # requests answered at one time; the others wait
_STOP_SECONDS = 2  # for a request that is under way when the emulator stops
_KEEP_ALIVE_SECONDS = 60


class Emulator:
    """A local server of the ingestion API, /import and /track, for tests and first steps.

        with Emulator() as server:
            send_something_to(server.url)
            assert [event["event"] for event in server.events()] == ["Signed Up"]

    - `host`: a loopback address; ValueError for any other.
    - `port`: 0 takes a free one. OSError where it is taken.
    - `db`: a file that keeps the events; None is memory. OSError where it can't be used.
    - `credentials`: the (username, secret) pairs that /import takes, where a project's token or secret is the
      username and goes with an empty one; None takes any.
    - `faults`: which requests fail, and how, such as `"429=0.2,taken=2x,seed=7"`; `Faults` tells the language.
      ValueError for what isn't of it.
    - `before`: called with each `Request` to /import and /track, on a thread of its own, before anything is
      done with it. A (status, headers, body) that it returns is the reply, and the request goes no further;
      a `Fault` is done to the request; with None it has the fault of its turn, if any.
    - `now`: the clock, in seconds since the epoch.
    - `max_depth`: how deep objects may be nested in `properties`. The documents say 3; by one report the real
      server enforces 10.
    - `max_body_bytes`: uncompressed JSON in a request; 413 is the reply to more. The documents say 10 MB,
      which is read as the smaller of what it can mean.

    `with` starts it, ready for requests, and stops it, with no thread, socket or file left.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        db: str | PathLike[str] | None = None,
        credentials: Iterable[tuple[str, str]] | None = None,
        faults: Faults | str | None = None,
        before: Before | None = None,
        now: Callable[[], float] = time.time,
        max_depth: int = 3,
        max_body_bytes: int = 10_000_000,
    ) -> None:
        self._address = to_loopback(host)
        if not 0 <= port <= 65535:
            raise ValueError(f"port must be 0 to 65535, not {port}")
        self._port = port
        self._db = db
        self._credentials = None if credentials is None else to_credentials(credentials)
        self._faults = to_faults(faults)
        self._before = before
        self._now = now
        self._max_depth = max_depth
        self._max_body_bytes = max_body_bytes
        self._running: ExitStack | None = None

    def __enter__(self) -> Emulator:
        if self._running is not None:
            raise RuntimeError("this emulator is already running")
        with ExitStack() as stack:
            self._store = stack.enter_context(closing(Store(self._db)))
            intake = Intake(self._store, self._now, self._max_depth, self._max_body_bytes)
            executor = stack.enter_context(ThreadPoolExecutor(_MAX_THREADS, "mixpress-emulator"))
            self._front = Front(intake, executor, self._credentials, self._before, self._faults)
            listener = stack.enter_context(listen(self._address, self._port))
            self._url = to_url(listener)
            stack.enter_context(serve(self._front.app(), listener))
            self._running = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.close()

    @property
    def url(self) -> str:
        """Where it listens, such as `http://127.0.0.1:49152`, without a slash at the end."""
        self._must_run()
        return self._url

    @property
    def faults(self) -> Faults:
        """Which requests fail. Faults, their text or None put here hold for every request from then on.

        The sequence begins anew with them, and also with `clear`.
        """
        return self._faults

    @faults.setter
    def faults(self, faults: Faults | str | None) -> None:
        self._faults = to_faults(faults)
        if self._running is not None:
            self._front.fail(self._faults)

    def events(self, name: str | None = None, *, endpoint: str | None = None) -> list[dict[str, Any]]:
        """The accepted events as the API keeps them, each once, in the order in which they first came.

        Each is `{"event": "Signed Up", "properties": {"time": 1700000000, ...}}`, strings cut, a time in the
        future overwritten. `name` asks for one event's, `endpoint` for what came by "/import" or "/track".
        """
        self._must_run()
        return self._store.events(name, endpoint)

    def count(self, name: str | None = None, *, endpoint: str | None = None) -> int:
        """How many events `events` would give, without reading them."""
        self._must_run()
        return self._store.count(name, endpoint)

    def requests(self) -> list[LoggedRequest]:
        """The last 10,000 requests and the status of each reply, oldest first."""
        self._must_run()
        return list(self._front.log)

    def clear(self) -> None:
        """Forget every event and every request, also those in the `db` file; the faults begin anew."""
        self._must_run()
        self._store.clear()
        self._front.forget()

    def _must_run(self) -> None:
        if self._running is None:
            raise RuntimeError("the emulator is not running: use it inside `with Emulator() as server:`")


def to_loopback(host: str) -> str:
    """A loopback address, or ValueError."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise ValueError(
            f"host must be 127.0.0.1, ::1, localhost or another loopback address, not '{host}': "
            "the emulator takes made-up credentials, so it does not listen to other machines"
        )
    return str(address)


def to_credentials(pairs: Iterable[tuple[str, str]]) -> Credentials:
    """The pairs as a set; a TypeError tells nothing of what they hold."""
    known = frozenset(pairs)
    if not all(isinstance(pair, tuple) and [type(part) for part in pair] == [str, str] for pair in known):
        raise TypeError('credentials must be pairs of texts, such as [("username", "secret"), ("token", "")]')
    return known


def to_faults(faults: Faults | str | None) -> Faults:
    """Faults as they are, as a text, or none."""
    if isinstance(faults, str):
        return Faults.parse(faults)
    return faults or Faults()


def listen(address: str, port: int) -> socket.socket:
    """A listening socket, or OSError in a sentence."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listener = socket.create_server((address, port), family=family, backlog=1024)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(f"cannot listen on {address} port {port}: {reason}") from error
    # Its connections inherit it. Without, the second part of a reply waits 40 ms for the first one's ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def to_url(listener: socket.socket) -> str:
    """`http://` and where a socket listens."""
    address, port = listener.getsockname()[:2]
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


@contextmanager
def serve(app: Starlette, listener: socket.socket) -> Iterator[None]:
    """Run an application on a thread from the first request to the last."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # the address of a request is that of its sender, whatever a header says
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    server = _Server(config)
    app.state.hang_up = server.hang_up
    thread = threading.Thread(target=server.run_until_told, args=[listener], name="mixpress-emulator", daemon=True)
    thread.start()
    server.ready.wait()
    try:
        if not server.started:
            raise RuntimeError("the emulator's server did not start; its traceback stands above")
        yield
    finally:
        server.should_exit = True
        thread.join()


class _Server(uvicorn.Server):
    """uvicorn's server, which also says when it is ready and leaves no connection behind."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    def run_until_told(self, listener: socket.socket) -> None:
        try:
            self.run([listener])
        finally:
            self.ready.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    def hang_up(self, client: tuple[str, int]) -> None:
        """Close the connection with a client, whatever is under way on it."""
        for connection in list(self.server_state.connections):
            if getattr(connection, "client", None) == client:  # which a web socket has not
                connection.transport.abort()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()  # a request that was never sent to its end
