"""Open a spool's file: two SQLite connections, and a descriptor of the write-ahead log for syncs.

Appends use a separate connection, so that an event does not wait while a batch is read. The journal mode is WAL with
`synchronous=NORMAL`: a commit is with the kernel when it returns, so it outlives the process, and `sync` brings it to
the disk. FULL would sync in each commit: 270 us an append instead of 13 (`benches/spool.py`). OFF takes 13 us too, as
neither syncs in a commit, but it also omits the sync at a checkpoint that protects the file from a power loss.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from mixpress._core import bracket
from mixpress.clock import REAL
from mixpress.spool.schema import PAGE_SIZE, VERSION, bring_up, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Result = TypeVar("Result")

BUSY = 10.0
"""Seconds to wait for another process's write transaction."""
LOG_BYTES = 8 << 20
"""Bytes from which the write-ahead log is checkpointed into the main file; it is then truncated to this size."""
MODE = 0o600

_opening = Lock()
_alone = bracket(_opening.acquire, _opening.release)


class Connections:
    """The open file of one process. SQLite requires that it is closed before a fork; each side opens its own."""

    def __init__(self, path: str) -> None:
        self.path = path
        with ExitStack() as opened:
            _alone(_make_private, path)
            self.reader = opened.enter_context(closing(connect(path)))
            _prepare(self.reader, path)
            self.writer = opened.enter_context(closing(connect(path)))
            self.cursor = self.writer.cursor()
            self._log = os.open(f"{path}-wal", os.O_RDONLY | os.O_CLOEXEC)
            opened.callback(os.close, self._log)
            sync_folder(path)
            self._opened = opened.pop_all()

    def sync(self) -> None:
        """Bring every commit to the disk. A second descriptor of the log is safe: SQLite holds no locks on it."""
        getattr(os, "fdatasync", os.fsync)(self._log)

    def log_is_long(self) -> bool:
        """Return whether a `checkpoint` is due."""
        return os.fstat(self._log).st_size > LOG_BYTES

    def checkpoint(self) -> None:
        """Copy the log into the main file, as far as no open read transaction prevents it."""
        self.reader.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Close everything. The last process to do so copies the log into the main file and removes it."""
        self._opened.close()


def _prepare(db: sqlite3.Connection, path: str) -> None:
    """Switch the file to WAL, and create or migrate its tables to this version."""
    if version_of(db, path) is None:
        db.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    _use_wal(db)
    if version_of(db, path) != VERSION:
        with transaction(db):
            bring_up(db, path)


def _use_wal(db: sqlite3.Connection) -> None:
    """Set the journal mode, with retries: SQLite's timeout does not apply where two processes set it at once."""
    until = REAL.monotonic() + BUSY
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or REAL.monotonic() > until:
                raise
            time.sleep(0.01)


def connect(path: str, *, read_only: bool = False) -> sqlite3.Connection:
    """Return a connection that any thread may use, one at a time. It never creates the file."""
    mode = "ro" if read_only else "rw"
    if (
        read_only
        and not os.access(os.path.dirname(os.path.abspath(path)), os.W_OK)
        and not os.path.exists(f"{path}-wal")
    ):
        mode = "ro&immutable=1"  # else SQLite would create a log even to read
    db = sqlite3.connect(
        f"{Path(path).absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA wal_autocheckpoint = 0")  # it would add two syncs to every 1000th append
        db.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
    except BaseException:  # these are the first reads: a file that is no database fails here
        db.close()
        raise
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Commit at the end, roll back on an error. IMMEDIATE takes the write lock first, so reads within are current."""
    try:
        db.execute("BEGIN IMMEDIATE")
        yield db
        db.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # SQLite may have rolled back by itself, as for a full disk
            db.execute("ROLLBACK")
        raise


def transact(db: sqlite3.Connection, step: Callable[..., Result], *values: object) -> Result:
    """Return what `step(db, *values)` returns, with everything that it changes in one transaction, as in `transaction`.
    An exception at any line, as out of a signal handler, rolls back.
    """
    return bracket(partial(db.execute, "BEGIN IMMEDIATE"), db.rollback)(_commit, db, step, *values)  # type: ignore[no-any-return]


def _commit(db: sqlite3.Connection, step: Callable[..., Result], *values: object) -> Result:
    result = step(db, *values)
    db.execute("COMMIT")
    return result


def _make_private(path: str) -> None:
    """Create the file, or restrict an existing one, with mode 0600, which SQLite copies to the log and its index.

    An existing file is not opened: closing a descriptor of it would drop the POSIX locks that another connection of
    this process holds.
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
    """Sync the file's folder: without its directory entry the file is lost."""
    folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
