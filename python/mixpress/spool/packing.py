"""Events that wait become a batch: either they are in the file or it is, at any moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpress.spool.connect import transaction
from mixpress.spool.rows import Claim, insert_batch, quarantine, read_events, remove_events, what_is_wrong
from mixpress.spool.stored import pack

if TYPE_CHECKING:
    from mixpress.spool.layout import Layout
    from mixpress.spool.rows import EventRow
    from mixpress.spool.session import Hold
    from mixpress.spool.stored import StoredBatch


class Packer:
    """Makes batches for one process. The gzip is done with no lock held: appending goes on meanwhile."""

    def __init__(self, hold: Hold, layout: Layout, max_events: int, max_bytes: int) -> None:
        self._hold = hold
        self._layout = layout
        self._max_events = max_events
        self._max_bytes = max_bytes

    def pack_own(self) -> StoredBatch | None:
        """The process's oldest events."""
        while self._hold.first_row is not None:
            batch = self._pack(Claim(self._hold.owner, self._hold.first_row))
            if batch:
                return batch
        return None

    def pack_free(self, now: float) -> StoredBatch | None:
        """The oldest events that no process has. They are numbered from 0, as they may come from several."""
        while True:
            with self._hold.looking() as db:
                if not read_events(db, Claim(None), 1, self._max_bytes):
                    return None
            batch = self._pack(Claim(None), now)
            if batch:
                return batch

    def _pack(self, claim: Claim, now: float = 0.0) -> StoredBatch | None:
        """A batch of the claim's oldest events; None where there was no good one, or another process was faster."""
        with self._hold.looking() as db:
            found = read_events(db, claim, self._max_events, self._max_bytes)
        if not found:
            self._outrun(claim)
            return None
        reasons = [what_is_wrong(row.body, thoroughly=claim.owner is None) for row in found]
        good = [row for row, reason in zip(found, reasons, strict=True) if not reason]
        bad = [(row, reason) for row, reason in zip(found, reasons, strict=True) if reason]
        batch = self._batch(good, own=claim.owner is not None)
        with self._hold.changing() as db:
            try:
                with transaction(db):
                    if not remove_events(db, claim, found):
                        raise _OutrunError
                    for row, reason in bad:
                        quarantine(db, "event", reason, row.body, found=now or row.accepted)
                    number = insert_batch(db, batch, self._hold.owner) if batch else 0
            except _OutrunError:
                self._outrun(claim)
                return None
            if claim.owner is not None:
                self._hold.removed(len(found), sum(row.size for row in found), found[-1].id)
        return batch.at(number) if batch else None

    def _outrun(self, claim: Claim) -> None:
        if claim.owner is not None:
            with self._hold.changing() as db:
                self._hold.recount(db)

    def _batch(self, rows: list[EventRow], *, own: bool) -> StoredBatch | None:
        if not rows:
            return None
        indexes = _span([row.number for row in rows]) if own else range(len(rows))
        oldest = min(row.accepted for row in rows)
        return pack([row.body for row in rows], indexes, layout=self._layout, accepted=oldest)


class _OutrunError(Exception):
    """Another process has taken some of the events since they were read: nothing is changed."""


def _span(numbers: list[int]) -> range | list[int]:
    """A range where none is missing in between, which is nearly always."""
    span = range(numbers[0], numbers[-1] + 1)
    return span if len(span) == len(numbers) else numbers
