"""SQL statements that move events into batches and transfer leases. Each function requires a transaction."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mixpress.errors import SpoolError
from mixpress.spool.stored import COLUMNS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from mixpress.spool.destination import Destination
    from mixpress.spool.stored import StoredBatch

LIVE = "(SELECT id FROM owners)"
FREE = f"(owner IS NULL OR owner NOT IN {LIVE})"

INSERT_EVENT = "INSERT INTO events (owner, number, accepted, body) VALUES (?, ?, ?, ?)"


@dataclass(frozen=True)
class EventRow:
    """An event that is in no batch yet."""

    id: int
    number: int
    accepted: float
    body: bytes

    @property
    def size(self) -> int:
        """Bytes of its JSON; 0 for a damaged row."""
        return len(self.body) if isinstance(self.body, bytes) else 0


@dataclass(frozen=True)
class Claim:
    """The events to pack: those of `owner` from row `first` on; those without a live owner where `owner` is None."""

    owner: int | None
    first: int = 0

    @property
    def where(self) -> str:
        """The SQL condition, with placeholders for `parameters`."""
        return "id >= ? AND " + (f"owner NOT IN {LIVE}" if self.owner is None else "owner = ?")

    @property
    def parameters(self) -> tuple[int, ...]:
        """The values for the placeholders in `where`."""
        return (self.first,) if self.owner is None else (self.first, self.owner)


def read_events(db: sqlite3.Connection, claim: Claim, most: int, most_bytes: int) -> list[EventRow]:
    """Return the oldest events of a claim: up to `most`, and up to `most_bytes` as a JSON array, but at least one."""
    query = f"SELECT id, number, accepted, body FROM events WHERE {claim.where} ORDER BY id LIMIT ?"  # noqa: S608
    rows: list[EventRow] = []
    size = 1
    for values in db.execute(query, (*claim.parameters, most)):
        row = EventRow(*values)
        size += row.size + 1
        if rows and size > most_bytes:
            break
        rows.append(row)
    return rows


def remove_events(db: sqlite3.Connection, claim: Claim, rows: Sequence[EventRow]) -> bool:
    """Delete the events; return False where some were gone already, and the transaction must be rolled back."""
    query = f"DELETE FROM events WHERE {claim.where} AND id <= ?"  # noqa: S608
    return db.execute(query, (*claim.parameters, rows[-1].id)).rowcount == len(rows)


def find_problem(body: object, *, thoroughly: bool) -> str:
    """Return why an event can't be sent; empty for a valid one. Only `thoroughly` parses it: what this process wrote
    needs no parser.
    """
    if not isinstance(body, bytes) or not (body.startswith(b"{") and body.endswith(b"}")):
        return "it is not a JSON object"
    if thoroughly:
        try:
            json.loads(body)
        except (ValueError, RecursionError) as error:
            return f"it is not JSON: {error}"
    return ""


def quarantine(db: sqlite3.Connection, kind: str, reason: str, body: object, *, found: float, count: int = 1) -> None:
    """Keep an unreadable row in the table `quarantined`, so that it does not block the queue."""
    db.execute(
        "INSERT INTO quarantined (found, kind, reason, count, body) VALUES (?, ?, ?, ?, ?)",
        (found, kind, reason, count, body),
    )


def insert_batch(db: sqlite3.Connection, batch: StoredBatch, owner: int) -> int:
    """Insert a batch, leased to `owner`, and return its row."""
    columns = COLUMNS.removeprefix("id, ")
    query = f"INSERT INTO batches (owner, {columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
    return int(db.execute(query, (owner, *batch.row())).lastrowid or 0)


def claim_batch(db: sqlite3.Connection, owner: int, before: float, states: Sequence[str]) -> tuple[object, ...] | None:
    """Lease the oldest free batch whose next try is due at `before`; return its row, or None where there is none."""
    marks = ", ".join("?" * len(states))
    query = f"SELECT {COLUMNS} FROM batches WHERE {FREE} AND state IN ({marks}) AND next_try <= ? ORDER BY id LIMIT 1"  # noqa: S608
    row: tuple[object, ...] | None = db.execute(query, (*states, before)).fetchone()
    if row is not None:
        # One that was sent stays marked until its verdict is entered: the process may die before.
        state = "CASE state WHEN 'sent' THEN 'sent' ELSE 'waiting' END"
        db.execute(f"UPDATE batches SET owner = ?, state = {state}, reason = NULL WHERE id = ?", (owner, row[0]))  # noqa: S608
    return row


def read_batch(db: sqlite3.Connection, number: int, owner: int) -> tuple[object, ...] | None:
    """Return the row of a batch that is leased to `owner`, or None."""
    query = f"SELECT {COLUMNS} FROM batches WHERE id = ? AND owner = ?"  # noqa: S608
    row: tuple[object, ...] | None = db.execute(query, (number, owner)).fetchone()
    return row


def bind(db: sqlite3.Connection, path: str, destination: Destination, *, force: bool) -> None:
    """Bind the file to a destination. Raise `SpoolError` where it is bound to another one, unless it is idle or `force`
    is set.
    """
    bound = db.execute("SELECT url, salt, project FROM destination").fetchone()
    if bound is not None:
        url, salt, project = bound
        if url == destination.url and project == destination.fingerprint(salt):
            return
        if not force and not _is_idle(db):
            other = f"{url}, not {destination.url}" if url != destination.url else f"another project of {url}"
            raise SpoolError(
                f"the events in the spool {path} are for {other}; drain it with the credentials and the region that "
                "they were accepted for (`mixpress spool drain`), or use another file",
                path,
                "destination",
            )
        db.execute("DELETE FROM destination")
    salt = os.urandom(16)
    db.execute("INSERT INTO destination VALUES (?, ?, ?)", (destination.url, salt, destination.fingerprint(salt)))


def _is_idle(db: sqlite3.Connection) -> bool:
    """Return whether the file has no events, no batches and no owners."""
    tables = ("events", "batches", "owners")
    return all(db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,) for table in tables)  # noqa: S608
