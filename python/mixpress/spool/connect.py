"""A spool's file as one process has it open: two connections of SQLite, and a descriptor of the log that is synced.

Appending has a connection of its own, so that an event need not wait for a batch that is read. Both write ahead, with
`synchronous=NORMAL`: a commit is with the kernel when it returns, so it outlives the process, and `sync` brings it to
the disk. FULL would do that in each commit: 270 us an append, where NORMAL takes 13 (`benches/spool.py`). OFF takes 13
too, since neither syncs in a commit, and would leave out the sync that keeps the file whole over a power loss when the
log is begun anew.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from mixpress.spool.schema import PAGE_SIZE, VERSION, bring_up, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY = 10.0
"""Seconds to wait for another process that is writing."""
LOG_BYTES = 8 << 20
"""A log of more is written into the file proper, and begun anew, cut to this size."""
MODE = 0o600

_opening = Lock()


class Connections:
    """The open file. Closed before a fork and opened anew on both sides of it, as SQLite demands."""

    def __init__(self, path: str) -> None:
        self.path = path
        with ExitStack() as opened:
            with _opening:
                _make_private(path)
            self.back = opened.enter_context(closing(connect(path)))
            _prepare(self.back, path)
            self.appending = opened.enter_context(closing(connect(path)))
            self.cursor = self.appending.cursor()
            self.log = os.open(f"{path}-wal", os.O_RDONLY | os.O_CLOEXEC)
            opened.callback(os.close, self.log)
            sync_folder(path)
            self._opened = opened.pop_all()

    def sync(self) -> None:
        """Bring what was committed to the disk. The log has a descriptor of ours: SQLite keeps no locks on it."""
        getattr(os, "fdatasync", os.fsync)(self.log)

    def log_is_long(self) -> bool:
        """Whether it is time for `checkpoint`."""
        return os.fstat(self.log).st_size > LOG_BYTES

    def checkpoint(self) -> None:
        """Write the log into the file proper, as far as no reader is in the way."""
        self.back.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Close all. The last process to do so writes the log into the file, and removes it."""
        self._opened.close()


def _prepare(db: sqlite3.Connection, path: str) -> None:
    """Make the file what it must be: written ahead, with the tables of this version."""
    if version_of(db, path) is None:
        db.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    _write_ahead(db)
    if version_of(db, path) != VERSION:
        with transaction(db):
            bring_up(db, path)


def _write_ahead(db: sqlite3.Connection) -> None:
    """SQLite does not wait where two processes do this to a new file at once, so it is done again."""
    until = time.monotonic() + BUSY
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)


def connect(path: str, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection that any thread may use, one at a time. It never makes the file."""
    mode = "ro" if read_only else "rw"
    if (
        read_only
        and not os.access(os.path.dirname(os.path.abspath(path)), os.W_OK)
        and not os.path.exists(f"{path}-wal")
    ):
        mode = "ro&immutable=1"  # else SQLite would make a log even to read
    db = sqlite3.connect(
        f"{Path(path).absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA wal_autocheckpoint = 0")  # it would sync twice in whoever's append happens to be the 1000th
        db.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
    except BaseException:  # the first that reads the file finds out what it is
        db.close()
        raise
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing. The right to write is had from the start, so nothing read in it can be outdated."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
        db.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # SQLite may have rolled back by itself, as for a full disk
            db.execute("ROLLBACK")
        raise


def _make_private(path: str) -> None:
    """The file is there and its owner's alone. SQLite gives the log and its index the same mode.

    A file that is there is not opened: closing a descriptor of it would drop the locks that another connection of
    this process has.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE))
    except FileExistsError:
        for name in (path, f"{path}-wal", f"{path}-shm"):
            with suppress(OSError):
                mode = os.stat(name).st_mode
                if stat.S_ISREG(mode) and stat.S_IMODE(mode) & ~MODE:
                    os.chmod(name, stat.S_IMODE(mode) & MODE)
    else:
        sync_folder(path)


def sync_folder(path: str) -> None:
    """Bring the names of a file's folder to the disk: a file whose name is lost is lost."""
    folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
