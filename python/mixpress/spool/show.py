"""Read what a spool contains, for `mixpress spool show` and for clients."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mixpress.errors import SpoolError
from mixpress.spool.connect import connect
from mixpress.spool.errors import explaining
from mixpress.spool.owner import Process
from mixpress.spool.schema import VERSION, version_of

if TYPE_CHECKING:
    import sqlite3

_BATCHES = """
SELECT count(*), ifnull(sum(count), 0), ifnull(sum(length(body)), 0), ifnull(sum(attempts), 0), min(accepted)
FROM batches WHERE state = ?
"""


@dataclass(frozen=True)
class SpoolStats:
    """What a spool contains at one moment. Sizes are in bytes, times in seconds."""

    path: str
    url: str | None
    """The URL that the file is bound to; None for an unbound file."""
    events: int
    """Events that are in no batch yet."""
    event_bytes: int
    """The JSON of those events."""
    batches: int
    """Batches that wait for a reply or for their next try, including `leased` ones."""
    batched: int
    """Events in those batches."""
    batch_bytes: int
    """The bodies of those batches."""
    attempts: int
    """Failed requests of those batches so far."""
    leased: int
    """Batches leased to running processes."""
    failed: int
    """Batches marked by `Spool.fail`."""
    failed_events: int
    """Events in those batches."""
    failed_reasons: dict[str, int]
    """Reason -> number of those batches."""
    quarantined: int
    """Rows, of events and of batches, that could not be read."""
    quarantine_reasons: dict[str, int]
    """Reason -> number of those rows."""
    sent: int
    """Batches with a request under way, or whose process ended during one, which may have been taken."""
    sent_events: int
    """Events in those batches."""
    oldest: float | None
    """Seconds since the oldest pending event was accepted; None where there is none."""
    processes: list[int]
    """The ids of the running processes that have the file open."""
    file_bytes: int
    """The size of the file and its write-ahead log."""

    @property
    def pending(self) -> int:
        """Events that wait for a verdict, in a batch or not, without those in `failed` batches."""
        return self.events + self.batched + self.sent_events

    def as_dict(self) -> dict[str, Any]:
        """Return all fields, and `pending`, in types that JSON has."""
        return asdict(self) | {"pending": self.pending}


def read_stats(db: sqlite3.Connection, path: str, now: float) -> SpoolStats:
    """Return the stats of an open spool, read in one transaction; `now` is in seconds since 1970."""
    db.execute("BEGIN")
    try:
        return _read_stats(db, path, now)
    finally:
        db.execute("COMMIT")


def show(path: str | os.PathLike[str], now: float) -> SpoolStats:
    """Return the stats of a spool without changing its file. `SpoolError` where it is not a spool or can't be read."""
    path = os.path.abspath(os.fspath(path))
    with explaining(path), closing(connect(path, read_only=True)) as db:
        version = version_of(db, path)
        if version != VERSION:
            raise SpoolError(_other_version(path, version), path, "version")
        return read_stats(db, path, now)


def is_empty(path: str) -> bool:
    """Return whether a spool holds nothing to send, without changing its file. Raises `SpoolError` as `show` does."""
    stats = show(path, 0.0) if os.path.getsize(path) else None
    return stats is None or not (stats.pending or stats.failed)


def _other_version(path: str, version: int | None) -> str:
    if version is None:
        return f"{path} is empty, and not a spool yet"
    return f"the spool {path} has the older version {version}; a client or `mixpress spool drain` migrates it"


def _read_stats(db: sqlite3.Connection, path: str, now: float) -> SpoolStats:
    url = db.execute("SELECT url FROM destination").fetchone()
    events, event_bytes, first = db.execute(
        "SELECT count(*), ifnull(sum(length(body)), 0), min(accepted) FROM events"
    ).fetchone()
    batches, batched, batch_bytes, attempts, oldest = db.execute(_BATCHES, ("waiting",)).fetchone()
    sent, sent_events, _, _, sent_oldest = db.execute(_BATCHES, ("sent",)).fetchone()
    failed, failed_events, *_ = db.execute(_BATCHES, ("failed",)).fetchone()
    running = _running(db, now)
    owned = db.execute("SELECT owner, count(*) FROM batches WHERE state = 'waiting' GROUP BY owner").fetchall()
    since = min((moment for moment in (first, oldest, sent_oldest) if moment is not None), default=None)
    return SpoolStats(
        path=path,
        url=url and url[0],
        events=events,
        event_bytes=event_bytes,
        batches=batches,
        batched=batched,
        batch_bytes=batch_bytes,
        attempts=attempts,
        leased=sum(count for owner, count in owned if owner in running),
        failed=failed,
        failed_events=failed_events,
        failed_reasons=dict(
            db.execute("SELECT ifnull(reason, ''), count(*) FROM batches WHERE state = 'failed' GROUP BY 1").fetchall()
        ),
        quarantined=db.execute("SELECT count(*) FROM quarantined").fetchone()[0],
        quarantine_reasons=dict(db.execute("SELECT reason, count(*) FROM quarantined GROUP BY 1").fetchall()),
        sent=sent,
        sent_events=sent_events,
        oldest=None if since is None else max(0.0, now - since),
        processes=sorted(set(running.values())),
        file_bytes=sum(os.path.getsize(name) for name in (path, f"{path}-wal") if os.path.exists(name)),
    )


def _running(db: sqlite3.Connection, now: float) -> dict[int, int]:
    """Return owner -> process id of the running processes."""
    here = Process.current()
    owners = db.execute("SELECT id, pid, started, boot, namespace, expires FROM owners").fetchall()
    return {
        owner: pid
        for owner, pid, started, boot, namespace, expires in owners
        if expires > now and not Process(pid, started, boot, namespace).is_gone(here)
    }
