"""`LeaseServer`: lends one rate limit to the workers of a cluster. The driver runs it."""

from __future__ import annotations

import logging
import os
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from mixpress import process
from mixpress.clock import Clock
from mixpress.lease.conversation import EndpointStats, Ledger
from mixpress.lease.loop import Loop
from mixpress.lease.secret import key_of_server
from mixpress.send.rate_limit import RateLimit

if TYPE_CHECKING:
    from typing_extensions import Self

    from mixpress.auth import Auth

logger = logging.getLogger("mixpress")

DOCUMENTED = RateLimit.documented()
BACKLOG = 1024
"""Connections that the system holds until they are accepted."""
END = 5.0
"""Seconds to wait for the thread of a server that is closed."""


class LeaseStats(NamedTuple):
    """What a lease server knows. What it lends is counted for each endpoint."""

    workers: int
    """Connected workers: one for each endpoint of a client that has sent in the last seconds."""
    refused: int
    """Connections that were dropped: strangers, wrong secrets, workers that said nothing for 3 s."""
    endpoints: dict[str, EndpointStats]


class LeaseServer:
    """Lends the rate limit of a project to the clients of other processes, which have `rate_limit=Lease(address)`.

        with LeaseServer(secret=auth) as server:
            start_workers(server.address)

    `limit`: what all workers together may send, the documented limit by default, for each endpoint.
    `host`: the address to listen on. The default is for workers on this machine; for others, pass the address of an
        interface that they reach, or `""` for all.
    `port`: 0 for a free one.
    `secret`: a text, or the credentials of the workers' clients. By default `$MIXPRESS_LEASE_SECRET`; `ValueError` if
        there is none. The secret is never sent, and traffic is authenticated but not encrypted.

    Entering `with` starts a daemon thread; `OSError` if the address can't be used, `RuntimeError` if no thread can be
    started. Leaving it ends the thread, and workers go on within their own ceiling. In a forked child the server is
    closed.
    """

    def __init__(
        self,
        limit: RateLimit = DOCUMENTED,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        secret: str | Auth | None = None,
        clock: Clock | None = None,
    ) -> None:
        if not isinstance(limit, RateLimit):
            raise TypeError(f"limit must be a RateLimit, got {limit!r}")
        if not isinstance(port, int) or not 0 <= port <= 65535:
            raise ValueError(f"port must be an integer from 0 to 65535, got {port!r}")
        self._limit, self._host, self._port = limit, host, port
        self._key = key_of_server(secret)
        self._clock = clock or Clock()
        self._loop: Loop | None = None
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()

    def __enter__(self) -> Self:
        if self._loop is not None and self._pid == os.getpid():
            raise RuntimeError("this lease server is already running")
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.create_server((self._host, self._port), family=family, backlog=BACKLOG)
        loop = Loop(listener, Ledger(self._limit, self._key), self._clock)
        thread = threading.Thread(target=loop.run, name="mixpress-lease-server", daemon=True)
        try:
            process.clients.add(loop)
            thread.start()
            self._pid, self._loop, self._thread = os.getpid(), loop, thread
        except BaseException:
            self._loop = self._thread = None
            loop.stop()
            if not thread.is_alive():
                loop.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        loop, thread = self._loop, self._thread
        if loop is None or thread is None or self._pid != os.getpid():
            return
        loop.stop()
        self._loop = self._thread = None
        with suppress(RuntimeError):  # the interpreter ends
            thread.join(END)

    @property
    def address(self) -> str:
        """ "host:port", for `Lease`. With `host=""`, replace `0.0.0.0` by this machine's name."""
        host, port = self._running.address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def stats(self) -> LeaseStats:
        """Return what is lent and used now."""
        return LeaseStats(*self._running.stats())

    @property
    def _running(self) -> Loop:
        if self._loop is None or self._pid != os.getpid():
            raise RuntimeError("this lease server is not running: use `with LeaseServer(...) as server`")
        return self._loop

    def __reduce__(self) -> NoReturn:
        raise TypeError("LeaseServer can't be pickled; pass its address to the workers")

    def __repr__(self) -> str:
        is_running = self._loop is not None and self._pid == os.getpid()
        where = f"at {self.address}" if is_running else "not running"
        return f"<LeaseServer {where}>"
