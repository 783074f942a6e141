"""`Spool`: a durable queue in one SQLite file."""

from __future__ import annotations

import os
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Any

from mixpress._core import together
from mixpress.clock import Clock
from mixpress.spool import rows
from mixpress.spool.connect import transact
from mixpress.spool.errors import explained, explaining
from mixpress.spool.layout import Layout
from mixpress.spool.owner import LEASE, remove_dead_owners
from mixpress.spool.packing import Packer
from mixpress.spool.session import Session
from mixpress.spool.show import read_stats
from mixpress.spool.stored import from_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from typing_extensions import Self

    from mixpress.spool.destination import Destination
    from mixpress.spool.show import SpoolStats
    from mixpress.spool.stored import StoredBatch

SYNC_WITHIN = 0.05
"""Seconds from an append until its sync is due: half of the 100 ms that are promised; the rest is for the disk."""


class Spool:
    """A durable queue of events in the file `path`, created with mode 0600 if it does not exist.

        number = spool.append(event)       # survives the death of this process
        batch = spool.pack()               # the oldest events of this process, ready to be sent
        spool.settle(batch)                # removed, once the server has it

    `destination`: the endpoint and project of the events. A file bound to another one is a `SpoolError`, unless `force`
        is set. None, the default, neither binds nor checks the file.
    `layout`: the format of a batch's body; gzipped JSON by default.
    `max_events`, `max_bytes`: the most that one batch may contain, 2000 events and 9,500,000 bytes before gzip by
        default: /import takes 2000 events and 10 MB.
    `clock`: the time, for tests.
    `on_dirty`: called by an append that makes a sync due in `SYNC_WITHIN` seconds; it must be quick and must not raise.

    A thread must call `tend` as often as its return value asks for. Any number of processes may have the file open, and
    any number of threads may use this object. After a fork the child starts with no events; the parent keeps its own.
    Every method raises `SpoolError` where the file can't be used, and `ValueError` after `close`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        destination: Destination | None = None,
        force: bool = False,
        layout: Layout | None = None,
        max_events: int = 2000,
        max_bytes: int = 9_500_000,
        clock: Clock | None = None,
        on_dirty: Callable[[], object] | None = None,
    ) -> None:
        self.path = os.path.abspath(os.fspath(path))
        self._clock = clock or Clock()
        self._on_dirty = on_dirty
        self._session = Session(self.path, destination, self._clock)
        self._max_events, self._max_bytes = max_events, max_bytes
        self._packer = Packer(self._session, layout or Layout(), max_events, max_bytes)
        self._session.with_write_lock(partial(self._session.connected, force=force))

    # Append

    def append(self, event: bytes, *, then: Callable[[], object] = int) -> int:
        """Store the JSON of one event and return its number in this process, counted from 0.

        The event survives `kill -9` once this returns, and a power loss after the next `sync`. `then`, a function
        written in C, is called when it is stored: an exception out of a signal handler can't come between the two.
        """
        number, first = self._session.with_write_lock(self._append, event, then)
        if first and self._on_dirty:
            self._on_dirty()
        return number

    def _append(self, event: bytes, then: Callable[[], object]) -> tuple[int, bool]:
        session = self._session
        cursor = session.connections.cursor if session.connections and session.owner else session.connected().cursor
        number = session.next_number
        row = (session.owner, number, self._clock.time(), event)
        count = session.after_append(1, len(event))
        try:
            together(partial(cursor.execute, rows.INSERT_EVENT, row), count, then)
        except sqlite3.Error as error:
            raise explained(self.path, error) from error
        return number, session.note_first(cursor.lastrowid or 0, 1)

    def skip(self) -> None:
        """Use up a number without storing an event, for an event that was rejected."""
        self._session.with_write_lock(self._skip)

    def _skip(self) -> None:
        self._session.next_number += 1

    def recount(self) -> None:
        """Count the events in the file, after a call was cut short."""
        self._session.write(self._session.recount)

    def leased(self) -> StoredBatch | None:
        """Return the batch that the last `pack` or `take` leased, where that call was cut short."""
        session = self._session
        row = session.write(lambda db: rows.read_batch(db, session.leased, session.owner)) if session.leased else None
        return None if row is None else self._verified(row)

    def received(self) -> None:
        """Forget the batch that the last `pack` or `take` leased: it was returned."""
        self._session.leased = 0

    @property
    def given(self) -> int:
        """How many numbers of events were used up."""
        return self._session.next_number

    def append_many(self, events: Iterable[bytes]) -> range:
        """Store the JSON of some events, all or none, in one transaction, and return their numbers."""
        given, now, session = list(events), self._clock.time(), self._session

        def insert(db: sqlite3.Connection, start: int) -> list[int]:
            return [
                db.execute(rows.INSERT_EVENT, (session.owner, number, now, event)).lastrowid or 0
                for number, event in enumerate(given, start)
            ]

        def append(db: sqlite3.Connection) -> tuple[int, bool]:
            start = session.next_number
            inserted = transact(db, insert, start)
            session.after_append(len(given), sum(map(len, given)))()
            return start, bool(inserted) and session.note_first(inserted[0], len(given))

        start, first = session.write(append)
        if first and self._on_dirty:
            self._on_dirty()
        return range(start, start + len(given))

    @property
    def appended(self) -> int:
        """How many events this process has stored."""
        return self._session.appended

    @property
    def waiting(self) -> tuple[int, int]:
        """The number of this process's events that are in no batch yet, and the bytes of their JSON."""
        return self._session.events, self._session.bytes

    @property
    def is_full(self) -> bool:
        """Whether the waiting events make a full batch."""
        return self._session.events >= self._max_events or self._session.bytes >= self._max_bytes

    # Sync and lease

    @property
    def dirty(self) -> bool:
        """Whether a power loss now could lose an accepted event."""
        return self._session.synced < self._session.appended

    def sync(self) -> None:
        """Wait until every event appended before this call survives a power loss: at most one sync of the disk."""
        with explaining(self.path):
            self._session.with_sync_lock(self._sync)

    def _sync(self) -> None:
        session = self._session
        # No `write_lock`: its holder may be waiting for another process. The kernel has every counted event.
        appended, connections = session.appended, session.connections if session.owner else None
        if connections is None:
            connections = session.with_write_lock(session.connected)
        if session.synced < appended:
            started = self._clock.monotonic()
            connections.sync()
            vars(session).update(synced=appended, dirty_since=started)
        session.log_is_long = connections.log_is_long()

    def sync_if_due(self) -> float | None:
        """Sync if an event has waited `SYNC_WITHIN` seconds; return the seconds until the next sync is due, None where
        no event waits.
        """
        if self._sync_is_due_in() == 0:
            self.sync()
        return self._sync_is_due_in()

    def _sync_is_due_in(self) -> float | None:
        if not self.dirty:
            return None
        return max(0.0, self._session.dirty_since + SYNC_WITHIN - self._clock.monotonic())

    @property
    def log_is_long(self) -> bool:
        """Whether the write-ahead log was longer than 8 MiB at the last sync, so that `renew` will checkpoint it."""
        return self._session.log_is_long

    def renew(self) -> float:
        """Renew this process's lease if that is due, checkpoint a long log, and return the seconds until the next
        renewal.
        """
        session, now = self._session, self._clock.monotonic()
        if now >= session.lease_renewed + LEASE / 4 or now < session.lease_renewed:
            session.transact(session.register)
        if session.log_is_long:
            session.read(self._checkpoint)
            session.log_is_long = False
        return max(0.0, session.lease_renewed + LEASE / 4 - self._clock.monotonic())

    def _checkpoint(self, _reader: sqlite3.Connection) -> None:
        assert self._session.connections, "only a holder of `read_lock` closes them"
        self._session.connections.checkpoint()

    def tend(self) -> float:
        """Call `sync_if_due` and `renew`, which two threads may call instead; return the seconds until the next call is
        due. Where nothing waits for a sync, `on_dirty` reports when that changes.
        """
        self.sync_if_due()
        renewal, sync = self.renew(), self._sync_is_due_in()
        return renewal if sync is None else min(renewal, sync)

    # Batches

    def pack(self) -> StoredBatch | None:
        """Pack this process's oldest events into a batch leased to it; return None where there are none.

        One transaction replaces the events by the batch.
        """
        return self._packer.pack_own()

    def take(self, *, early: bool = False, failed: bool = False) -> StoredBatch | None:
        """Lease the oldest free batch, or pack free events into one; return None where there are neither. Events and
        batches are free once their process has closed the spool or died.

        `early`: include batches whose next try is not due. `failed`: include batches marked by `fail`.
        An unreadable row goes to quarantine, and the next row is taken.
        """
        states = ("waiting", "failed") if failed else ("waiting",)
        return self._take_batch(states, early=early) or self._packer.pack_free(self._clock.time())

    def take_sent(self) -> StoredBatch | None:
        """Lease the oldest free batch that is marked by `mark_sent`: its process ended during it. The mark stays."""
        return self._take_batch(("sent",), early=True)

    def _take_batch(self, states: Sequence[str], *, early: bool) -> StoredBatch | None:
        while True:
            row = self._session.transact(partial(self._claim, early=early, states=states))
            if row is None:
                return None
            batch = self._verified(row)
            if batch:
                return batch

    def _claim(self, db: sqlite3.Connection, *, early: bool, states: Sequence[str]) -> tuple[Any, ...] | None:
        session, now = self._session, self._clock.time()
        remove_dead_owners(db, session.owner, now)
        row: tuple[Any, ...] | None = rows.claim_batch(db, session.owner, float("inf") if early else now, states)
        if row is not None:
            session.leased = int(row[0])
        return row

    def _verified(self, row: Sequence[Any]) -> StoredBatch | None:
        """Return the batch of a leased row; None where the row is damaged and went to quarantine."""
        try:
            batch = from_row(row)
            batch.events()
        except (ValueError, TypeError, OverflowError) as error:
            self._session.transact(partial(self._quarantine, row=row, problem=str(error)))
            return None
        return batch

    def _quarantine(self, db: sqlite3.Connection, *, row: Sequence[Any], problem: str) -> None:
        db.execute("DELETE FROM batches WHERE id = ?", (row[0],))
        rows.quarantine(db, "batch", problem, row[-1], found=self._clock.time(), count=row[3])

    def settle(self, batch: StoredBatch) -> bool:
        """Remove a batch whose events all have a verdict. Return False where it was already gone."""
        return self._change("DELETE FROM batches WHERE id = ?", batch.id)

    def replace(self, batch: StoredBatch, parts: Sequence[StoredBatch]) -> list[StoredBatch]:
        """Replace a batch by parts of it, as from `split`, leased to this process. Return the parts with their rows; an
        empty list where the batch was already gone.
        """

        def exchange(db: sqlite3.Connection) -> list[StoredBatch]:
            if not db.execute("DELETE FROM batches WHERE id = ?", (batch.id,)).rowcount:
                return []
            return [part.at(rows.insert_batch(db, part, self._session.owner)) for part in parts]

        return self._session.transact(exchange)

    def retry(self, batch: StoredBatch, *, wait: float = 0.0, attempts: int = 1, keep: bool = False) -> bool:
        """Add `attempts` failed requests to a batch and free it for the next try in `wait` seconds; `keep` retains the
        lease. Return False where another process has taken the batch.
        """
        return self._change(
            "UPDATE batches SET attempts = attempts + ?, next_try = ?, owner = ? WHERE id = ? AND owner = ?",
            *(
                attempts,
                self._clock.time() + wait,
                self._session.owner if keep else None,
                batch.id,
                self._session.owner,
            ),
        )

    def fail(self, batch: StoredBatch, reason: str) -> bool:
        """Mark a batch as given up and free it; `take(failed=True)` returns it, `show` reports the reason. Return False
        where another process has taken it.
        """
        return self._change(
            "UPDATE batches SET state = 'failed', reason = ?, owner = NULL WHERE id = ? AND owner = ?",
            *(reason, batch.id, self._session.owner),
        )

    def mark_sent(self, batch: StoredBatch, *, sent: bool = True) -> bool:
        """Mark a batch as one with a request under way, durably, or remove the mark. `take` leaves a marked one, and
        `take_sent` returns it. Return False where another process has taken it.
        """
        state = "sent" if sent else "waiting"
        is_ours = self._change(
            "UPDATE batches SET state = ? WHERE id = ? AND owner = ?", state, batch.id, self._session.owner
        )
        with explaining(self.path):
            self._session.with_sync_lock(self._sync_log)
        return is_ours

    def _sync_log(self) -> None:
        if self._session.connections is not None:
            self._session.connections.sync()

    def release(self) -> None:
        """Free every batch that is leased to this process."""
        self._change("UPDATE batches SET owner = NULL WHERE owner = ?", self._session.owner)

    def stats(self) -> SpoolStats:
        """Return what the file contains, of all processes."""
        return self._session.read(lambda db: read_stats(db, self.path, self._clock.time()))

    def close(self) -> None:
        """Sync, free this process's events and batches for the next process that opens the file, and close it."""
        try:
            if self._session.owner:
                self.sync()
                self._session.transact(self._disown)
        except Exception:  # after any other, such as Ctrl-C, another call closes the file
            self._session.close()
            raise
        self._session.close()

    def _disown(self, db: sqlite3.Connection) -> None:
        db.execute("UPDATE batches SET owner = NULL WHERE owner = ?", (self._session.owner,))
        db.execute("DELETE FROM owners WHERE id = ?", (self._session.owner,))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _change(self, statement: str, *parameters: object) -> bool:
        return self._session.write(lambda db: db.execute(statement, parameters).rowcount > 0)
