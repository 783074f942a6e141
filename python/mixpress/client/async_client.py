"""`AsyncClient`: a `Client` for programs with an event loop, over the same engine and its threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterable, Awaitable
from functools import partial
from typing import TYPE_CHECKING, Any, Optional

from mixpress._core import Rejection
from mixpress.client.client import Client
from mixpress.client.file_import import import_files, import_table
from mixpress.client.file_options import FileOptions, MaxErrors
from mixpress.client.import_run import import_events, refuse_one
from mixpress.client.lookup_tables import AsyncLookupTables
from mixpress.client.run_in_thread import run_in_thread
from mixpress.client.shared import SharedCalls
from mixpress.client.update_run import import_updates
from mixpress.errors import QueueFull
from mixpress.queues.event import complete, compose
from mixpress.send.job import CancelToken

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from collections.abc import Mapping as Members
    from datetime import datetime

    from typing_extensions import Self

    from mixpress.auth import Auth
    from mixpress.client.engine import Engine
    from mixpress.client.file_import import Paths
    from mixpress.files.formats import Format
    from mixpress.files.mapping import Mapping
    from mixpress.files.piece import Input
    from mixpress.queues.event_queue import EventQueue
    from mixpress.report.report import Progress, Report
    from mixpress.report.stats import Stats

CHUNK = 500
"""Events that an import reads from an async iterable in one step."""


class AsyncClient(SharedCalls[Awaitable[Optional[Rejection]]]):  # noqa: UP045 - as in `Client`
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
        self._engines = self._client._engines
        self._lookup_tables = AsyncLookupTables(self._client.lookup_tables)
        self._waiters: dict[EventQueue, asyncio.Task[None]] = {}

    def _take(self, engine: Engine, event: object) -> Awaitable[Rejection | None]:
        return self._add(engine, event)

    @property
    def lookup_tables(self) -> AsyncLookupTables:
        """The project's lookup tables: `await client.lookup_tables.list()`, and `replace(id, source)`."""
        return self._lookup_tables

    async def track(
        self,
        event: str,
        distinct_id: str | None = None,
        properties: Members[str, object] | None = None,
        *,
        time: float | datetime | None = None,
        insert_id: str | None = None,
    ) -> Rejection | None:
        """`Client.track`. It yields to other tasks only if the queue is full and `on_full` is `"block"`."""
        engine = self.engine
        return await self._add(engine, compose(engine.clock.time(), event, distinct_id, properties, time, insert_id))

    async def track_many(self, events: Iterable[object] | AsyncIterable[object]) -> dict[int, Rejection]:
        """`Client.track_many`; also accepts an async iterable."""
        found: dict[int, Rejection] = {}
        place = 0
        async for event in _each(events):
            engine = self.engine
            rejection = await self._add(engine, complete(engine.clock.time(), event))
            if rejection is not None:
                found[place] = rejection
            place += 1
        return found

    async def flush(self, timeout: float | None = None) -> Report:
        """`Client.flush`."""
        cancelled = threading.Event()
        await run_in_thread(partial(self._engines.wait_settled, timeout, cancelled), cancelled.set)
        return self._engines.report()

    async def import_events(
        self,
        events: Iterable[object] | AsyncIterable[object],
        on_progress: Callable[[Progress], object] | None = None,
    ) -> Report:
        """`Client.import_events`; also accepts an async iterable.

        An ordinary iterable is read on a thread beside the loop, where `on_progress` is called, too. Cancelling the
        task ends the import: the events without a confirmation are undelivered.
        """
        return await _import(partial(import_events, self.engine), events, on_progress)

    async def import_profiles(
        self,
        updates: Iterable[object] | AsyncIterable[object],
        on_progress: Callable[[Progress], object] | None = None,
    ) -> Report:
        """`Client.import_profiles`; also accepts an async iterable, as `import_events` does."""
        return await _import(partial(import_updates, self._engines.updates("engage")), updates, on_progress)

    async def import_groups(
        self,
        updates: Iterable[object] | AsyncIterable[object],
        on_progress: Callable[[Progress], object] | None = None,
    ) -> Report:
        """`Client.import_groups`; also accepts an async iterable, as `import_events` does."""
        return await _import(partial(import_updates, self._engines.updates("groups")), updates, on_progress)

    async def import_files(
        self,
        paths: Paths,
        *,
        mapping: Mapping | None = None,
        format: Format | None = None,
        state: str | os.PathLike[str] | None = None,
        dead_letter: str | os.PathLike[str] | None = None,
        on_progress: Callable[[Progress], object] | None = None,
        max_errors: int | str | None = None,
        limit: int | None = None,
        dry_run: bool = False,
    ) -> Report:
        """`Client.import_files`, on a thread beside the loop. Cancelling the task ends the import."""
        options = FileOptions(state, dead_letter, MaxErrors.of(max_errors), dry_run, limit)
        call = partial(import_files, self.engine_of(mapping), paths, mapping, format, options, on_progress)
        return await _read_in_thread(call)

    async def import_table(
        self,
        table: Any,
        *,
        mapping: Mapping | None = None,
        dead_letter: str | os.PathLike[str] | None = None,
        on_progress: Callable[[Progress], object] | None = None,
        max_errors: int | str | None = None,
        limit: int | None = None,
        dry_run: bool = False,
    ) -> Report:
        """`Client.import_table`, on a thread beside the loop. Cancelling the task ends the import."""
        options = FileOptions(None, dead_letter, MaxErrors.of(max_errors), dry_run, limit)
        return await _read_in_thread(
            partial(import_table, self.engine_of(mapping), table, mapping, options, on_progress)
        )

    def stats(self) -> Stats:
        """`Client.stats`, which does not block."""
        return self._client.stats()

    async def close(self, timeout: float = 10.0) -> Report:
        """`Client.close`. Cancelling it gives up at once what is left."""
        cancelled = threading.Event()
        return await run_in_thread(partial(self._engines.close, timeout, cancelled), cancelled.set)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _add(self, engine: Engine, event: object) -> Rejection | None:
        """Add the event on the loop's thread and on no other: a task that is cancelled has not added it."""
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
        waiter = self._waiters.get(queue)
        if waiter is None or waiter.done() or waiter.get_loop() is not loop:
            stopped = threading.Event()
            waiter = loop.create_task(run_in_thread(partial(queue.wait_for_room, stopped), stopped.set))
            self._waiters = {queue: waiter} | {other: task for other, task in self._waiters.items() if not task.done()}
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


async def _import(
    call: Callable[..., Report],
    events: Iterable[object] | AsyncIterable[object],
    on_progress: Callable[[Progress], object] | None,
) -> Report:
    """Run an import of an iterable. Cancelling it ends the reading and the sending."""
    source = _Bridge(events) if isinstance(events, AsyncIterable) else events
    token = CancelToken()

    def stop() -> None:
        if isinstance(source, _Bridge):
            source.stop()
        token.cancel(None)

    return await run_in_thread(partial(call, source, on_progress, cancel_token=token), stop)


async def _read_in_thread(call: Callable[..., Report]) -> Report:
    """Run an import of an input. Cancelling it ends the sending, and the reading even if that waits for a pipe."""
    token = CancelToken()
    inputs: list[Input] = []

    def stop() -> None:
        token.cancel(None)
        for source in inputs:
            source.stop("cancelled")

    return await run_in_thread(partial(call, cancel_token=token, opened=inputs.append), stop)


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
