"""Flush clients at exit; give forked children fresh engines. No signal handler is installed.

A child of `os.fork` has copies of the parent's locks, some of them held by threads that it does not have, and of the
parent's sockets. It must touch none of them, so each client gets a new engine without events, and the old engine is
never used again.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import weakref
from functools import partial
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from mixpress._core import forget_brackets
from mixpress.clock import REAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


logger = logging.getLogger("mixpress")


class Forkable(Protocol):
    """An object with state that a forked child must replace."""

    def after_fork(self) -> None:
        """Replace the state, in a forked child."""


class Exitable(Protocol):
    """An engine, which is flushed when the process exits."""

    def disown(self) -> None:
        """Mark the engine as the parent's, in a forked child."""

    def start_exit(self) -> None:
        """Send what waits."""

    def finish_exit(self, started: float) -> None:
        """Wait until what waits is sent, within the engine's limit of seconds after `started`."""


Item = TypeVar("Item")


class WeakRegistry(Generic[Item]):
    """Objects that are alive. It has no lock: each step is one operation on a dict."""

    def __init__(self) -> None:
        self._references: dict[int, weakref.ref[Item]] = {}

    def add(self, item: Item) -> None:
        """Register an object; it leaves the registry after it was deleted.

        The references have no callback: an exception out of a signal handler that came in one would be swallowed.
        """
        for key, reference in list(self._references.items()):
            if reference() is None:
                self._references.pop(key, None)
        self._references[id(item)] = weakref.ref(item)

    def clear(self) -> None:
        """Forget every object."""
        self._references.clear()

    def __iter__(self) -> Iterator[Item]:
        return iter([item for reference in list(self._references.values()) if (item := reference()) is not None])


clients: WeakRegistry[Forkable] = WeakRegistry()
engines: WeakRegistry[Exitable] = WeakRegistry()
on_unseen_fork: list[Callable[[], object]] = []
"""Called in a child of a fork that ran no hooks, before the clients are replaced."""
_hooked: set[str] = set()
"""The libraries whose exit hooks were installed."""


class _State:
    """Where this process is in its life."""

    pid = os.getpid()
    ending: float | None = None
    """When the exit of the interpreter began; None before. No thread may start then, from Python 3.12 on."""


state = _State()


def flush_at_exit() -> None:
    """Flush every engine. The time limits of all engines run from now. Trouble of one is logged; the others go on."""
    notice_fork()
    started = REAL.monotonic()
    for engine in engines:
        _guarded(engine.start_exit)
    for engine in engines:
        _guarded(partial(engine.finish_exit, started))


def _guarded(step: Callable[[], object]) -> None:
    try:
        step()
    except Exception:
        logger.exception("a client could not be flushed at exit")


def _end() -> None:
    state.ending = REAL.monotonic()
    flush_at_exit()


def notice_fork() -> None:
    """Replace the clients in a child of a fork that ran no hooks of Python, as uWSGI's."""
    if state.pid != os.getpid():
        for step in on_unseen_fork:
            step()
        _after_fork_in_child()


def expect_exit() -> None:
    """Install exit hooks for processes that end without `atexit`. Called when there will be something to flush.

    Children of multiprocessing call finalizers of their own, and those of celery's pool send a celery signal.
    """
    if (util := sys.modules.get("multiprocessing.util")) and "multiprocessing" not in _hooked:
        _hooked.add("multiprocessing")
        util.Finalize(None, flush_at_exit, exitpriority=-100)
    if (signals := sys.modules.get("celery.signals")) and "celery" not in _hooked:
        _hooked.add("celery")
        signals.worker_process_shutdown.connect(_flush_celery, weak=False)


def _flush_celery(**_: object) -> None:
    flush_at_exit()


def _after_fork_in_child() -> None:
    state.pid = os.getpid()
    forget_brackets()
    _hooked.clear()
    for engine in engines:
        engine.disown()
    engines.clear()
    for client in clients:
        client.after_fork()


# urllib3 empties its pools in a `weakref.finalize`, after which a request would wait for a connection for ever. At exit
# all finalizers run together, in place of the first one that was made. This makes one here, so that `flush_at_exit`,
# which is registered after it, runs before all of them.
weakref.finalize(engines, lambda: None)
atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
