"""Server-sent events that say that something changed: `GET /_emulator/live`.

One task per emulator, which runs while anybody listens, waits for a change, reads the numbers once and gives them to
all listeners, at most five times a second. A listener has room for one message: a newer one replaces the one that it
has not sent yet, so a slow client costs no memory.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.types import Receive, Scope, Send

MAX_LISTENERS = 200
_INTERVAL = 0.2  # seconds between two messages
_SILENCE = 15.0  # seconds until a comment shows that the connection is alive

_logger = logging.getLogger("mixpress.emulator")


class Live:
    """The listeners of an emulator. `changed` may be called by any thread, all else by the event loop's."""

    def __init__(
        self, numbers: Callable[[], Awaitable[Any]], interval: float = _INTERVAL, silence: float = _SILENCE
    ) -> None:
        self._numbers = numbers
        self._interval = interval
        self._silence = silence
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: set[_Listener] = set()
        self._change = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_told = False
        self._stopping = False

    def changed(self, *_: object) -> None:
        """Send the numbers to all listeners soon."""
        if self._listeners and not self._is_told and self._loop is not None:
            self._is_told = True  # the loop has at most one call waiting, however many requests come
            self._call(self._change.set)

    def stop(self) -> None:
        """End all streams, also those that are opened from now on. Any thread may call it."""
        self._stopping = True
        if self._loop is not None:
            self._call(self._end)

    def _call(self, function: Callable[[], None]) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop is closed: the emulator has stopped
            self._loop.call_soon_threadsafe(function)

    def _end(self) -> None:
        self._change.set()
        for listener in self._listeners:
            listener.put(None)

    def respond(self, headers: Mapping[str, str]) -> Response | None:
        """Return the stream for a new client; None if there are too many."""
        return None if len(self._listeners) >= MAX_LISTENERS else _Stream(self, headers)

    async def follow(self, receive: Receive, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Send messages until the client leaves or the emulator stops."""
        listener = _Listener()
        leaving = asyncio.ensure_future(_wait_until_gone(receive, listener))
        self._join(listener)
        try:
            await send(b"retry: 2000\n\n")
            while not self._stopping and (message := await listener.get(self._silence)) is not None:
                await send(message)
        finally:
            leaving.cancel()
            self._listeners.discard(listener)
            if not self._listeners and self._task is not None:
                self._task.cancel()
                self._task = None

    def _join(self, listener: _Listener) -> None:
        self._loop = asyncio.get_running_loop()
        self._listeners.add(listener)
        self._change.set()  # the new client learns where it starts
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._work())

    async def _work(self) -> None:
        while not self._stopping:
            await self._change.wait()
            self._change.clear()
            self._is_told = False  # before the numbers are read: a later change sends another message
            try:
                message = b"event: change\ndata: " + orjson.dumps(await self._numbers()) + b"\n\n"
            except Exception:  # the next change may succeed
                _logger.exception("the live numbers cannot be read")
            else:
                for listener in self._listeners:
                    listener.put(message)
            await asyncio.sleep(self._interval)


class _Listener:
    """Room for one message; None ends the stream."""

    def __init__(self) -> None:
        self._message: bytes | None = b""
        self._arrived = asyncio.Event()

    def put(self, message: bytes | None) -> None:
        if self._message is not None:
            self._message = message
            self._arrived.set()

    async def get(self, seconds: float) -> bytes | None:
        """Return the next message; a comment if none comes in that time."""
        try:
            await asyncio.wait_for(self._arrived.wait(), seconds)
        except asyncio.TimeoutError:
            return b": still here\n\n"
        self._arrived.clear()
        return self._message


async def _wait_until_gone(receive: Receive, listener: _Listener) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.put(None)


class _Stream(Response):
    """A reply that lasts until the client leaves or the emulator stops."""

    def __init__(self, live: Live, headers: Mapping[str, str]) -> None:
        super().__init__(headers=dict(headers), media_type="text/event-stream")
        del self.headers["content-length"]
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        async def send_part(part: bytes) -> None:
            await send({"type": "http.response.body", "body": part, "more_body": True})

        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await self._live.follow(receive, send_part)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
