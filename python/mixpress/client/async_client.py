"""`AsyncClient`: a `Client` for programs with an event loop, over the same engine and its threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterable
from functools import partial
from typing import TYPE_CHECKING, Any

from mixpress.client.client import Client
from mixpress.client.import_run import import_events, refuse_one
from mixpress.client.run_in_thread import run_in_thread
from mixpress.errors import QueueFull
from mixpress.queues.event import complete, compose
from mixpress.send.job import CancelToken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from typing_extensions import Self

    from mixpress._core import Rejection
    from mixpress.auth import Auth
    from mixpress.client.engine import Engine
    from mixpress.queues.event_queue import EventQueue
    from mixpress.report.report import Progress, Report
    from mixpress.report.stats import Stats

CHUNK = 500
"""Events that an import reads from an async iterable in one step."""


class AsyncClient:
    """Sends events to one project, from an event loop.

        async with AsyncClient(ServiceAccount("user", "secret", project_id="123"), region="eu") as client:
            await client.track("Signed Up", "user-1", {"plan": "pro"})
            report = await client.import_events(events)

    The arguments, and the effects, results and exceptions of the methods, are those of `Client`. None of them blocks
    the loop. Cancelling a task that waits leaves nothing half done: an event was either accepted or not, and the next
    report has what a cancelled flush would have reported. Callbacks run on threads of the client, as for `Client`.
    """

    def __init__(self, auth: Auth, **settings: Any) -> None:
        self._client = Client(auth, **settings)
        self._waiter: asyncio.Task[None] | None = None

    @property
    def engine(self) -> Engine:
        """The engine behind the client, for mixpress's own adapters and commands. Its methods may change."""
        return self._client.engine

    async def track(
        self,
        event: str,
        distinct_id: str,
        properties: Mapping[str, object] | None = None,
        *,
        time: float | datetime | None = None,
        insert_id: str | None = None,
    ) -> Rejection | None:
        """`Client.track`. It yields to other tasks only if the queue is full and `on_full` is `"block"`."""
        now = self.engine.clock.time()
        return await self._add(compose(now, event, distinct_id, properties, time, insert_id))

    async def track_many(self, events: Iterable[object] | AsyncIterable[object]) -> dict[int, Rejection]:
        """`Client.track_many`; also accepts an async iterable."""
        found: dict[int, Rejection] = {}
        place = 0
        async for event in _each(events):
            rejection = await self._add(complete(self.engine.clock.time(), event))
            if rejection is not None:
                found[place] = rejection
            place += 1
        return found

    async def flush(self, timeout: float | None = None) -> Report:
        """`Client.flush`."""
        engine, cancelled = self.engine, threading.Event()
        await run_in_thread(partial(engine.wait_settled, timeout, cancelled), cancelled.set)
        return engine.report()

    async def import_events(
        self,
        events: Iterable[object] | AsyncIterable[object],
        on_progress: Callable[[Progress], object] | None = None,
    ) -> Report:
        """`Client.import_events`; also accepts an async iterable.

        An ordinary iterable is read on a thread beside the loop, where `on_progress` is called, too. Cancelling the
        task ends the import: the events without a confirmation are undelivered.
        """
        source = _Bridge(events) if isinstance(events, AsyncIterable) else events
        token = CancelToken()

        def stop() -> None:
            if isinstance(source, _Bridge):
                source.stop()
            token.cancel(None)

        return await run_in_thread(partial(import_events, self.engine, source, on_progress, cancel_token=token), stop)

    def stats(self) -> Stats:
        """`Client.stats`, which does not block."""
        return self._client.stats()

    async def close(self, timeout: float = 10.0) -> Report:
        """`Client.close`. Cancelling it gives up at once what is left."""
        engine, cancelled = self.engine, threading.Event()
        return await run_in_thread(partial(engine.close, timeout, cancelled), cancelled.set)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _add(self, event: object) -> Rejection | None:
        """Add the event on the loop's thread and on no other: a task that is cancelled has not added it."""
        engine = self.engine
        limits, clock = engine.options.queue, engine.clock
        ends: float | None = None
        while True:
            try:
                return engine.queue.add(event, wait=False)
            except QueueFull:
                if limits.on_full != "block":
                    raise
                if ends is None and limits.block_timeout is not None:
                    ends = clock.monotonic() + limits.block_timeout
                left = None if ends is None else ends - clock.monotonic()
                if left is not None and left <= 0:
                    raise
            await self._wait_for_room(engine.queue, left)

    async def _wait_for_room(self, queue: EventQueue, seconds: float | None) -> None:
        """Wait until there may be room, up to `seconds`. One thread waits for all tasks."""
        loop = asyncio.get_running_loop()
        if self._waiter is None or self._waiter.done() or self._waiter.get_loop() is not loop:
            stopped = threading.Event()
            self._waiter = loop.create_task(run_in_thread(partial(queue.wait_for_room, stopped), stopped.set))
        waiter = self._waiter
        await asyncio.wait([waiter], timeout=seconds)
        if waiter.done():
            waiter.result()


async def _each(events: Iterable[object] | AsyncIterable[object]) -> AsyncIterator[object]:
    if isinstance(events, AsyncIterable):
        async for event in events:
            yield event
    else:
        refuse_one(events)
        for event in events:
            yield event


class _Bridge:
    """Reads an async iterable from a thread beside its loop, some hundred events with each switch between the two."""

    def __init__(self, events: AsyncIterable[object]) -> None:
        self._events = events.__aiter__()
        self._loop = asyncio.get_running_loop()
        self._stopped = False
        self._raised: BaseException | None = None
        self._pending: Any = None

    def __iter__(self) -> Iterator[object]:
        while chunk := self._chunk():
            yield from chunk
        if self._raised:
            raise self._raised

    def stop(self) -> None:
        """Yield no more events. Called on the loop's thread."""
        self._stopped = True
        if self._pending is not None:
            self._pending.cancel()

    def _chunk(self) -> list[object]:
        if self._stopped or self._raised:
            return []
        self._pending = asyncio.run_coroutine_threadsafe(self._take(), self._loop)
        result: list[object] = self._pending.result()
        return result

    async def _take(self) -> list[object]:
        """Return the next events. If the iterable raises, return those before; the exception is raised after them."""
        chunk: list[object] = []
        try:
            while len(chunk) < CHUNK:
                chunk.append(await self._events.__anext__())
        except StopAsyncIteration:
            pass
        except Exception as error:  # noqa: BLE001 - raised where the events are read
            self._raised = error
        return chunk
