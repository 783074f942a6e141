"""The proxy: asyncio on one thread, which forwards whole requests and replies, or fails to."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mixpress.address import is_loopback

from .troubles import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

_PIECES = 16
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Side:
    """A connection to the client or to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Close it with a RST."""
        opened: socket.socket = self.writer.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.writer.transport.abort()

    async def read_head(self, first: bytes = b"") -> tuple[bytes, int]:
        """Return the lines before the body, and the length of the body."""
        head = first + await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: *(\d+)\r\n", head, re.I)
        return head, int(length[1]) if length else 0


class FaultProxy:
    """Forwards HTTP/1.1 to the server at `url`, on this machine, with one trouble for each request.

    `troubles` are used in turn; after the last one there are none. `pause` is the length of a delay in seconds,
    `patience` the longest wait for a client to hang up. Bodies must have a Content-Length. `with` starts and stops
    the proxy, and leaves no thread or socket.
    """

    def __init__(
        self, url: str, troubles: Iterable[Trouble] = (), *, pause: float = 0.02, patience: float = 10.0
    ) -> None:
        if not is_loopback(url):
            raise ValueError(f"{url} is not on this machine")
        self._server = urlsplit(url)
        self._pause = pause
        self._patience = patience
        self.met: Counter[Trouble] = Counter()
        """The number of requests with each trouble."""
        self.plan(troubles)

    def plan(self, troubles: Iterable[Trouble]) -> None:
        """Use these troubles from the next request on."""
        self._troubles: Iterator[Trouble] = iter(troubles)

    @property
    def url(self) -> str:
        """The URL of the proxy."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> FaultProxy:
        self._tasks: set[asyncio.Task[None]] = set()
        self._sides: set[Side] = set()
        self._accepted: set[socket.socket] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=[self._run()], name="fault-proxy", daemon=True)
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            self._port = listener.getsockname()[1]
            self._loop.add_reader(listener, self._accept, listener)
            self._ready.set()
            await self._stop.wait()
            self._loop.remove_reader(listener)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for side in self._sides:
            side.writer.transport.abort()
        await asyncio.sleep(0)  # lets the transports close
        for accepted in self._accepted:
            accepted.close()  # its task was cancelled before it started

    def _accept(self, listener: socket.socket) -> None:
        """Accept by hand, since the server of asyncio loses a connection that it accepts while it closes."""
        with suppress(BlockingIOError, ConnectionError):
            accepted, _ = listener.accept()
            accepted.setblocking(False)
            self._accepted.add(accepted)
            task = asyncio.create_task(self._relay(accepted))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _relay(self, accepted: socket.socket) -> None:
        """Serve one connection to its end."""
        mine: list[Side] = []
        try:
            for to in ({"sock": accepted}, {"host": self._server.hostname, "port": self._server.port}):
                mine.append(Side(*await asyncio.open_connection(**to)))
                self._sides.add(mine[-1])
            while await self._exchange(*mine):
                pass
        except (OSError, EOFError):
            pass  # one side hung up, so the other is closed too
        for side in mine:
            side.writer.close()
            with suppress(OSError):
                await side.writer.wait_closed()
        self._sides.difference_update(mine)
        self._accepted.remove(accepted)

    async def _exchange(self, client: Side, server: Side) -> bool:
        """Forward one request and its reply; return whether there may be another one."""
        first = await client.reader.read(1)
        if not first:
            return False
        trouble = next(self._troubles, Trouble.NONE)
        self.met[trouble] += 1
        if trouble is Trouble.RESET_AT_ONCE:
            client.reset()
            return False
        head, length = await client.read_head(first)
        if trouble is Trouble.RESET_IN_REQUEST:
            await server.send(head + await client.reader.readexactly(length // 2))
            client.reset()
            server.reset()
            return False
        request = head + await self._read_body(client, length, slowly=trouble is Trouble.SLOW_READ)
        if trouble in {Trouble.SILENT, Trouble.LATE_REQUEST}:
            await self._wait_for_the_end(client)
        if trouble is Trouble.SILENT:
            return False
        await server.send(request)
        head, length = await server.read_head()
        return await self._reply(client, head + await server.reader.readexactly(length), trouble)

    async def _read_body(self, client: Side, length: int, *, slowly: bool) -> bytes:
        if not slowly:
            return await client.reader.readexactly(length)
        body = b""
        while len(body) < length:
            await asyncio.sleep(self._pause / _PIECES)
            body += await client.reader.readexactly(min(length // _PIECES + 1, length - len(body)))
        return body

    async def _reply(self, client: Side, reply: bytes, trouble: Trouble) -> bool:
        """Send the reply or a part of it; return whether there may be another request."""
        match trouble:
            case Trouble.RESET_BEFORE_REPLY:
                client.reset()
            case Trouble.RESET_IN_REPLY:
                await client.send(reply[: len(reply) // 2])
                client.reset()
            case Trouble.HALF_CLOSE:
                client.writer.write_eof()
                await self._wait_for_the_end(client)
            case Trouble.LATE_REPLY | Trouble.LATE_REQUEST:
                await self._wait_for_the_end(client)
                await client.send(reply)
            case Trouble.CLOSE_IDLE:
                await client.send(reply)
            case Trouble.STALE:
                await client.send(reply)
                if await client.reader.read(1):
                    client.reset()
            case _:
                await asyncio.sleep(self._pause if trouble is Trouble.DELAY else 0)
                await client.send(reply)
                return True
        return False

    async def _wait_for_the_end(self, client: Side) -> None:
        """Wait until the client hangs up, or for `patience` seconds."""
        with suppress(OSError, asyncio.TimeoutError):
            await asyncio.wait_for(client.reader.read(1), self._patience)
