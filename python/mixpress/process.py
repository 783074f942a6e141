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
_expected: set[str] = set()


def flush_at_exit() -> None:
    """Flush every engine, all of them by deadlines that begin now."""
    started = time.monotonic()
    for engine in engines:
        engine.begin_exit()
    for engine in engines:
        engine.end_exit(started)


def expect_exit() -> None:
    """Called when there will be something to flush, for processes that end without `atexit`: the children of
    multiprocessing call finalizers of their own, and those of celery's pool send a signal of celery's.
    """
    if (util := sys.modules.get("multiprocessing.util")) and "multiprocessing" not in _expected:
        _expected.add("multiprocessing")
        util.Finalize(None, flush_at_exit, exitpriority=-100)
    if (signals := sys.modules.get("celery.signals")) and "celery" not in _expected:
        _expected.add("celery")
        signals.worker_process_shutdown.connect(_flush_celery, weak=False)


def _flush_celery(**_: object) -> None:
    flush_at_exit()


def _begin_anew() -> None:
    _expected.clear()
    for engine in engines:
        engine.disown()
    engines.clear()
    for client in clients:
        client._renew()


# urllib3 takes the connections out of its pools in a `weakref.finalize`, and a request would wait for one for ever. All
# of these run together at the end, from where the first was made. So one is made here, and what follows comes before.
weakref.finalize(engines, lambda: None)
atexit.register(flush_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
