"""The state of one process in a spool: its connections, its row among the owners, and counters of its own events.

SQLite's file locks belong to a process, and a forked child would copy SQLite's records of them without the locks. So
every spool is closed before a fork, with no thread working in it, and each side opens its own connections at their next
use. The child starts with no events: those of the parent belong to the parent.
"""

from __future__ import annotations

import logging
import os
import weakref
from contextlib import ExitStack
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

from mixpress import process
from mixpress._core import bracket
from mixpress.errors import SpoolError
from mixpress.spool.connect import Connections, transact
from mixpress.spool.errors import explaining
from mixpress.spool.owner import LEASE, Process, remove_dead_owners
from mixpress.spool.rows import bind

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from mixpress.clock import Clock
    from mixpress.spool.destination import Destination

Result = TypeVar("Result")

logger = logging.getLogger("mixpress")

FORK_TIMEOUT = 30.0
"""Seconds that a fork waits for other threads to leave a spool: longer than they wait for another process (`BUSY`)."""


class Session:
    """The state of one process in one `Spool`.

    Three locks, always taken in this order: `sync_lock` guards the descriptor of the write-ahead log, `read_lock` the
    reader's connection, `write_lock` the writer's connection and the counters here. A sync takes the first alone.
    """

    def __init__(self, path: str, destination: Destination | None, clock: Clock) -> None:
        self.path = path
        self._destination = destination
        self._clock = clock
        self._closed = False
        self._reset()
        _sessions.add(self)

    def _reset(self) -> None:
        self.sync_lock, self.read_lock, self.write_lock = RLock(), RLock(), RLock()
        self.with_sync_lock = bracket(self.sync_lock.acquire, self.sync_lock.release)
        self.with_read_lock = bracket(self.read_lock.acquire, self.read_lock.release)
        self.with_write_lock = bracket(self.write_lock.acquire, self.write_lock.release)
        self.connections: Connections | None = None
        self.forked_unseen = False
        """Whether the process was forked while the connections were open."""
        self.owner = 0
        """The row in `owners`; 0 until this process has opened the file."""
        self.next_number = 0
        self.events = 0
        """Events of this process that are in no batch yet."""
        self.bytes = 0
        """Their JSON."""
        self.first_row: int | None = None
        """A row before which there are none of them."""
        self.leased = 0
        """The row of the batch that was leased last, until its job is known: the call may be cut short."""
        self.appended = 0
        self.synced = 0
        """How many of the `appended` events survive a power loss."""
        self.dirty_since = 0.0
        """When the oldest event that is not synced was appended."""
        self.log_is_long = False
        """Whether the last sync found the write-ahead log longer than `LOG_BYTES`."""
        self.lease_renewed = 0.0

    def write(self, step: Callable[[sqlite3.Connection], Result]) -> Result:
        """Return what `step` returns, called with the writer's connection, which one thread at a time may use."""
        with explaining(self.path):
            return self.with_write_lock(self._write, step)  # type: ignore[no-any-return]

    def _write(self, step: Callable[[sqlite3.Connection], Result]) -> Result:
        return step(self.connected().writer)

    def transact(self, step: Callable[[sqlite3.Connection], Result]) -> Result:
        """Return what `step` returns, called as by `write`, with all that it changes in one transaction."""
        return self.write(lambda db: transact(db, step))

    def read(self, step: Callable[[sqlite3.Connection], Result]) -> Result:
        """Return what `step` returns, called with the reader's connection: a long read does not delay an append."""
        with explaining(self.path):
            return self.with_read_lock(self._read, step)  # type: ignore[no-any-return]

    def _read(self, step: Callable[[sqlite3.Connection], Result]) -> Result:
        return step(self.with_write_lock(self.connected).reader)

    def connected(self, *, force: bool = False) -> Connections:
        """Return the connections, opened if necessary, with this process among the owners. Requires `write_lock`."""
        if self.connections is None:
            if self._closed:
                raise ValueError(f"the spool {self.path} is closed")
            if self.forked_unseen or self.path in _forked_paths:
                raise SpoolError(
                    f"the spool {self.path} was opened before a fork that Python did not see; open it in the child",
                    self.path,
                    "forked",
                )
            with explaining(self.path):
                self.connections = Connections(self.path)
        if not self.owner:
            try:
                self._enter(self.connections, force=force)
            except BaseException:
                self.disconnect()
                raise
        return self.connections

    def _enter(self, connections: Connections, *, force: bool) -> None:
        def enter(db: sqlite3.Connection) -> None:
            remove_dead_owners(db, self.owner, self._clock.time())
            if self._destination:
                bind(db, self.path, self._destination, force=force)
            self.register(db)

        with explaining(self.path):
            transact(connections.writer, enter)

    def register(self, db: sqlite3.Connection) -> None:
        """Add this process to the owners, or renew its lease. Requires a transaction."""
        me = Process.current()
        row = (self.owner or None, me.pid, me.started, me.boot, me.namespace, self._clock.time() + LEASE)
        cursor = db.execute(
            "INSERT OR REPLACE INTO owners (id, pid, started, boot, namespace, expires) VALUES (?, ?, ?, ?, ?, ?)", row
        )
        self.owner = self.owner or int(cursor.lastrowid or 0)
        self.lease_renewed = self._clock.monotonic()

    def after_append(self, count: int, size: int) -> Callable[[], None]:
        """Return what counts appended events in one step, which an exception can't cut short. Requires `write_lock`."""
        return partial(
            vars(self).update,
            next_number=self.next_number + count,
            events=self.events + count,
            bytes=self.bytes + size,
            appended=self.appended + count,
        )

    def note_first(self, row: int, count: int) -> bool:
        """Note the row of the first of `count` events after they were counted; return whether they are the first that
        wait for a sync. Requires `write_lock`.
        """
        if self.first_row is None:
            self.first_row = row
        if self.appended - self.synced == count:
            self.dirty_since = self._clock.monotonic()
            return True
        return False

    def count_packed(self, count: int, size: int, last_row: int) -> None:
        """Subtract the oldest events, up to `last_row`. Requires `write_lock`, held since they were removed: SQLite
        may reuse their rows for the next append.
        """
        left = self.events - count
        first = last_row + 1 if left else None
        vars(self).update(events=left, bytes=self.bytes - size, first_row=first)

    def recount(self, db: sqlite3.Connection) -> None:
        """Count the events in the file after another process took some of them, or a call was cut short. Requires
        `write_lock`.
        """
        events, size, first = db.execute(
            "SELECT count(*), ifnull(sum(length(body)), 0), min(id) FROM events WHERE owner = ?", (self.owner,)
        ).fetchone()
        vars(self).update(events=events, bytes=size, first_row=first)

    def disconnect(self) -> None:
        """Close the connections; the next use opens them again. Requires all three locks."""
        if self.connections:
            self.connections.close()
            self.connections = None

    def close(self) -> None:
        """Close the connections for good."""
        with explaining(self.path):
            self.with_sync_lock(self.with_read_lock, self.with_write_lock, self._close)

    def _close(self) -> None:
        self._closed, self.owner = True, 0
        self.disconnect()

    def acquire_locks(self, timeout: float) -> bool:
        """Take all three locks, waiting up to `timeout` seconds for each; return False, holding none, on a timeout, or
        in the middle of a step of this thread, as where a `__del__` forks: the parent goes on with that step.
        """
        locks = (self.sync_lock, self.read_lock, self.write_lock)
        if any(lock._is_owned() for lock in locks):  # type: ignore[attr-defined]
            return False
        with ExitStack() as taken:
            for lock in locks:
                if not lock.acquire(timeout=timeout):
                    return False
                taken.callback(lock.release)
            taken.pop_all()
        return True

    def release_locks(self) -> None:
        """Release all three locks."""
        for lock in (self.write_lock, self.read_lock, self.sync_lock):
            lock.release()

    def reset_in_child(self) -> Connections | None:
        """Forget the parent's state; return its connections if they were still open at the fork."""
        left = self.connections
        self._reset()
        self.forked_unseen = left is not None
        if left is not None:
            _forked_paths.add(self.path)
        return left


_sessions: weakref.WeakSet[Session] = weakref.WeakSet()
_locked: list[Session] = []
_forked_paths: set[str] = set()
"""Files that were open at the fork. Closing a second descriptor of one would release the locks that SQLite shares."""
_abandoned: list[object] = []
"""Connections that were open at the fork: the child must neither use nor close them, so it keeps them referenced."""


def _before_fork() -> None:
    for session in list(_sessions):
        if not session.acquire_locks(FORK_TIMEOUT):
            logger.warning("the spool %s is in use during a fork, and can't be used in the child", session.path)
            continue
        _locked.append(session)
        try:
            session.disconnect()
        except Exception as error:  # noqa: BLE001 - the fork goes on without
            logger.warning("the spool %s could not be closed before a fork: %s", session.path, error)


def _after_fork_in_parent() -> None:
    while _locked:
        _locked.pop().release_locks()


def _after_fork_in_child() -> None:
    _locked.clear()
    _abandoned.extend(filter(None, [session.reset_in_child() for session in list(_sessions)]))


process.on_unseen_fork.append(_after_fork_in_child)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
