"""`SpooledVerdicts`: the verdicts on a stored batch, which are also entered in the file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mixpress.article import type_of
from mixpress.errors import SpoolError
from mixpress.spool.stored import StoredBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mixpress.batch import SendableBatch
    from mixpress.report.report import Failure
    from mixpress.report.verdicts import Verdicts
    from mixpress.spool.spool import Spool


class SpooledVerdicts:
    """A `VerdictSink` for one stored batch, which the sender may split.

    Parts with a verdict are removed from the file by `enter`. The file keeps the other parts, leased to this process
    until the spool is released. `final`: whether "no answer came" is a verdict; it is none for events that are retried.

    `repeatable` returns whether the server may take a part twice. One that it may not is marked in the file from its
    request until it is known that the server has not taken it, and no answer to it is a verdict.
    """

    def __init__(
        self,
        spool: Spool,
        batch: StoredBatch,
        verdicts: Verdicts,
        *,
        final: bool = True,
        repeatable: Callable[[SendableBatch], bool] = lambda _: True,
    ) -> None:
        self._spool = spool
        self._repeatable = repeatable
        self._marked = self._lost = False
        self.on_left: Callable[[], object] = bool
        """Called when a part stays in the file."""
        self.batch = batch
        self._verdicts = verdicts
        self._final = final
        self._requests = 0
        self._settled = 0
        self.left: list[StoredBatch] = []
        """The parts without an answer."""

    @property
    def left_count(self) -> int:
        """Events without an answer."""
        return sum(part.count for part in self.left)

    def sent(self, batch: SendableBatch, attempt: int) -> None:
        """See `Verdicts.sent`. May raise `SpoolError`: the batch must not be sent then."""
        if not self._marked and not self._lost and not self._repeatable(batch):
            self._marked = self._spool.mark_sent(self.batch)
            self._lost = not self._marked
        if self._lost:
            path = self._spool.path
            raise SpoolError(f"another process took a batch of the spool {path} over", path, "busy")
        self._requests += 1
        self._verdicts.sent(batch, attempt)

    def not_taken(self) -> None:
        """Remove the mark. May raise `SpoolError`: the batch then counts as one that may have been taken."""
        if self._marked:
            self._spool.mark_sent(self.batch, sent=False)
            self._marked = False

    def throttled(self) -> None:
        """See `Verdicts.throttled`."""
        self._verdicts.throttled()

    def settle(self, batch: SendableBatch, failures: Sequence[Failure] = ()) -> None:
        """See `Verdicts.settle`."""
        self._settled += batch.count
        self._verdicts.settle(batch, failures)

    def undeliver(self, batch: SendableBatch, reason: str, *, accepted: int = 0, final: bool = False) -> None:
        """See `Verdicts.undeliver`; the events remain in the file, unless that is `final`."""
        if final or self._marked or self._lost:
            self._settled += batch.count
            self._verdicts.undeliver(batch, reason, accepted=accepted)
            return
        self.left.append(self._stored(batch))
        self.on_left()
        if self._final:
            self._verdicts.undeliver(batch, reason, accepted=accepted, kept=True)

    def enter(self) -> list[StoredBatch]:
        """Enter the verdicts in the file; return the parts that remain in it. May raise `SpoolError`."""
        if self._lost:
            return self.left
        if not self._settled:
            self.left = [self.batch]  # also if a bug in mixpress kept the batch from being sent
        if not self.left:
            self._spool.settle(self.batch)
        elif not self._settled:
            self._spool.retry(self.batch, attempts=self._requests, keep=True)
        else:
            attempts = self.batch.attempts + self._requests
            parts = [replace(part, attempts=attempts) for part in self.left]
            self.left = self._spool.replace(self.batch, parts)
        return self.left

    def _stored(self, batch: SendableBatch) -> StoredBatch:
        if not isinstance(batch, StoredBatch):
            raise TypeError(f"a part of a stored batch must be a StoredBatch, got {type_of(batch)}")
        return batch
