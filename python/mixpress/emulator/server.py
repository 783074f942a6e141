"""`Emulator`: the server on its own thread, for the duration of a `with` block.

Errors, all raised before the block is entered:

    ValueError   the host is not a loopback address, or an option is invalid
    OSError      the port is in use, or the database file cannot be used
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import sys
import threading
import time
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from mixpress.emulator.app import HttpHandler
from mixpress.emulator.faults import Faults
from mixpress.emulator.ingest import Ingest
from mixpress.emulator.store import Store
from mixpress.emulator.threads import DaemonThreads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from os import PathLike
    from types import TracebackType

    from starlette.applications import Starlette

    from mixpress.emulator.app import Before
    from mixpress.emulator.request import Credentials, LoggedRequest

_MAX_THREADS = 32  # requests answered concurrently; others wait
_STOP_SECONDS = 2  # for requests in progress when the emulator stops
_KEEP_ALIVE_SECONDS = 60


class Emulator:
    """A local server of the ingestion API, /import and /track, for tests and first steps.

        with Emulator() as server:
            send_something_to(server.url)
            assert [event["event"] for event in server.events()] == ["Signed Up"]

    - `host`: a loopback address; ValueError for any other.
    - `port`: 0 picks a free one. OSError if it is in use.
    - `db`: a file that keeps the events; None keeps them in memory. OSError if it cannot be used.
    - `credentials`: the (username, secret) pairs that /import accepts; a project's token or secret is a username with
      an empty secret. None accepts any.
    - `faults`: which requests fail, and how, such as `"429=0.2,taken=2x,seed=7"`; see `Faults.parse`. ValueError for
      an invalid text.
    - `before`: called on a worker thread with each `Request` to /import and /track, before it is processed. If it
      returns (status, headers, body), that is the reply; a `Fault` is applied to the request; None leaves the
      request to the sequence of `faults`.
    - `now`: the clock, in seconds since the epoch.
    - `max_depth`: maximum nesting of objects in `properties`. The documentation says 3; by one report the real server
      enforces 10.
    - `max_body_bytes`: maximum size of a request's uncompressed JSON, beyond which the reply is 413. The documentation
      says 10 MB, taken as 10,000,000 bytes.

    Entering `with` starts the server, ready for requests; leaving it stops it and closes its threads, sockets and file.
    An emulator that is still open when the process exits answers until the exit handlers have run.
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
            raise ValueError(f"port must be 0 to 65535, got {port}")
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
            ingest = Ingest(self._store, self._now, self._max_depth, self._max_body_bytes, self._credentials)
            executor = stack.enter_context(DaemonThreads(_MAX_THREADS, "mixpress-emulator"))
            self._handler = HttpHandler(ingest, executor, self._credentials, self._before, self._faults)
            listener = stack.enter_context(listen(self._address, self._port))
            self._url = to_url(listener)
            stack.enter_context(serve(self._handler.app(), listener))
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
        """Where it listens, such as `http://127.0.0.1:49152`, without a trailing slash."""
        self._check_running()
        return self._url

    @property
    def faults(self) -> Faults:
        """Which requests fail. Assign `Faults`, their text, or None; it applies to all requests from then on.

        Assigning restarts the sequence of faults, as `clear` does.
        """
        return self._faults

    @faults.setter
    def faults(self, faults: Faults | str | None) -> None:
        self._faults = to_faults(faults)
        if self._running is not None:
            self._handler.set_faults(self._faults)

    def events(self, name: str | None = None, *, endpoint: str | None = None) -> list[dict[str, Any]]:
        """Return the accepted events as the API stores them, deduplicated, in order of first arrival.

        Each is `{"event": "Signed Up", "properties": {"time": 1700000000, ...}}`, with long strings cut and a future
        time replaced. `name` selects the events of one name, `endpoint` those sent to "/import" or "/track".
        """
        self._check_running()
        return self._store.events(name, endpoint)

    def count(self, name: str | None = None, *, endpoint: str | None = None) -> int:
        """Return the number of events that `events` would return, without reading them."""
        self._check_running()
        return self._store.count(name, endpoint)

    def requests(self) -> list[LoggedRequest]:
        """Return the last 10,000 requests with the status of each reply, oldest first."""
        self._check_running()
        return list(self._handler.log)

    def clear(self) -> None:
        """Delete all events, also in the `db` file, and all logged requests; restart the sequence of faults."""
        self._check_running()
        self._store.clear()
        self._handler.clear()

    def _check_running(self) -> None:
        if self._running is None:
            raise RuntimeError("the emulator is not running: use it inside `with Emulator() as server:`")


def to_loopback(host: str) -> str:
    """Return the host as a loopback address; ValueError for any other."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise ValueError(
            f"host must be 127.0.0.1, ::1, localhost or another loopback address, got '{host}': "
            "the emulator accepts any credentials, so it must not be reachable from other machines"
        )
    return str(address)


def to_credentials(pairs: Iterable[tuple[str, str]]) -> Credentials:
    """Return the pairs as a set; a TypeError quotes no value, as it may be a secret."""
    known = frozenset(pairs)
    if not all(isinstance(pair, tuple) and [type(part) for part in pair] == [str, str] for pair in known):
        raise TypeError('credentials must be pairs of strings, such as [("username", "secret"), ("token", "")]')
    return known


def to_faults(faults: Faults | str | None) -> Faults:
    """Return the faults, parsed if they are a string, empty if None."""
    if isinstance(faults, str):
        return Faults.parse(faults)
    return faults or Faults()


def listen(address: str, port: int) -> socket.socket:
    """Return a listening socket; OSError with the reason if there is none."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listener = socket.create_server((address, port), family=family, backlog=1024)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(f"cannot listen on {address} port {port}: {reason}") from error
    # Connections inherit it. Without it, the second part of a reply waits 40 ms for the ACK of the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def to_url(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    address, port = listener.getsockname()[:2]
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


@contextmanager
def serve(app: Starlette, listener: socket.socket) -> Iterator[None]:
    """Serve an application on a thread for the duration of the block."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # a request's address is that of the connection, whatever a header says
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    server = _Server(config)
    app.state.abort_connection = server.abort_connection
    thread = threading.Thread(target=server.run_until_stopped, args=[listener], name="mixpress-emulator", daemon=True)
    thread.start()
    server.ready.wait()
    try:
        if not server.started:
            raise RuntimeError("the emulator's server did not start; see its traceback above")
        yield
    finally:
        server.should_exit = True
        if not sys.is_finalizing():  # left open until the process ends, whose daemon threads stand still then
            thread.join()


class _Server(uvicorn.Server):
    """uvicorn's server, with an event for readiness, and closing all connections at shutdown."""

    _monotonic = staticmethod(time.monotonic)  # in a class, where freezegun does not replace it

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    def run_until_stopped(self, listener: socket.socket) -> None:
        try:
            self.run([listener])
        finally:
            self.ready.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # A test that freezes the clock would leave the loop asleep until the frozen time, and it would never stop.
        asyncio.get_running_loop().time = self._monotonic  # type: ignore[method-assign]
        await super().startup(sockets)
        self.ready.set()

    def abort_connection(self, client: tuple[str, int]) -> None:
        """Close a client's connection at once, even within a request."""
        for connection in list(self.server_state.connections):
            if getattr(connection, "client", None) == client:  # a WebSocket has no such attribute
                connection.transport.abort()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()  # a request that was never sent completely
