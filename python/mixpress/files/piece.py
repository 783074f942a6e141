"""What a reader gives to an import: pieces of an input, and where in it each record stands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol

from mixpress.files.problem import EncodedPiece, Problem
from mixpress.report.place import Place

__all__ = ["EncodedPiece", "Input", "KnownPiece", "Piece", "Place", "Problem", "Stopped"]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mixpress._core import Encoder
    from mixpress.files.mapper import Mapper

    Known = Callable[[str, int], tuple[int, int] | None]
    """Returns the end of the piece of a file that begins at an offset, and the line behind it, if its content is not
    needed."""
    Ended = Callable[[str], object]
    """Called with the name of a file that was read to its end, undamaged. May raise."""


class Piece(ABC):
    """Some records of an input that are encoded together. It is kept until each of its events has a verdict.

    Pieces are cut at the same places whenever an unchanged input is read, so that a later run can go on where an
    earlier one ended.
    """

    file: str
    """The file as it was named; `stdin` for the standard input."""
    start: int
    """Where it begins: a byte of the unpacked file, or a row, from 0."""
    end: int
    """Where the next one begins."""
    position: int
    """Bytes of the file as it is stored that had been read for it, for the progress."""
    is_table = False
    """Whether it has rows instead of bytes."""

    @abstractmethod
    def count(self) -> int:
        """Return the number of its records. May take as long as encoding; known at no cost once it is encoded."""

    @abstractmethod
    def digest(self, end: int | None = None) -> bytes:
        """Return a short hash of its content, by which a change of the file is noticed: of all of it, or of the part
        before `end`, as a file that only grew has a longer last piece."""

    def next_line(self) -> int | None:
        """Return the number of the line where the next one begins, if a reader can start there."""
        return None

    @abstractmethod
    def encode(self, encoder: Encoder, mapper: Mapper) -> EncodedPiece:
        """Return its events. Called once, on any thread."""

    @abstractmethod
    def places(self, records: Sequence[int]) -> list[Place]:
        """Return where each of these records begins. They are in ascending order."""

    @abstractmethod
    def originals(self, records: Sequence[int]) -> list[object]:
        """Return each of these records, in ascending order, as it was read: a dict, or text that can't be parsed."""


class KnownPiece(Piece):
    """A piece whose content is not needed, as all its events have their verdict: it was not read."""

    def __init__(self, file: str, start: int, end: int, *, position: int) -> None:
        self.file = file
        self.start = start
        self.end = end
        self.position = position

    def _unread(self) -> RuntimeError:
        return RuntimeError(f"{self.file} was not read between {self.start:,} and {self.end:,}")

    def count(self) -> int:
        """Raise `RuntimeError`, as the other methods do."""
        raise self._unread()

    def digest(self, end: int | None = None) -> bytes:  # noqa: ARG002
        """Raise `RuntimeError`."""
        raise self._unread()

    def encode(self, encoder: Encoder, mapper: Mapper) -> EncodedPiece:  # noqa: ARG002
        """Raise `RuntimeError`."""
        raise self._unread()

    def places(self, records: Sequence[int]) -> list[Place]:  # noqa: ARG002
        """Raise `RuntimeError`."""
        raise self._unread()

    def originals(self, records: Sequence[int]) -> list[object]:  # noqa: ARG002
        """Raise `RuntimeError`."""
        raise self._unread()


class Input(Protocol):
    """Files or a table as pieces, in order. A file that ends badly is not the end of the input."""

    size: int | None
    """Bytes of all files as they are stored; None if one is a pipe or its size is unknown."""
    damaged: list[str]
    """A sentence for each file that could not be read to its end, with the place and the remedy."""
    unusable: bool
    """Whether a file was in another format and nothing of it was read."""

    def __iter__(self) -> Iterator[Piece]:
        """Read the pieces in order. May be called once."""
        ...

    def resume(self, known: Known, ended: Ended) -> None:
        """Go on from an earlier import, before the iteration: leave the pieces unread that `known` finds, and call
        `ended` for each file.
        """
        ...

    def stop(self, reason: str) -> None:
        """End the iteration with `Stopped`, at once if it waits for a file. For signal handlers."""
        ...


class Stopped(Exception):  # noqa: N818 - a request of the user, not an error
    """`Input.stop` was called."""
