"""A pool of daemon threads, which works until the process ends.

`ThreadPoolExecutor` refuses work once the interpreter shuts down, before the exit handlers that still send events.
"""

from __future__ import annotations

from concurrent.futures import Executor, Future
from contextlib import suppress
from queue import SimpleQueue
from threading import Semaphore, Thread
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")


class _Task(NamedTuple):
    future: Future[Any]
    run: Callable[[], Any]


class DaemonThreads(Executor):
    """At most `size` threads, started when they are needed. `submit` is called by one thread only."""

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._threads: list[Thread] = []
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._idle = Semaphore(1)
        self._start()  # during shutdown no thread can be started, and this one remains

    def submit(self, fn: Callable[..., _Result], /, *args: Any, **kwargs: Any) -> Future[_Result]:
        """Run a function on a thread."""
        future: Future[_Result] = Future()
        self._tasks.put(_Task(future, lambda: fn(*args, **kwargs)))
        if not self._idle.acquire(blocking=False) and len(self._threads) < self._size:
            with suppress(RuntimeError):  # no thread can be started: those that run do it later
                self._start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - the interface
        """End the threads after the tasks that wait."""
        for _ in self._threads:
            self._tasks.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _start(self) -> None:
        thread = Thread(target=self._work, name=f"{self._name}_{len(self._threads)}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            if task.future.set_running_or_notify_cancel():
                try:
                    task.future.set_result(task.run())
                except BaseException as error:  # noqa: BLE001 - it belongs to the caller
                    task.future.set_exception(error)
            del task
            self._idle.release()
