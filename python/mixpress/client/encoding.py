"""`EncodingThreads`: encode pieces of an input while its caller reads the next ones and the workers send."""

from __future__ import annotations

import threading
import weakref
from queue import SimpleQueue
from typing import TYPE_CHECKING

from mixpress.flag import Flag

if TYPE_CHECKING:
    from mixpress._core import Batch, Encoder, Rejection
    from mixpress.files.mapper import Mapper
    from mixpress.files.piece import EncodedPiece, Piece
    from mixpress.files.state import Entry

THREADS = 2
"""The encoder releases the interpreter's lock, so two threads use two cores."""


class Encoding:
    """A piece that is being encoded. `done` is set once the other attributes can be read."""

    result: EncodedPiece
    """Not set for a piece whose events all have their verdict from an earlier import."""
    batches: list[Batch]
    rejected: list[Rejection]
    records: int
    """Records of the piece, or those up to the limit of the import."""

    def __init__(self, piece: Piece, entry: Entry | None = None) -> None:
        self.piece = piece
        self.entry = entry
        self.done = Flag()
        self.error: BaseException | None = None
        self.is_complete = entry is not None and entry.is_complete
        if self.is_complete:
            self.done.set()

    @property
    def events(self) -> int:
        """Events of the piece: those in its batches and those that can't be sent."""
        return sum(batch.count for batch in self.batches) + len(self.rejected) + len(self.result.problems)

    def run(self, encoder: Encoder, mapper: Mapper) -> None:
        """Encode the piece. Never raises: the error is for the thread that needs the result."""
        try:
            self.take(self.piece.encode(encoder, mapper))
            if self.entry is not None:
                self.entry.digest = self.piece.digest()
                self.entry.line = self.piece.next_line()
                self.entry.records = self.records
                self.entry.events = self.events
        except BaseException as error:  # noqa: BLE001 - raised where the result is used
            self.error = error
        finally:
            self.done.set()

    def take(self, result: EncodedPiece) -> None:
        """Use this result."""
        self.result = result
        self.batches = result.encoded.batches
        self.rejected = result.encoded.rejected
        self.records = self.piece.count()


class EncodingThreads:
    """Daemon threads that encode pieces in the order in which they were given. They start with the first one.

    They end with this object, which they don't refer to: an interrupt may keep `end` from its work.
    """

    def __init__(self, encoder: Encoder, mapper: Mapper) -> None:
        self._encoder = encoder
        self._mapper = mapper
        self._waiting: SimpleQueue[Encoding | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        weakref.finalize(self, self._waiting.put, None).atexit = False

    def start(self, encoding: Encoding) -> None:
        """Encode a piece on one of the threads; in this thread if none can start."""
        if encoding.is_complete:
            return
        if len(self._threads) < THREADS:
            self._start_thread()
        if self._threads:
            self._waiting.put(encoding)
        else:
            encoding.run(self._encoder, self._mapper)

    def _start_thread(self) -> None:
        given = self._waiting, self._encoder, self._mapper
        thread = threading.Thread(target=_encode, args=given, name="mixpress-encode", daemon=True)
        self._threads.append(thread)
        try:
            thread.start()
        except (RuntimeError, MemoryError):  # at the interpreter's exit, or at a limit of the system
            self._threads.remove(thread)

    def end(self, seconds: float) -> None:
        """Ask the threads to exit, and join them for up to `seconds` each."""
        self._waiting.put(None)
        for thread in self._threads:
            if thread.ident is not None:  # an interrupt may have kept it from starting
                thread.join(seconds)


def _encode(waiting: SimpleQueue[Encoding | None], encoder: Encoder, mapper: Mapper) -> None:
    """Encode what waits, on a thread, up to the end of the run."""
    while (encoding := waiting.get()) is not None:
        encoding.run(encoder, mapper)
        del encoding  # otherwise it would be kept alive while this thread is idle
    waiting.put(None)  # for the next one
