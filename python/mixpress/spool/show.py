"""What is in a spool, for `mixpress spool show` and for a client's own figures."""

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
    """The content of a spool at one moment. Sizes are in bytes."""

    path: str
    url: str | None
    """Where its events go to; None of a file that is not bound."""
    events: int
    """Events that are in no batch yet."""
    event_bytes: int
    """Their JSON."""
    batches: int
    """Batches that wait for an answer or for their next try, `leased` ones included."""
    batched: int
    """Events in them."""
    batch_bytes: int
    """Their bodies."""
    attempts: int
    """Requests made with them so far, without success."""
    leased: int
    """Batches in the hands of running processes, and theirs to deliver."""
    failed: int
    """Batches that were given up."""
    failed_events: int
    failed_reasons: dict[str, int]
    """Why, and how many batches each."""
    quarantined: int
    """Events and batches that could not be read."""
    quarantine_reasons: dict[str, int]
    oldest: float | None
    """Seconds since the oldest event that waits was accepted; None where none waits."""
    processes: list[int]
    """The ids of the running processes that have it open."""
    file_bytes: int
    """On the disk, the log included."""

    @property
    def pending(self) -> int:
        """Events that wait, in a batch or not, without those that were given up."""
        return self.events + self.batched

    def as_dict(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return asdict(self) | {"pending": self.pending}


def read_stats(db: sqlite3.Connection, path: str, now: float) -> SpoolStats:
    """The content of an open spool; `now` is in seconds since 1970. All figures are of the same moment."""
    db.execute("BEGIN")
    try:
        return _read_stats(db, path, now)
    finally:
        db.execute("COMMIT")


def show(path: str | os.PathLike[str], now: float) -> SpoolStats:
    """The content of the spool in a file, which is only read. `SpoolError` where it is none, or can't be read."""
    path = os.path.abspath(os.fspath(path))
    with explaining(path), closing(connect(path, read_only=True)) as db:
        version = version_of(db, path)
        if version != VERSION:
            raise SpoolError(_other_version(path, version), path, "version")
        return read_stats(db, path, now)


def _other_version(path: str, version: int | None) -> str:
    if version is None:
        return f"{path} is empty, and no spool yet"
    return (
        f"the spool {path} is of the older version {version}: a client, or `mixpress spool drain`, brings it up to date"
    )


def _read_stats(db: sqlite3.Connection, path: str, now: float) -> SpoolStats:
    url = db.execute("SELECT url FROM destination").fetchone()
    events, event_bytes, first = db.execute(
        "SELECT count(*), ifnull(sum(length(body)), 0), min(accepted) FROM events"
    ).fetchone()
    batches, batched, batch_bytes, attempts, oldest = db.execute(_BATCHES, ("waiting",)).fetchone()
    failed, failed_events, *_ = db.execute(_BATCHES, ("failed",)).fetchone()
    running = _running(db, now)
    owned = db.execute("SELECT owner, count(*) FROM batches WHERE state = 'waiting' GROUP BY owner").fetchall()
    since = min((moment for moment in (first, oldest) if moment is not None), default=None)
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
        oldest=None if since is None else max(0.0, now - since),
        processes=sorted(set(running.values())),
        file_bytes=sum(os.path.getsize(name) for name in (path, f"{path}-wal") if os.path.exists(name)),
    )


def _running(db: sqlite3.Connection, now: float) -> dict[int, int]:
    """Owner -> process id, of those that are there."""
    here = Process.current()
    owners = db.execute("SELECT id, pid, started, boot, namespace, expires FROM owners").fetchall()
    return {
        owner: pid
        for owner, pid, started, boot, namespace, expires in owners
        if expires > now and not Process(pid, started, boot, namespace).is_gone(here)
    }
