"""Serve an ASGI application on a thread: the listening socket, and uvicorn."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, cast

import uvicorn

from mixpress.emulator.connection import MAX_HEAD_BYTES, Connection, ConnectionLimits, Waiting
from mixpress.emulator.port_owner import describe_owner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.applications import Starlette

_STOP_SECONDS = 2.0  # for requests in progress when the emulator stops
_KEEP_ALIVE_SECONDS = 60
_MIN_CONNECTIONS = 16
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound


def listen(address: str, port: int) -> socket.socket:
    """Return a listening socket; OSError with the reason if there is none."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listener = socket.create_server((address, port), family=family, backlog=1024)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        if error.errno == errno.EADDRINUSE:
            reason += f"{describe_owner(port)}; port 0 picks a free one"
        raise OSError(f"cannot listen on {address} port {port}: {reason}") from error
    # Connections inherit it. Without it, the second part of a reply waits 40 ms for the ACK of the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def to_url(listener: socket.socket) -> str:
    """Return the URL of a listening socket; on this machine, if it listens on all addresses."""
    address, port = listener.getsockname()[:2]
    address = _EVERY_ADDRESS.get(address, address)
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def connection_limits(request_seconds: float) -> ConnectionLimits:
    """Return the limits for this process: at most half of the files that it may open are connections."""
    most = ConnectionLimits().connections
    with suppress(ImportError):  # not on Windows
        import resource  # noqa: PLC0415

        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if files != resource.RLIM_INFINITY:
            most = max(_MIN_CONNECTIONS, min(most, files // 2))
    return ConnectionLimits(request_seconds, most)


@contextmanager
def serve(app: Starlette, listener: socket.socket, limits: ConnectionLimits | None = None) -> Iterator[None]:
    """Serve an application on a thread for the duration of the block."""
    waiting = Waiting(limits or ConnectionLimits())
    config = uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", partial(Connection, waiting)),
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # a request's address is that of the connection, whatever a header says
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    server = _Server(config, waiting)
    app.state.abort_connection = server.abort_connection
    thread = threading.Thread(target=server.run_until_stopped, args=[listener], name="mixpress-emulator", daemon=True)
    thread.start()
    server.ready.wait()
    try:
        if not server.started:
            raise RuntimeError("the emulator's server did not start; see its traceback above")
        yield
    finally:
        server.stop()
        if not sys.is_finalizing():  # left open until the process ends, whose daemon threads stand still then
            thread.join()


class _Server(uvicorn.Server):
    """uvicorn's server, with an event for readiness, that stops at once and closes all connections."""

    _monotonic = staticmethod(time.monotonic)  # in a class, where freezegun does not replace it

    def __init__(self, config: uvicorn.Config, waiting: Waiting) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._waiting = waiting

    def run_until_stopped(self, listener: socket.socket) -> None:
        try:
            self.run([listener])
        finally:
            self.ready.set()

    def stop(self) -> None:
        """End `main_loop`; any thread may call it."""
        self.should_exit = True
        with suppress(RuntimeError, AttributeError):  # the loop is closed, or never started
            self._loop.call_soon_threadsafe(self._stopped.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        # A test that freezes the clock would leave the loop asleep until the frozen time, and it would never stop.
        self._loop.time = self._monotonic  # type: ignore[method-assign]
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # renews the header Date
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), 1)

    def abort_connection(self, client: tuple[str, int], *, reset: bool = False) -> None:
        """Close a client's connection at once, even within a request; with `reset`, by a RST."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, Connection) and connection.client == client:
                if reset:
                    connection.reset()
                else:
                    connection.transport.abort()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, and close the connections after the replies to complete requests."""
        for listener in self.servers:
            listener.close()
        for each in sockets or []:
            each.close()
        connections, tasks = self.server_state.connections, self.server_state.tasks
        self._waiting.abort_incomplete()
        for connection in list(connections):
            connection.shutdown()
            if isinstance(connection, Connection) and connection.is_streaming():
                connection.transport.abort()  # such as server-sent events, which do not end
        until = self._loop.time() + _STOP_SECONDS
        while (connections or tasks) and self._loop.time() < until:
            await asyncio.sleep(0.005)
        for task in list(tasks):
            task.cancel()
        for connection in list(connections):
            connection.transport.abort()
