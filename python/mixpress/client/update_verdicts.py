"""`UpdateVerdicts`: the verdicts on a batch of updates, of which a state notes what may have been taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mixpress.client.piece_verdicts import PieceBatch, PieceVerdicts
    from mixpress.report.report import Failure


class UpdateVerdicts:
    """A `VerdictSink` for one batch, which the sender may split, before that of its piece.

    `repeatable` returns whether the server may take a part twice. One that it may not is marked in the state from its
    request until it is known that the server has not taken it, and no answer to it is a verdict: it is not sent again,
    in this run or in a later one.
    """

    def __init__(self, sink: PieceVerdicts, repeatable: Callable[[PieceBatch], bool]) -> None:
        self._sink = sink
        self._repeatable = repeatable
        self._marked: tuple[int, int] | None = None
        self.mark: Callable[[int, int, bool], object] = _nothing
        """Notes in the state that these records are sent, or that they were not taken. May raise `StateError`."""
        self.on_left: Callable[[str], object] = bool
        """Called with the reason when a part has no verdict and is sent by a later run."""
        self.throttled = sink.throttled

    def sent(self, batch: PieceBatch, attempt: int) -> None:
        """See `Verdicts.sent`. May raise `StateError`: the batch must not be sent then."""
        if self._marked is None and not self._repeatable(batch):
            self.mark(batch.first, batch.last, True)
            self._marked = batch.first, batch.last
        self._sink.sent(batch, attempt)

    def not_taken(self) -> None:
        """Remove the mark. May raise `StateError`: the batch then counts as one that may have been taken."""
        if self._marked is not None:
            self.mark(*self._marked, False)
            self._marked = None

    def settle(self, batch: PieceBatch, failures: Sequence[Failure] = ()) -> None:
        """See `Verdicts.settle`."""
        self._marked = None
        self._sink.settle(batch, failures)

    def undeliver(self, batch: PieceBatch, reason: str, *, accepted: int = 0, final: bool = False) -> None:
        """See `Verdicts.undeliver`."""
        final = final or self._marked is not None
        self._marked = None
        self._sink.undeliver(batch, reason, accepted=accepted, final=final)
        if not final:
            self.on_left(reason)


def _nothing(first: int, last: int, sent: bool) -> None:
    """Note nothing: there is no state."""
