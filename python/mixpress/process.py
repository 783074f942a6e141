"""A process and its end, and its children: every client's engine is flushed at the first, and left to the parent by
the second. No signal handler is installed.

A child of `os.fork` has copies of the parent's locks, some of them taken by threads that it does not have, and of
its sockets. So it touches none of them: each client gets an engine anew, which has no event in it.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
import weakref
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Forkable(Protocol):
    """A client: what begins anew in a child."""

    def _renew(self) -> None: ...


class Ending(Protocol):
    """An engine: what is flushed at the end."""

    def disown(self) -> None:
        """In a child: it is the parent's."""

    def begin_exit(self) -> None:
        """What is open goes on its way."""

    def end_exit(self, started: float) -> None:
        """Wait for it, until some seconds after `started`."""


Item = TypeVar("Item")


class Living(Generic[Item]):
    """Objects, for as long as somebody else holds them. No lock: each step is one operation on a dict."""

    def __init__(self) -> None:
        self._references: dict[int, weakref.ref[Item]] = {}

    def add(self, item: Item) -> None:
        """Know an object."""
        key, references = id(item), self._references
        references[key] = weakref.ref(item, lambda _: references.pop(key, None))

    def clear(self) -> None:
        """Know none."""
        self._references.clear()

    def __iter__(self) -> Iterator[Item]:
        return iter([item for reference in list(self._references.values()) if (item := reference()) is not None])


clients: Living[Forkable] = Living()
engines: Living[Ending] = Living()
_finalized: set[str] = set()


def flush_at_exit() -> None:
    """Flush every engine, all of them by deadlines that begin now."""
    started = time.monotonic()
    for engine in engines:
        engine.begin_exit()
    for engine in engines:
        engine.end_exit(started)


def expect_exit() -> None:
    """Called when there is something to flush. The children of multiprocessing, and of celery's fork of it, end
    without `atexit`, but call finalizers of their own.
    """
    for name in ("multiprocessing.util", "billiard.util"):
        module = sys.modules.get(name)
        if module is not None and name not in _finalized:
            _finalized.add(name)
            module.Finalize(None, flush_at_exit, exitpriority=-100)


def _begin_anew() -> None:
    _finalized.clear()
    for engine in engines:
        engine.disown()
    engines.clear()
    for client in clients:
        client._renew()


atexit.register(flush_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
