"""`Spool`: a queue in one file, which what it accepted can't be lost from."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Any

from mixpress.clock import Clock
from mixpress.spool import rows
from mixpress.spool.connect import transaction
from mixpress.spool.errors import explained, explaining
from mixpress.spool.layout import Layout
from mixpress.spool.owner import LEASE
from mixpress.spool.packing import Packer
from mixpress.spool.session import Hold, bury
from mixpress.spool.show import read_stats
from mixpress.spool.stored import from_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from typing_extensions import Self

    from mixpress.spool.destination import Destination
    from mixpress.spool.show import SpoolStats
    from mixpress.spool.stored import StoredBatch

SYNC_WITHIN = 0.05
"""Seconds from an append to the sync that is due for it: half of what is promised, as the disk needs the rest."""


class Spool:
    """Events on their way, in the file `path`, which is made (mode 0600) where it is not there.

        number = spool.append(event)       # survives the death of this process
        batch = spool.pack()               # the oldest events of this process, ready to be sent
        spool.settle(batch)                # gone, once the server has it

    `destination`: whose events they are; a file that holds another's is a `SpoolError`, unless `force`. Without one the
        file is neither bound nor checked.
    `layout`: how batches are made of events.
    `max_events`, `max_bytes`: the most that goes into one batch, in bytes before gzip.
    `clock`: the time, for tests.
    `on_dirty`: called by the append that makes a sync due in `SYNC_WITHIN` seconds; it must be quick and not fail.

    Some thread must call `tend` when it asks to be called. Any number of processes may have the file open, and any
    number of threads use this object. After a fork the child starts with nothing of its own, and the parent keeps what
    it has. Every method raises `SpoolError` where the file can't be used.
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
        self._hold = Hold(self.path, destination, self._clock)
        self._max_events, self._max_bytes = max_events, max_bytes
        self._packer = Packer(self._hold, layout or Layout(), max_events, max_bytes)
        with self._hold.writing:
            self._hold.opened(force=force)

    # Accepting

    def append(self, event: bytes) -> int:
        """Store the JSON of one event, and give its number in this process, from 0 on.

        It survives `kill -9` when this returns, and a power loss after the next `sync`.
        """
        hold, clock = self._hold, self._clock
        with hold.writing:
            cursor = hold.connections.cursor if hold.connections and hold.owner else hold.opened().cursor
            number = hold.next_number
            try:
                cursor.execute(rows.INSERT_EVENT, (hold.owner, number, clock.time(), event))
            except sqlite3.Error as error:
                raise explained(self.path, error) from error
            first = hold.added(cursor.lastrowid or 0, len(event))
        if first and self._on_dirty:
            self._on_dirty()
        return number

    def skip(self) -> None:
        """Leave out a number, for an event that was not good enough to be stored."""
        with self._hold.writing:
            self._hold.next_number += 1

    def append_many(self, events: Iterable[bytes]) -> range:
        """Store some events, all or none, in a fraction of the time for each. Gives their numbers."""
        given, now, hold = list(events), self._clock.time(), self._hold
        with self._hold.changing() as db:
            start = hold.next_number
            with transaction(db):
                last = [
                    db.execute(rows.INSERT_EVENT, (hold.owner, number, now, event)).lastrowid or 0
                    for number, event in enumerate(given, start)
                ]
            first = [hold.added(row, len(event)) for row, event in zip(last, given, strict=True)]
        if any(first) and self._on_dirty:
            self._on_dirty()
        return range(start, start + len(given))

    @property
    def waiting(self) -> tuple[int, int]:
        """This process's events that are in no batch yet, and the bytes of their JSON."""
        return self._hold.events, self._hold.bytes

    @property
    def is_full(self) -> bool:
        """Whether they make a full batch."""
        return self._hold.events >= self._max_events or self._hold.bytes >= self._max_bytes

    # Keeping

    @property
    def dirty(self) -> bool:
        """Whether a power loss now could take something that was accepted."""
        return self._hold.synced < self._hold.changes

    def sync(self) -> None:
        """Wait until all that was accepted before this call survives a power loss: for one sync of the disk at most."""
        hold = self._hold
        with hold.syncing, explaining(self.path):
            # Without `writing`: who has it may be waiting for another process. What is counted is with the kernel.
            connections, changes = hold.connections if hold.owner else None, hold.changes
            if connections is None:
                with hold.writing:
                    connections, changes = hold.opened(), hold.changes
            if hold.synced < changes:
                began = self._clock.monotonic()
                connections.sync()
                hold.synced, hold.dirty_since = changes, began
            hold.log_is_long = connections.log_is_long()

    def sync_if_due(self) -> float | None:
        """Sync if an event has waited for it long enough; the seconds until one has, None where none waits."""
        if self._sync_is_due_in() == 0:
            self.sync()
        return self._sync_is_due_in()

    def _sync_is_due_in(self) -> float | None:
        if not self.dirty:
            return None
        return max(0.0, self._hold.dirty_since + SYNC_WITHIN - self._clock.monotonic())

    @property
    def log_is_long(self) -> bool:
        """Whether `renew` has a log to begin anew."""
        return self._hold.log_is_long

    def renew(self) -> float:
        """Tell the other processes that this one is there, and begin a long log anew; the seconds until it is due."""
        hold, now = self._hold, self._clock.monotonic()
        if now >= hold.heard + LEASE / 4 or now < hold.heard:
            with hold.changing() as db, transaction(db):
                hold.register(db)
        if hold.log_is_long:
            with hold.looking():
                assert hold.connections, "they are open, and closed by nobody who has not `reading`"
                hold.connections.checkpoint()
            hold.log_is_long = False
        return max(0.0, hold.heard + LEASE / 4 - self._clock.monotonic())

    def tend(self) -> float:
        """Do what is due: `sync_if_due` and `renew`, which two threads may do instead.

        Gives the seconds after which it wants to be called again; where there is nothing to sync, `on_dirty` says
        when that changes.
        """
        self.sync_if_due()
        wants, sync = self.renew(), self._sync_is_due_in()
        return wants if sync is None else min(wants, sync)

    # Handing out

    def pack(self) -> StoredBatch | None:
        """Make a batch of this process's oldest events, leased to it; None where there are none.

        In the file either the events are there or the batch is, at any moment.
        """
        return self._packer.pack_own()

    def take(self, *, early: bool = False, failed: bool = False) -> StoredBatch | None:
        """Lease the oldest batch that nobody has, or make one of the events that dead processes left; None where
        there is nothing of the kind.

        `early`: also one whose next try is not due. `failed`: also one that was given up.
        A row that can't be read is put into quarantine, and the next one is taken.
        """
        states = ("waiting", "failed") if failed else ("waiting",)
        while True:
            now = self._clock.time()
            with self._hold.changing() as db, transaction(db):
                bury(db, self._hold.owner, now)
                row = rows.claim_batch(db, self._hold.owner, float("inf") if early else now, states)
            if row is None:
                break
            batch = self._whole(row)
            if batch:
                return batch
        return self._packer.pack_free(self._clock.time())

    def _whole(self, row: Sequence[Any]) -> StoredBatch | None:
        """The batch of a row that this process has leased, if it can be read and is what it says."""
        try:
            batch = from_row(row)
            batch.events()
        except (ValueError, TypeError, OverflowError) as error:
            with self._hold.changing() as db, transaction(db):
                db.execute("DELETE FROM batches WHERE id = ?", (row[0],))
                rows.quarantine(db, "batch", str(error), row[-1], found=self._clock.time(), count=row[3])
            return None
        return batch

    def settle(self, batch: StoredBatch) -> bool:
        """Remove a batch whose events all have a verdict. False where it was not there any more."""
        return self._change("DELETE FROM batches WHERE id = ?", batch.id)

    def replace(self, batch: StoredBatch, parts: Sequence[StoredBatch]) -> list[StoredBatch]:
        """Put parts of a batch, as from `split`, in its place, leased as it was; none where it is there no more."""
        with self._hold.changing() as db, transaction(db):
            if not db.execute("DELETE FROM batches WHERE id = ?", (batch.id,)).rowcount:
                return []
            return [part.at(rows.insert_batch(db, part, self._hold.owner)) for part in parts]

    def retry(self, batch: StoredBatch, *, wait: float = 0.0, attempts: int = 1, keep: bool = False) -> bool:
        """Enter that `attempts` requests were made in vain, and give the batch back, to be taken in `wait` seconds;
        with `keep` it stays leased. False where another process has taken it since.
        """
        return self._change(
            "UPDATE batches SET attempts = attempts + ?, next_try = ?, owner = ? WHERE id = ? AND owner = ?",
            *(attempts, self._clock.time() + wait, self._hold.owner if keep else None, batch.id, self._hold.owner),
        )

    def fail(self, batch: StoredBatch, reason: str) -> bool:
        """Keep a batch that was given up, with the reason, for `show`. False where another process has taken it."""
        return self._change(
            "UPDATE batches SET state = 'failed', reason = ?, owner = NULL WHERE id = ? AND owner = ?",
            *(reason, batch.id, self._hold.owner),
        )

    def release(self) -> None:
        """Give back every batch that this process has."""
        self._change("UPDATE batches SET owner = NULL WHERE owner = ?", self._hold.owner)

    def stats(self) -> SpoolStats:
        """What is in the file, whoever put it there."""
        with self._hold.looking() as db:
            return read_stats(db, self.path, self._clock.time())

    def close(self) -> None:
        """Sync, and leave what is still in the file to whoever opens it next."""
        try:
            if self._hold.owner:
                self.sync()
                with self._hold.changing() as db, transaction(db):
                    db.execute("UPDATE batches SET owner = NULL WHERE owner = ?", (self._hold.owner,))
                    db.execute("DELETE FROM owners WHERE id = ?", (self._hold.owner,))
        finally:
            self._hold.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _change(self, statement: str, *parameters: object) -> bool:
        with self._hold.changing() as db:
            return db.execute(statement, parameters).rowcount > 0
