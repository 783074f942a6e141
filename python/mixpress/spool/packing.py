"""Pack waiting events into a batch in one transaction: the file has either the events or the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpress.spool.connect import transact
from mixpress.spool.rows import Claim, find_problem, insert_batch, quarantine, read_events, remove_events
from mixpress.spool.stored import pack

if TYPE_CHECKING:
    import sqlite3

    from mixpress.spool.layout import Layout
    from mixpress.spool.rows import EventRow
    from mixpress.spool.session import Session
    from mixpress.spool.stored import StoredBatch


class Packer:
    """Packs batches for one process. No lock is held during gzip, so appends continue."""

    def __init__(self, session: Session, layout: Layout, max_events: int, max_bytes: int) -> None:
        self._session = session
        self._layout = layout
        self._max_events = max_events
        self._max_bytes = max_bytes

    def pack_own(self) -> StoredBatch | None:
        """Pack the oldest events of this process; return None where there are none."""
        while self._session.events:
            batch = self._pack(Claim(self._session.owner, self._session.first_row or 0))
            if batch:
                return batch
        return None

    def pack_free(self, now: float) -> StoredBatch | None:
        """Pack the oldest events without a live owner; return None where there are none. They are numbered from 0, as
        they may come from several processes.
        """
        while True:
            if not self._session.read(lambda db: read_events(db, Claim(None), 1, self._max_bytes)):
                return None
            batch = self._pack(Claim(None), now)
            if batch:
                return batch

    def _pack(self, claim: Claim, now: float = 0.0) -> StoredBatch | None:
        """Pack the claim's oldest events; return None where none was valid or another process took some of them."""
        found = self._session.read(lambda db: read_events(db, claim, self._max_events, self._max_bytes))
        if not found:
            self._recount(claim)
            return None
        problems = [find_problem(row.body, thoroughly=claim.owner is None) for row in found]
        good = [row for row, problem in zip(found, problems, strict=True) if not problem]
        bad = [(row, problem) for row, problem in zip(found, problems, strict=True) if problem]
        batch = self._batch(good, own=claim.owner is not None)

        def replace(db: sqlite3.Connection) -> int:
            if not remove_events(db, claim, found):
                raise _TakenError
            for row, problem in bad:
                quarantine(db, "event", problem, row.body, found=now or row.accepted)
            self._session.leased = number = insert_batch(db, batch, self._session.owner) if batch else 0
            return number

        def replace_and_count(db: sqlite3.Connection) -> int:
            number = transact(db, replace)
            if claim.owner is not None:
                self._session.count_packed(len(found), sum(row.size for row in found), found[-1].id)
            return number

        try:
            number = self._session.write(replace_and_count)
        except _TakenError:
            self._recount(claim)
            return None
        return batch.at(number) if batch else None

    def _recount(self, claim: Claim) -> None:
        if claim.owner is not None:
            self._session.write(self._session.recount)

    def _batch(self, rows: list[EventRow], *, own: bool) -> StoredBatch | None:
        if not rows:
            return None
        indexes = _span([row.number for row in rows]) if own else range(len(rows))
        oldest = min(row.accepted for row in rows)
        return pack([row.body for row in rows], indexes, layout=self._layout, accepted=oldest)


class _TakenError(Exception):
    """Another process took some of the events after they were read; the transaction is rolled back."""


def _span(numbers: list[int]) -> range | list[int]:
    """Return the numbers as a range where they are consecutive, which is the usual case."""
    span = range(numbers[0], numbers[-1] + 1)
    return span if len(span) == len(numbers) else numbers
