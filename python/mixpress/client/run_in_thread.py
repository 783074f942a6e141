"""Run a blocking call on a daemon thread and await it."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


async def run_in_thread(function: Callable[[], Result], stop: Callable[[], object]) -> Result:
    """Return what `function` returns. If the task is cancelled, `stop` must end the call early, and its end is awaited.

    The thread is a separate daemon, so a blocked call keeps neither the loop nor the process from ending.
    """
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
        with suppress(RuntimeError):  # the loop is closed, and the result not awaited any more
            loop.call_soon_threadsafe(settle, result, raised)

    thread = threading.Thread(target=run, name="mixpress-call", daemon=True)
    thread.start()
    try:
        result = await asyncio.shield(future)
    except asyncio.CancelledError:
        if not future.done():
            stop()
            await asyncio.wait([future])
        if not future.cancelled():
            future.exception()  # marks it as retrieved, so that asyncio does not log it
        raise
    finally:
        if future.done():
            thread.join()  # it has nothing left to do
    return result
