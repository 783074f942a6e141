"""A call that blocks, beside an event loop: on a daemon thread of its own, which keeps neither loop nor process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

Result = TypeVar("Result")


async def aside(function: Callable[[], Result], stop: Callable[[], object]) -> Result:
    """What `function` gives. Where the task is cancelled, `stop` makes it end early, and its end is waited for."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)  # type: ignore[arg-type]
        else:
            future.set_exception(error)

    def run() -> None:
        result, raised = None, None
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001 - it is raised where the call is awaited
            raised = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, raised)

    thread = threading.Thread(target=run, name="mixpress-aside", daemon=True)
    thread.start()
    try:
        result = await asyncio.shield(future)
    except asyncio.CancelledError:
        if not future.done():
            stop()
            await asyncio.wait([future])
        if not future.cancelled():
            future.exception()  # it is not wanted, and must not be told of as never retrieved
        raise
    finally:
        if future.done():
            thread.join()  # it has nothing left to do
    return result
