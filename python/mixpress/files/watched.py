"""`WatchedInput`: calls a function with the batches of each piece, on the thread that encodes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpress.files.piece import Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mixpress._core import Batch, Encoder
    from mixpress.files.mapper import Mapper
    from mixpress.files.piece import EncodedPiece, Ended, Input, Known, Place

    OnBatch = Callable[[Batch], object]


class WatchedPiece(Piece):
    """A piece whose batches are shown to a function."""

    def __init__(self, piece: Piece, on_batch: OnBatch) -> None:
        self.file = piece.file
        self.start = piece.start
        self.end = piece.end
        self.position = piece.position
        self._piece = piece
        self._on_batch = on_batch

    def count(self) -> int:
        """Return the number of its records."""
        return self._piece.count()

    def digest(self, end: int | None = None) -> bytes:
        """Return the hash of its content, or of the part before `end`."""
        return self._piece.digest(end)

    def next_line(self) -> int | None:
        """Return the number of the line where the next one begins, if a reader can start there."""
        return self._piece.next_line()

    def encode(self, encoder: Encoder, mapper: Mapper) -> EncodedPiece:
        """Return its events, after showing them."""
        found = self._piece.encode(encoder, mapper)
        for batch in found.encoded.batches:
            self._on_batch(batch)
        return found

    def places(self, records: Sequence[int]) -> list[Place]:
        """Return where each of these records begins."""
        return self._piece.places(records)

    def originals(self, records: Sequence[int]) -> list[object]:
        """Return each of these records as it was read."""
        return self._piece.originals(records)


class WatchedInput:
    """An input whose pieces are watched."""

    def __init__(self, source: Input, on_batch: OnBatch) -> None:
        self.size = source.size
        self.damaged = source.damaged
        self._source = source
        self._on_batch = on_batch

    @property
    def unusable(self) -> bool:
        """Whether a file was in another format and nothing of it was read."""
        return self._source.unusable

    @unusable.setter
    def unusable(self, value: bool) -> None:
        self._source.unusable = value

    def __iter__(self) -> Iterator[Piece]:
        for piece in self._source:
            yield WatchedPiece(piece, self._on_batch)

    def resume(self, known: Known, ended: Ended) -> None:
        """Leave the pieces unread that `known` finds, and call `ended` for each file that was read to its end."""
        self._source.resume(known, ended)

    def stop(self, reason: str) -> None:
        """End the iteration with `Stopped`."""
        self._source.stop(reason)
