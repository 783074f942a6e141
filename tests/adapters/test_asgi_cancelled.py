"""A request that was answered is an event, whatever ends its task afterwards."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mixpress import Client
from mixpress.adapters.asgi import MixpressMiddleware
from mixpress.emulator import Emulator

SCOPE: dict[str, Any] = {"type": "http", "method": "GET", "path": "/"}


async def nothing(*_: Any) -> Any:
    return None


async def answer(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})
    await asyncio.sleep(30)


async def half_an_answer(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"do", "more_body": True})
    await asyncio.sleep(30)


def sync_user(_scope: Any) -> str:
    return "user"


async def async_user(_scope: Any) -> str:
    await asyncio.sleep(0.05)
    return "user"


async def cancelled(middleware: Any, times: int) -> None:
    task = asyncio.create_task(middleware(SCOPE, nothing, nothing))
    await asyncio.sleep(0.05)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    await asyncio.wait([task])
    assert task.cancelled()
    await asyncio.sleep(0.1)


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("user", [sync_user, async_user])
def test_a_task_that_is_cancelled_after_the_answer(client: Client, server: Emulator, user: Any, times: int) -> None:
    asyncio.run(cancelled(MixpressMiddleware(answer, client, distinct_id=user), times))
    client.flush()
    [event] = server.events()
    assert (event["properties"]["status"], event["properties"]["distinct_id"]) == (200, "user")


def test_a_request_that_was_not_answered_is_no_event(client: Client, server: Emulator) -> None:
    asyncio.run(cancelled(MixpressMiddleware(half_an_answer, client, distinct_id=sync_user), 1))
    client.flush()
    assert server.count() == 0


def test_a_cancellation_during_an_async_distinct_id(client: Client, server: Emulator) -> None:
    async def at_once(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    async def slow_user(_scope: Any) -> str:
        await asyncio.sleep(0.1)
        return "user"

    asyncio.run(cancelled(MixpressMiddleware(at_once, client, distinct_id=slow_user), 1))
    client.flush()
    assert server.count() == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_application_that_raises_behind_the_answer(
    client: Client, server: Emulator, error: type[BaseException]
) -> None:
    async def exits(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})
        raise error

    coroutine = MixpressMiddleware(exits, client, distinct_id=sync_user)(SCOPE, nothing, nothing)
    with pytest.raises(error):
        coroutine.send(None)
    client.flush()
    assert server.count() == 1
