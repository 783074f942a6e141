"""`AsyncClient`: `Client` for programs with an event loop. The engine is the same, and so are its threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from mixpress.client.client import Client, refuse_one
from mixpress.client.import_run import Import
from mixpress.client.run_in_thread import aside
from mixpress.errors import QueueFull
from mixpress.queues.event import complete, compose

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from typing_extensions import Self

    from mixpress._core import Rejection
    from mixpress.auth import Auth
    from mixpress.report.report import Progress, Report
    from mixpress.report.stats import Stats

CHUNK = 500
"""Events that an import takes out of an async iterable at one go."""

Result = TypeVar("Result")


class AsyncClient:
    """Sends events to one project, from an event loop.

        async with AsyncClient(ServiceAccount("user", "secret", project_id="123"), region="eu") as client:
            await client.track("Signed Up", "user-1", {"plan": "pro"})
            report = await client.import_events(events)

    Its arguments, and what its methods do, raise and return, are those of `Client`. None of them blocks the loop. A
    task that is cancelled while it waits leaves nothing half done: an event was either taken or not, and what a
    cancelled flush would have reported is in the next report. Callbacks run on threads of the client, as there.
    """

    def __init__(self, auth: Auth, **settings: Any) -> None:
        self._client = Client(auth, **settings)
        self._waiter: asyncio.Task[None] | None = None

    async def track(
        self,
        event: str,
        distinct_id: str,
        properties: Mapping[str, object] | None = None,
        *,
        time: float | datetime | None = None,
        insert_id: str | None = None,
    ) -> Rejection | None:
        """`Client.track`. It gives way to other tasks only where the queue is full and `on_full` is `"block"`."""
        now = self._client._clock.time()
        return await self._add(compose(now, event, distinct_id, properties, time, insert_id))

    async def track_many(self, events: Iterable[object] | AsyncIterable[object]) -> dict[int, Rejection]:
        """`Client.track_many`; also of an async iterable."""
        found: dict[int, Rejection] = {}
        place = 0
        async for event in _each(events):
            rejection = await self._add(complete(self._client._clock.time(), event))
            if rejection is not None:
                found[place] = rejection
            place += 1
        return found

    async def flush(self, timeout: float | None = None) -> Report:
        """`Client.flush`."""
        engine, cancelled = self._client._engine, threading.Event()
        await aside(lambda: engine.drain(timeout, cancelled), cancelled.set)
        return engine.report()

    async def import_events(
        self,
        events: Iterable[object] | AsyncIterable[object],
        on_progress: Callable[[Progress], object] | None = None,
    ) -> Report:
        """`Client.import_events`; also of an async iterable. An ordinary one is read on a thread beside the loop, where
        `on_progress` is called, too. Cancelling it ends the import: what was not confirmed counts as undelivered.
        """
        source = _Bridge(events) if isinstance(events, AsyncIterable) else events
        started: list[Import] = []

        def stop() -> None:
            if isinstance(source, _Bridge):
                source.stop()
            for run in started:
                run.stop()

        return await aside(lambda: self._client._import(source, on_progress, on_start=started.append), stop)

    def stats(self) -> Stats:
        """`Client.stats`; it waits for nothing."""
        return self._client.stats()

    async def close(self, timeout: float = 10.0) -> Report:
        """`Client.close`. Where it is cancelled, what is left is given up at once."""
        engine, cancelled = self._client._engine, threading.Event()
        return await aside(lambda: engine.close(timeout, cancelled), cancelled.set)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _add(self, event: object) -> Rejection | None:
        """The event is taken on the loop's thread, never on another: so a task that is cancelled did not take it."""
        engine = self._client._engine
        terms, clock = engine.settings.terms, engine.settings.clock
        ends: float | None = None
        while True:
            try:
                return engine.add(event, wait=False)
            except QueueFull:
                if terms.on_full != "block":
                    raise
                if ends is None and terms.block_timeout is not None:
                    ends = clock.monotonic() + terms.block_timeout
                left = None if ends is None else ends - clock.monotonic()
                if left is not None and left <= 0:
                    raise
            await self._room(left)

    async def _room(self, seconds: float | None) -> None:
        """Wait until there may be room again, or for so long. However many tasks do, one thread waits for them all."""
        loop = asyncio.get_running_loop()
        if self._waiter is None or self._waiter.done() or self._waiter.get_loop() is not loop:
            intake, stopped = self._client._engine.intake, threading.Event()
            self._waiter = loop.create_task(aside(lambda: intake.wait_for_room(stopped), stopped.set))
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
    """An async iterable, read from a thread beside its loop: some hundred events for each time that the two meet."""

    def __init__(self, events: AsyncIterable[object]) -> None:
        self._events = events.__aiter__()
        self._loop = asyncio.get_running_loop()
        self._stopped = False
        self._raised: BaseException | None = None
        self._meeting: Any = None

    def __iter__(self) -> Iterator[object]:
        while chunk := self._chunk():
            yield from chunk
        if self._raised:
            raise self._raised

    def stop(self) -> None:
        """Give no more. Called on the loop's thread."""
        self._stopped = True
        if self._meeting is not None:
            self._meeting.cancel()

    def _chunk(self) -> list[object]:
        if self._stopped or self._raised:
            return []
        self._meeting = asyncio.run_coroutine_threadsafe(self._take(), self._loop)
        result: list[object] = self._meeting.result()
        return result

    async def _take(self) -> list[object]:
        """The next events; where the iterable raises, those before, and the exception after them."""
        chunk: list[object] = []
        try:
            while len(chunk) < CHUNK:
                chunk.append(await self._events.__anext__())
        except StopAsyncIteration:
            pass
        except Exception as error:  # noqa: BLE001 - it is raised where the events are read
            self._raised = error
        return chunk
