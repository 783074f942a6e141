"""Let a fork wait for the host names that threads of this process resolve.

The C library's `getaddrinfo` takes locks that a fork copies as they are. A child that was forked while a thread held
one would wait for ever when it resolves its first name. So connections are opened within `resolving()`: a fork waits
for those that have begun, and new ones wait for the fork.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from threading import RLock, get_ident
from typing import TYPE_CHECKING

from mixpress import process
from mixpress.clock import REAL

if TYPE_CHECKING:
    from collections.abc import Iterator

FORK_TIMEOUT = 0.5
"""Seconds that a fork waits at most. A connection that takes longer waits for the network, and holds no lock then."""
_STEP = 0.001


class _Resolving:
    def __init__(self) -> None:
        self.gate = RLock()
        """Held during a fork."""
        self.threads: list[int] = []
        """Those that open a connection."""


_state = _Resolving()


@contextmanager
def resolving() -> Iterator[None]:
    """Hold off forks during the block."""
    state, thread = _state, get_ident()
    with state.gate:
        state.threads.append(thread)
    try:
        yield
    finally:
        state.threads.remove(thread)


def _before_fork() -> None:
    deadline = REAL.monotonic() + FORK_TIMEOUT
    _state.gate.acquire(timeout=FORK_TIMEOUT)
    while set(_state.threads) - {get_ident()} and REAL.monotonic() < deadline:
        time.sleep(_STEP)


def _after_fork_in_parent() -> None:
    with suppress(RuntimeError):  # another thread has held the gate for the whole of the wait
        _state.gate.release()


def _after_fork_in_child() -> None:
    global _state  # noqa: PLW0603 - the parent's has a lock in an unknown state
    _state = _Resolving()


process.on_unseen_fork.append(_after_fork_in_child)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
