"""`StateFile`: the SQLite file of a `State`, locked for this process, and its errors as sentences."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sqlite3
import weakref
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mixpress import process
from mixpress.errors import StateError
from mixpress.spool.connect import transact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mixpress.errors import StateErrorKind
    from mixpress.files.identity import Part

VERSION = 2
APPLICATION = 0x4D58_5354
"""`MXST`: marks the file as a state of mixpress, for `file` and for us."""
WAIT = 1.0
"""Seconds to wait for an import that is just ending."""
MODE = 0o600
SMALLEST = 512
"""Bytes of the smallest database."""
LOG_PAGES = 128
"""Pages of 4 kB from which the write-ahead log is copied into the file."""

_TABLES = f"""
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
CREATE TABLE salt (value BLOB NOT NULL);
CREATE TABLE import (part TEXT PRIMARY KEY, hash BLOB NOT NULL, description TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE file (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, size INTEGER, modified INTEGER);
CREATE TABLE piece (
    file INTEGER NOT NULL REFERENCES file,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    line INTEGER,
    digest BLOB NOT NULL,
    records INTEGER NOT NULL,
    events INTEGER NOT NULL,
    entered INTEGER NOT NULL,
    settled TEXT NOT NULL,
    sent TEXT NOT NULL,
    PRIMARY KEY (file, start)
) WITHOUT ROWID;
"""

TWICE = "the server keeps an event that is sent twice once, and $add and $append count twice"
_ADVICE: dict[StateErrorKind, str] = {
    "corrupt": "is damaged or not a state file of mixpress; name another file, or move it away to start again: "
    f"{TWICE}",
    "read-only": "can't be written to; check the owner and mode of it and its folder, and how the disk is mounted",
    "full": "has no room on its disk; free some space and import again: it goes on from what was recorded",
    "busy": "is in use by another import; wait until that has ended, or name another state file",
    "unopened": "can't be opened; it and its folder must exist and be readable and writable for this user",
    "io": "can't be used",
}
_KINDS_BY_TEXT: dict[str, StateErrorKind] = {
    "file is not a database": "corrupt",
    "malformed": "corrupt",
    "readonly": "read-only",
    "is full": "full",
    "locked": "busy",
    "unable to open": "unopened",
}
_KINDS_BY_ERRNO: dict[int, StateErrorKind] = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read-only",
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM), "unopened"),
}


_open: dict[sqlite3.Connection, weakref.ref[StateFile]] = {}
"""The connections of this process, and their owners. A forked child has copies without their lock: closing one would
remove the log that the parent writes, so none may be closed by being forgotten."""


class FileRow(NamedTuple):
    """A file as it was when its pieces were recorded."""

    id: int
    size: int | None
    modified: int | None


class PieceRow(NamedTuple):
    """What is recorded of a piece, apart from its file."""

    start: int
    end: int
    line: int | None
    """The line where the next piece begins, if a reader can start there."""
    digest: bytes
    records: int
    events: int
    entered: int
    """The first so many records: those of them that can't be sent have their verdict."""
    settled: list[tuple[int, int]]
    """Ranges of records with a final verdict, in order, that do not touch."""
    sent: list[tuple[int, int]]
    """Ranges of updates of profiles that must not be sent twice, and that the server may have taken."""


class StateFile:
    """An open state file. One thread at a time may use it. Raises `StateError`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._pid = os.getpid()
        _close_forgotten()
        with self._explaining():
            self._db = self._connect()
        _open[self._db] = weakref.ref(self)
        try:
            with self._explaining():
                self._prepare()
        except BaseException:
            self.close()
            raise

    @property
    def is_parents(self) -> bool:
        """Whether this is a child that was forked since the file was opened."""
        return os.getpid() != self._pid

    def _connect(self) -> sqlite3.Connection:
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE))
        if 0 < os.path.getsize(self.path) < SMALLEST:  # SQLite takes it for an empty file, and overwrites it
            raise sqlite3.DatabaseError("file is not a database")
        uri = f"{Path(self.path).absolute().as_uri()}?mode=rw"
        return sqlite3.connect(uri, uri=True, timeout=WAIT, isolation_level=None, check_same_thread=False)

    def _prepare(self) -> None:
        """Lock the file, and create its tables or check its version."""
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        [found] = self._db.execute("PRAGMA application_id").fetchone()
        [version] = self._db.execute("PRAGMA user_version").fetchone()
        [tables] = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if (found != APPLICATION and (tables or found)) or (found == APPLICATION and not tables):
            raise sqlite3.DatabaseError("file is not a database of mixpress: malformed")
        if found == APPLICATION and version != VERSION:
            raise self._other_version(version)
        self._db.execute("PRAGMA journal_mode = WAL").fetchall()
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        transact(self._db, self._create if found != APPLICATION else self._touch)

    def _create(self, db: sqlite3.Connection) -> None:
        for statement in filter(str.strip, _TABLES.split(";")):
            db.execute(statement)
        db.execute("INSERT INTO salt VALUES (?)", (os.urandom(16),))

    def _touch(self, db: sqlite3.Connection) -> None:
        """Write, so that a file that can't be written to is noticed before anything is sent."""
        db.execute(f"PRAGMA user_version = {VERSION}")

    def _other_version(self, version: int) -> StateError:
        if version > VERSION:
            says = f"was written by a newer mixpress (layout {version}, this one knows {VERSION}); upgrade mixpress"
        else:
            says = (
                f"was written by an older mixpress (layout {version}, this one writes {VERSION}); finish with that one"
            )
        return self.error("version", f"{says}, or name another state file: {TWICE}")

    def check_identity(self, identity: Mapping[str, Part]) -> None:
        """Record the identity of an import, or raise the error if the file belongs to another one."""
        with self._explaining():
            [salt] = self._db.execute("SELECT value FROM salt").fetchone()
            hashes = {part: hashlib.sha256(salt + value.text.encode()).digest() for part, value in identity.items()}
            stored = self._db.execute("SELECT part, hash, description FROM import").fetchall()
            if not stored:
                rows = [(part, hashes[part], identity[part].description) for part in identity]
                transact(self._db, _insert_import, rows)
        for part, known, description in stored:
            if hashes.get(part) != known:
                now = identity[part].description if part in identity else "none"
                differs = f"its {part} is {description}" + (f", this one's is {now}" if now != description else "")
                raise self.error(
                    "other-import",
                    f"belongs to another import: {differs if now != description else f'its {part} differs'}; "
                    "use the same settings, or name another state file",
                )

    def file(self, path: str, size: int | None, modified: int | None) -> tuple[FileRow, list[PieceRow]]:
        """Return the row of a file, which is made if there is none, and its pieces in order."""
        with self._explaining():
            self._db.execute(
                "INSERT INTO file (path, size, modified) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (path, size, modified),
            )
            row = FileRow(*self._db.execute("SELECT id, size, modified FROM file WHERE path = ?", (path,)).fetchone())
            pieces = self._db.execute(
                "SELECT start, end, line, digest, records, events, entered, settled, sent FROM piece WHERE file = ? "
                "ORDER BY start",
                (row.id,),
            ).fetchall()
        return row, [PieceRow(*values, _ranges(settled), _ranges(sent)) for *values, settled, sent in pieces]  # type: ignore[call-arg]

    def update_file(self, row: FileRow) -> None:
        """Record the size and the time of change of a file whose pieces were all compared."""
        with self._explaining():
            self._db.execute("UPDATE file SET size = ?, modified = ? WHERE id = ?", (row.size, row.modified, row.id))

    def write(self, pieces: Iterable[tuple[int, PieceRow]]) -> None:
        """Record these pieces, each with the id of its file, in one transaction."""
        rows = [(file, *row[:-2], json.dumps(row.settled), json.dumps(row.sent)) for file, row in pieces]
        with self._explaining():
            transact(self._db, _insert_pieces, rows)

    def remove(self, file: int, starts: Iterable[int]) -> None:
        """Forget pieces of a file."""
        with self._explaining():
            self._db.executemany("DELETE FROM piece WHERE file = ? AND start = ?", [(file, start) for start in starts])

    def close(self) -> None:
        """Close the file. Not in a forked child, which has no lock on it."""
        if not self.is_parents:
            self._db.close()
            _open.pop(self._db, None)

    def error(self, kind: StateErrorKind, says: str) -> StateError:
        """Return an error with the name of the file."""
        return StateError(f"the state file {self.path} {says}", self.path, kind)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Raise errors of SQLite and the system as `StateError`."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._explained(error) from error

    def _explained(self, error: sqlite3.Error | OSError) -> StateError:
        kind: StateErrorKind
        if isinstance(error, OSError):
            kind = _KINDS_BY_ERRNO.get(error.errno or 0, "io")
            quote = f"system: {error.strerror}"
        else:
            kind = next((kind for words, kind in _KINDS_BY_TEXT.items() if words in str(error)), "io")
            quote = f"SQLite: {error}"
        if kind in {"unopened", "io"} and os.path.isfile(self.path) and not os.access(self.path, os.W_OK):
            kind = "read-only"  # SQLite says only what it could not do
        if kind == "unopened" and os.path.isdir(self.path):
            return self.error(kind, "is a folder; name a file in it")
        return self.error(kind, f"{_ADVICE[kind]} ({quote})")


def _insert_import(db: sqlite3.Connection, rows: list[tuple[str, bytes, str]]) -> None:
    db.executemany("INSERT INTO import VALUES (?, ?, ?)", rows)


def _insert_pieces(db: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    db.executemany("INSERT OR REPLACE INTO piece VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _ranges(text: str) -> list[tuple[int, int]]:
    return [(first, last) for first, last in json.loads(text)]


def _close_forgotten() -> None:
    """Close the connections whose owner an interrupt kept from closing them."""
    for db, owner in list(_open.items()):
        if owner() is None and _open.pop(db, None) is not None:
            db.close()


def _keep_open() -> None:
    """Keep the parent's connections referenced for good, in a forked child: its end would close them."""
    if _open:
        import ctypes  # noqa: PLC0415 - rarely needed

        for db in _open:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(db))


process.on_unseen_fork.append(_keep_open)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_keep_open)
