"""What one process has of a spool: its connections, the owner that it is, and where its own events stand in the file.

A forked child has nothing of its parent's: connections are closed before a fork, as SQLite's locks are a process's and
its books of them would be copied wrong, and each side opens its own when it next needs them (`fork.py`).
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from threading import RLock
from typing import TYPE_CHECKING

from mixpress.errors import SpoolError
from mixpress.spool import fork
from mixpress.spool.connect import Connections, transaction
from mixpress.spool.errors import explaining
from mixpress.spool.owner import LEASE, Process
from mixpress.spool.rows import bind

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from mixpress.clock import Clock
    from mixpress.spool.destination import Destination


class Hold:
    """The state of one process in one `Spool`.

    Three locks, taken in this order: `syncing`, for the log's descriptor; `reading`, for the connection in the back;
    `writing`, for the one that changes the file, and for what is counted here. A sync takes the first alone.
    """

    def __init__(self, path: str, destination: Destination | None, clock: Clock) -> None:
        self.path = path
        self._destination = destination
        self._clock = clock
        self._closed = False
        self._begin()
        fork.watch(self)

    def _begin(self) -> None:
        self.syncing, self.reading, self.writing = RLock(), RLock(), RLock()
        self.connections: Connections | None = None
        self.forked_unseen = False
        self.owner = 0
        """The row in `owners`; 0 before the file was first opened by this process."""
        self.next_number = 0
        self.events = 0
        """Its events that are in no batch yet; `bytes` of JSON, the oldest in `first_row`."""
        self.bytes = 0
        self.first_row: int | None = None
        self.changes = 0
        """Events appended, of which `synced` are safe from a power loss; the oldest other one since `dirty_since`."""
        self.synced = 0
        self.dirty_since = 0.0
        self.log_is_long = False
        """Whether the last sync found it so."""
        self.heard = 0.0
        """When its lease was last prolonged."""

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """The connection for whoever writes, which is one thread at a time."""
        with self.writing, explaining(self.path):
            yield self.opened().appending

    @contextmanager
    def looking(self) -> Iterator[sqlite3.Connection]:
        """The connection for who only reads, and keeps no event waiting by it."""
        with self.reading, explaining(self.path):
            with self.writing:
                connections = self.opened()
            yield connections.back

    def opened(self, *, force: bool = False) -> Connections:
        """The connections, with this process among the owners. Within `writing`."""
        if self.connections is None:
            if self._closed:
                raise ValueError(f"the spool {self.path} is closed")
            if self.forked_unseen:
                raise SpoolError(
                    f"the spool {self.path} was open when this process was forked by something that Python does not "
                    "see: open it in the child",
                    self.path,
                    "forked",
                )
            with explaining(self.path):
                self.connections = Connections(self.path)
        if not self.owner:
            try:
                self._enter(self.connections, force=force)
            except BaseException:
                self.hang_up()
                raise
        return self.connections

    def _enter(self, connections: Connections, *, force: bool) -> None:
        with explaining(self.path), transaction(connections.appending) as db:
            bury(db, self.owner, self._clock.time())
            if self._destination:
                bind(db, self.path, self._destination, force=force)
            self.register(db)

    def register(self, db: sqlite3.Connection) -> None:
        """Enter this process among the owners, or prolong its lease. Within a transaction."""
        me = Process.current()
        row = (self.owner or None, me.pid, me.started, me.boot, me.namespace, self._clock.time() + LEASE)
        cursor = db.execute(
            "INSERT OR REPLACE INTO owners (id, pid, started, boot, namespace, expires) VALUES (?, ?, ?, ?, ?, ?)", row
        )
        self.owner = self.owner or int(cursor.lastrowid or 0)
        self.heard = self._clock.monotonic()

    def added(self, row: int, size: int) -> bool:
        """Count an event that was appended; whether it is the first that waits for a sync. Within `writing`."""
        self.next_number += 1
        self.events += 1
        self.bytes += size
        self.changes += 1
        if self.first_row is None:
            self.first_row = row
        if self.changes - self.synced == 1:
            self.dirty_since = self._clock.monotonic()
            return True
        return False

    def removed(self, count: int, size: int, last_row: int) -> None:
        """Count the oldest events out, up to a row. Within `writing`, so that no row is given again meanwhile."""
        self.events -= count
        self.bytes -= size
        self.first_row = last_row + 1 if self.events else None

    def recount(self, db: sqlite3.Connection) -> None:
        """See anew which events are left, where another process took some. Within `writing`."""
        self.events, self.bytes, self.first_row = db.execute(
            "SELECT count(*), ifnull(sum(length(body)), 0), min(id) FROM events WHERE owner = ?", (self.owner,)
        ).fetchone()

    def hang_up(self) -> None:
        """Close the connections; they are opened again when they are needed. With all locks taken."""
        connections, self.connections = self.connections, None
        if connections:
            connections.close()

    def close(self) -> None:
        """Close the connections for good."""
        with self.syncing, self.reading, self.writing, explaining(self.path):
            self._closed, self.owner = True, 0
            self.hang_up()

    def take_all_locks(self, patience: float) -> bool:
        """Let every other thread end what it does here; False where one does not, in `patience` seconds."""
        with ExitStack() as taken:
            for lock in (self.syncing, self.reading, self.writing):
                if not lock.acquire(timeout=patience):
                    return False
                taken.callback(lock.release)
            taken.pop_all()
        return True

    def release_all_locks(self) -> None:
        """The counterpart."""
        for lock in (self.writing, self.reading, self.syncing):
            lock.release()

    def begin_anew(self) -> Connections | None:
        """In a forked child: have nothing. Gives the parent's connections, if they could not be closed before."""
        left = self.connections
        self._begin()
        self.forked_unseen = left is not None
        return left


def bury(db: sqlite3.Connection, me: int, now: float) -> None:
    """Strike out the owners that are gone or not heard of any more; what they had is free. Within a transaction."""
    here = Process.current()
    others = "SELECT id, pid, started, boot, namespace, expires FROM owners WHERE id != ?"
    for owner, pid, started, boot, namespace, expires in db.execute(others, (me,)).fetchall():
        if expires <= now or Process(pid, started, boot, namespace).is_gone(here):
            db.execute("DELETE FROM owners WHERE id = ?", (owner,))
