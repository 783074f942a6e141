"""AsyncClient: it never blocks the event loop, and a cancelled call leaves each event either taken or not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import pytest

from mixpress.client.async_client import AsyncClient
from mixpress.client.client import Client
from mixpress.clock import Clock
from mixpress.errors import AuthError, ImportInterrupted, QueueFull
from mixpress.transport import Request, Response
from support.clients import ACCOUNT
from support.events import bad, event, events, ids, small_batches
from support.replies import answer, refusing
from support.server import FakeServer, Hung, sent_all

Main = Callable[[], Coroutine[Any, Any, None]]


def made_of(server: FakeServer, **settings: Any) -> AsyncClient:
    """A client on the real clock, since an event loop has no other."""
    settings = {"linger": 1e9, "concurrency": 1, "clock": Clock()} | settings
    return AsyncClient(ACCOUNT, base_url="http://127.0.0.1:8400", transport=server, **settings)


async def request_reached(hung: Hung) -> None:
    """Wait until the hung server has a request, and every task has begun."""
    assert await asyncio.to_thread(hung.asked.wait, 10)
    await asyncio.sleep(0)  # from Python 3.14 on, a call that has already returned lets no other task run


def run(main: Main) -> None:
    asyncio.run(asyncio.wait_for(main(), 30))


def test_its_public_names_are_those_of_the_client() -> None:
    def names(of: type) -> set[str]:
        return {name for name in dir(of) if not name.startswith("_")}

    assert names(AsyncClient) == names(Client)


def test_events_are_tracked_flushed_and_imported() -> None:
    server = FakeServer()

    async def main() -> None:
        async with made_of(server) as made:
            assert await made.track("Signed Up", "user-1", {"plan": "pro"}) is None
            rejection = await made.track("Signed Up", "null")
            assert rejection is not None
            assert rejection.rule == "distinct-id-disallowed"
            found = await made.track_many([event(1), bad(2)])
            assert list(found) == [1]
            report = await made.flush()
            assert (report.total, report.imported, report.rejected) == (4, 2, 2)
            assert (await made.import_events(events(3))).imported == 3
            assert made.stats().imported == 5

    run(main)
    assert [one["event"] for one in sent_all(server)] == ["Signed Up", "Seen", "Seen", "Seen", "Seen"]


def test_leaving_the_async_with_block_flushes() -> None:
    server = FakeServer()

    async def main() -> None:
        async with made_of(server) as made:
            await made.track("A", "u")

    run(main)
    assert len(server.imported) == 1


async def numbered(count: int, error: Exception | None = None) -> AsyncIterator[Any]:
    for number in range(count):
        if number % 100 == 0:
            await asyncio.sleep(0)
        yield event(number)
    if error:
        raise error


def test_async_iterables_are_imported_and_tracked() -> None:
    server = FakeServer()

    async def main() -> None:
        async with made_of(server) as made:
            assert (await made.import_events(numbered(1234))).imported == 1234
            assert await made.track_many(numbered(10)) == {}
            assert (await made.flush()).imported == 10

    run(main)
    assert server.imported[:1234] == [f"event-{number}" for number in range(1234)]


def test_events_given_before_an_async_iterable_raised_are_delivered() -> None:
    async def main() -> None:
        async with made_of(FakeServer()) as made:
            with pytest.raises(ImportInterrupted, match="line 7 is odd") as caught:
                await made.import_events(numbered(7, ValueError("line 7 is odd")))
            assert caught.value.report is not None
            assert caught.value.report.imported == 7

    run(main)


def test_it_raises_the_errors_of_the_client() -> None:
    async def main() -> None:
        async with made_of(FakeServer(answer(401, {"error": "no"}))) as made:
            with pytest.raises(AuthError):
                await made.import_events(events(3))
            with pytest.raises(TypeError, match="put it in a list"):
                await made.import_events(event())
            with pytest.raises(TypeError, match="put it in a list"):
                await made.track_many(event())

    run(main)


def test_the_loop_runs_while_calls_wait() -> None:
    hung = Hung()

    async def main() -> None:
        async with made_of(FakeServer(hung), queue_size=2) as made:
            await made.track("A", "u")
            await made.track("A", "u")
            waiting = [asyncio.create_task(made.track("A", "u")), asyncio.create_task(made.flush())]
            await request_reached(hung)
            for _ in range(10):
                await asyncio.sleep(0.001)
            assert not any(task.done() for task in waiting)
            hung.go.set()
            await asyncio.gather(*waiting)
            await made.flush()
            assert made.stats().imported == 3

    run(main)


@pytest.mark.parametrize("on_full", ["block", "raise", "drop"])
def test_a_full_queue_does_as_on_full_says(on_full: str) -> None:
    hung = Hung()

    async def main() -> None:
        async with made_of(FakeServer(hung), queue_size=2, on_full=on_full, block_timeout=0.05) as made:
            await made.track("A", "u")
            await made.track("A", "u")
            if on_full == "drop":
                await made.track("A", "u")
                assert made.stats().dropped == 1
            else:
                with pytest.raises(QueueFull):
                    await made.track("A", "u")
            hung.go.set()
            assert (await made.flush()).imported == 2

    run(main)


# Cancelled calls


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_cancelled_track_has_not_taken_the_event() -> None:
    hung = Hung()

    async def main() -> None:
        async with made_of(FakeServer(hung), queue_size=1) as made:
            await made.track("A", "u")
            task = asyncio.create_task(made.track("B", "u"))
            await request_reached(hung)
            await cancelled(task)
            hung.go.set()
            assert (await made.flush()).imported == 1
            assert made.stats().accepted == 1

    run(main)


def test_the_next_flush_has_the_report_of_a_cancelled_one() -> None:
    hung = Hung()

    async def main() -> None:
        async with made_of(FakeServer(hung)) as made:
            await made.track("A", "u")
            await made.track("A", "null")
            task = asyncio.create_task(made.flush())
            await request_reached(hung)
            await cancelled(task)
            hung.go.set()
            report = await made.flush()
            assert (report.total, report.imported, report.rejected) == (2, 1, 1)

    run(main)


@pytest.mark.parametrize("asynchronous", [True, False])
def test_a_cancelled_import_ends_and_its_unconfirmed_events_are_undelivered(asynchronous: bool) -> None:
    asked, go = threading.Event(), threading.Event()
    after: list[str] = []

    def slow(request: Request) -> Response:
        asked.set()
        assert go.wait(10)
        after.extend(ids(request))
        return refusing(0)

    async def endless() -> AsyncIterator[Any]:
        number = 0
        while True:
            await asyncio.sleep(0)
            yield event(number)
            number += 1

    def endless_sync() -> Any:
        number = 0
        while True:
            yield event(number)
            number += 1

    async def main() -> None:
        made = made_of(FakeServer(slow), encoder=small_batches(10))
        task = asyncio.create_task(made.import_events(endless() if asynchronous else endless_sync()))
        assert await asyncio.to_thread(asked.wait, 10)
        asyncio.get_running_loop().call_later(0.05, go.set)
        await cancelled(task)
        stats = made.stats()
        assert stats.pending == 0
        assert stats.accepted == stats.imported + stats.refused + stats.undelivered
        assert (stats.imported, stats.refused) == (9, 1)
        assert stats.undelivered > 0
        await made.close()

    run(main)
    assert len(after) == 10


def test_a_cancelled_close_gives_up_what_is_queued() -> None:
    hung = Hung()
    server = FakeServer(hung)

    async def main() -> None:
        made = made_of(server, encoder=small_batches(1), on_failure=lambda _: hung.go.set())
        await made.track("A", "u")
        await made.track("A", "u")
        task: asyncio.Task[Any] = asyncio.create_task(made.close(timeout=60))
        await request_reached(hung)
        await cancelled(task)
        stats = made.stats()
        assert (stats.imported, stats.undelivered, stats.pending) == (1, 1, 0)
        assert len(server.requests) == 1

    run(main)


def test_one_thread_waits_for_room_for_all_tasks() -> None:
    hung = Hung()

    async def main() -> None:
        async with made_of(FakeServer(hung), queue_size=1) as made:
            await made.track("A", "u")
            tasks = [asyncio.create_task(made.track("A", "u")) for _ in range(50)]
            await request_reached(hung)
            assert sum(thread.name == "mixpress-call" for thread in threading.enumerate()) == 1
            hung.go.set()
            await asyncio.gather(*tasks)
            await made.flush()
            assert made.stats().imported == 51

    run(main)


def test_many_tasks_track_concurrently() -> None:
    server = FakeServer()

    async def main() -> None:
        async with made_of(server, queue_size=50, encoder=small_batches(20), concurrency=3) as made:

            async def one(name: str) -> None:
                for number in range(50):
                    await made.track("A", "u", {"$insert_id": f"{name}-{number}", "time": 1_700_000_000})

            tasks: list[Awaitable[None]] = [one(f"task{number}") for number in range(20)]
            await asyncio.gather(*tasks)
            report = await made.flush()
            assert report.imported == 1000

    run(main)
    assert len(set(server.imported)) == 1000
