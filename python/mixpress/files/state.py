"""`State`: which records of an import have their verdict, in one SQLite file, so that a later import can go on.

Each piece of a file has one row: the range of the file, a digest of it, and the ranges of its records whose verdict is
final (imported, rejected or refused). Undelivered events have none, and are sent again. A verdict is recorded after it
was entered, and a job ends after its verdicts are recorded: an import that is killed repeats at most the batches that
were under way, and the server recognises their events by `$insert_id`.

A commit is with the kernel when it returns, which is enough to survive `kill -9`. After a power loss the file is whole,
and may lack the last verdicts. The file is locked as long as it is open.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from mixpress._core import bracket
from mixpress.files.state_file import FileRow, PieceRow, StateFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mixpress.errors import StateError
    from mixpress.files.identity import Part
    from mixpress.files.piece import Piece

P = ParamSpec("P")
Result = TypeVar("Result")


@dataclass
class Entry:
    """What is known of a piece: by this import and by earlier ones."""

    file: int
    start: int
    end: int
    line: int | None = None
    digest: bytes = b""
    records: int = 0
    events: int = 0
    entered: int = 0
    """The first so many records: those of them that can't be sent have their verdict."""
    settled: list[tuple[int, int]] = field(default_factory=list)
    """Ranges of records with a final verdict, in order, that do not touch."""
    sent: list[tuple[int, int]] = field(default_factory=list)
    """Ranges of updates of profiles that must not be sent twice, and that the server may have taken."""

    @property
    def is_complete(self) -> bool:
        """Whether every event of the piece has a final verdict."""
        is_new = not self.digest  # and has no records before it is encoded
        return not is_new and self.entered == self.records and self.settled == [(0, self.records)] * bool(self.records)

    def covers(self, first: int, last: int) -> bool:
        """Return whether all these records have a final verdict."""
        return any(start <= first and last <= end for start, end in self.settled)

    def add(self, first: int, last: int) -> None:
        """Note the verdicts on a range of records."""
        merged: list[tuple[int, int]] = []
        for start, end in sorted([*self.settled, (first, last)]):
            if merged and start <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(end, merged[-1][1])
            elif start < end:
                merged.append((start, end))
        self.settled = merged
        self.sent = [one for one in self.sent if not self.covers(*one)]

    def row(self) -> PieceRow:
        """Return what the file has of it."""
        return PieceRow(
            self.start,
            self.end,
            self.line,
            self.digest,
            self.records,
            self.events,
            self.entered,
            list(self.settled),
            list(self.sent),
        )


class _File:
    """The file that is being read, and what is recorded of it."""

    def __init__(self, name: str, status: tuple[int, int] | None, row: FileRow, pieces: list[PieceRow]) -> None:
        self.name = name
        self.row = row
        self.pieces = pieces
        self.by_start = {piece.start: piece for piece in pieces}
        self.status = status
        self.is_unchanged = status is not None and status == (row.size, row.modified)
        """Whether the pieces need not be compared."""
        self.end = 0
        """Where the last piece that was read ends."""


class State:
    """The open state file of one import. `settle` and `mark_sent` may be called on any thread, the rest on that of the
    import. `of_updates`: what is sent twice may count twice, so nothing is forgotten that may have been sent.
    """

    def __init__(self, path: str | os.PathLike[str], identity: Mapping[str, Part], *, of_updates: bool = False) -> None:
        self._of_updates = of_updates
        self._restore = _RESTORE_UPDATES if of_updates else _RESTORE
        self._store = StateFile(os.fspath(path))
        self._file: _File | None = None
        self._waiting: deque[tuple[Entry, int, int]] = deque()
        lock = RLock()
        self._bracket = bracket(lock.acquire, lock.release)
        try:
            self._store.check_identity(identity)
        except BaseException:
            self._store.close()
            raise

    def _locked(self, step: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        """Call a step within the lock. Raises `RuntimeError` in a child that was forked since: another thread of the
        parent may have held the lock, and the file is the parent's.
        """
        if self._store.is_parents:
            raise RuntimeError("forked during this call; the call continues in the parent")
        return self._bracket(step, *args, **kwargs)

    def find(self, piece: Piece) -> Entry:
        """Return what is known of the next piece. Raises `StateError` if it is not as it was."""
        return self._locked(self._find, piece)

    def known(self, name: str, start: int) -> tuple[int, int] | None:
        """Return the end of the piece that begins here, and the line behind it, if it need not be read."""
        return self._locked(self._known, name, start)

    def _known(self, name: str, start: int) -> tuple[int, int] | None:
        file = self._turn_to(name)
        found = file.by_start.get(start) if file.is_unchanged else None
        if found is None or found.line is None or not Entry(file.row.id, *found).is_complete:
            return None
        return found.end, found.line

    def _turn_to(self, name: str) -> _File:
        if self._file is None or self._file.name != name:
            self._end_file()
            self._file = self._open(name)
        return self._file

    def _find(self, piece: Piece) -> Entry:
        file = self._turn_to(piece.file)
        file.end = piece.end
        found = file.by_start.get(piece.start)
        if found is not None and found.end == piece.end:
            if not file.is_unchanged and piece.digest() != found.digest:
                raise self._changed(piece)
            return Entry(file.row.id, *found)
        overlapping = [one for one in file.pieces if one.start < piece.end and one.end > piece.start]
        is_pipe = file.status is None and not self._of_updates  # it may be cut at other places each time
        if not overlapping or is_pipe:
            self._store.remove(file.row.id, [one.start for one in overlapping])
            return Entry(file.row.id, piece.start, piece.end)
        if found is None or found.end > piece.end or file.pieces[-1].end > piece.end:
            raise self._changed(piece)
        return self._grown(piece, found, overlapping)

    def _grown(self, piece: Piece, found: PieceRow, overlapping: list[PieceRow]) -> Entry:
        """Return the entry of a piece that was the last one of its file, which has grown. The last record may have been
        incomplete, so it is sent again.
        """
        if piece.digest(found.end) != found.digest:
            raise self._changed(piece)
        assert self._file is not None
        self._store.remove(self._file.row.id, [one.start for one in overlapping[1:]])
        kept = [(first, min(last, found.records - 1)) for first, last in found.settled]
        entry = Entry(self._file.row.id, piece.start, piece.end, entered=max(0, min(found.entered, found.records - 1)))
        for first, last in kept:
            entry.add(first, last)
        entry.sent = [*found.sent, *((last, last + 1) for first, last in kept if last == found.records - 1)]
        return entry

    def _open(self, name: str) -> _File:
        path, status = _identify(name)
        size, modified = status or (None, None)
        row, pieces = self._store.file(path, size, modified)
        if status is None or status != (row.size, row.modified):
            # Nothing is known of a piece without records, such as an empty array, which may have become longer.
            self._store.remove(row.id, [piece.start for piece in pieces if not piece.records])
            pieces = [piece for piece in pieces if piece.records]
        return _File(name, status, row, pieces)

    def end_of_file(self, name: str) -> None:
        """Note that a file was read to its end. Raises `StateError` if it is shorter than it was, or empty now."""
        self._locked(self._end_named, name)

    def _end_named(self, name: str) -> None:
        self._turn_to(name)
        self._end_file()

    def end_of_input(self) -> None:
        """Note that there is no more, as of a table. Raises `StateError` if it is shorter than it was."""
        self._locked(self._end_file)

    def _end_file(self) -> None:
        file, self._file = self._file, None
        if file is None or file.is_unchanged:
            return
        if file.pieces and file.pieces[-1].end > file.end:
            raise self._store.error(
                "changed",
                f"describes {file.name} up to {file.pieces[-1].end:,}, and it now ends at {file.end:,}; "
                f"{self._restore}",
            )
        if file.status is not None:
            self._store.update_file(FileRow(file.row.id, *file.status))

    def settle(self, entry: Entry, first: int, last: int) -> None:
        """Record the verdicts on these records of a piece. Threads that wait for each other share a transaction."""
        self._waiting.append((entry, first, last))
        self._locked(self._write)

    def mark_sent(self, entry: Entry, first: int, last: int, sent: bool) -> None:
        """Note that these updates, which must not be sent twice, are about to be sent, or that they were not taken."""
        self._locked(self._mark_sent, entry, (first, last), sent)

    def _mark_sent(self, entry: Entry, span: tuple[int, int], sent: bool) -> None:
        marks = [one for one in entry.sent if one != span]
        self._store.write([(entry.file, entry.row()._replace(sent=[*marks, span] if sent else marks))])
        entry.sent = [*marks, span] if sent else marks

    def _write(self) -> None:
        changed: dict[int, Entry] = {}
        while self._waiting:
            entry, first, last = self._waiting.popleft()
            entry.add(first, last)
            changed[id(entry)] = entry
        if changed:
            self._store.write([(entry.file, entry.row()) for entry in changed.values()])

    def close(self) -> None:
        """Close the file. Not in a forked child."""
        if not self._store.is_parents:
            self._locked(self._store.close)

    def _changed(self, piece: Piece) -> StateError:
        return self._store.error(
            "changed",
            f"describes another {piece.file}: it has changed between {piece.start:,} and {piece.end:,}; "
            f"{self._restore}",
        )


_RESTORE = "restore the file, or import it with another state file: the server keeps an event that is sent twice once"

_RESTORE_UPDATES = (
    "restore the file, or import it with another state file: that sends all updates again, and $add and $append "
    "count twice"
)


def _identify(name: str) -> tuple[str, tuple[int, int] | None]:
    """Return the full path of a file, and its size and time of change; what has none is compared by its content."""
    try:
        status = os.stat(name)
    except (OSError, ValueError):
        return name, None
    if not stat.S_ISREG(status.st_mode):
        return name, None
    return os.path.abspath(name), (status.st_size, status.st_mtime_ns)
