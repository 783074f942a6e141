"""`SpooledVerdicts`: the verdicts on a stored batch, which are also entered in the file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mixpress.spool.stored import StoredBatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress.batch import SendableBatch
    from mixpress.report.report import Failure
    from mixpress.report.verdicts import Verdicts
    from mixpress.spool.spool import Spool


class SpooledVerdicts:
    """A `VerdictSink` for one stored batch, which the sender may split.

    Parts with a verdict are removed from the file by `enter`. The file keeps the other parts, leased to this process
    until the spool is released. `final`: whether "no answer came" is a verdict; it is none for events that are retried.
    """

    def __init__(self, spool: Spool, batch: StoredBatch, verdicts: Verdicts, *, final: bool = True) -> None:
        self._spool = spool
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
        """See `Verdicts.sent`."""
        self._requests += 1
        self._verdicts.sent(batch, attempt)

    def throttled(self) -> None:
        """See `Verdicts.throttled`."""
        self._verdicts.throttled()

    def settle(self, batch: SendableBatch, failures: Sequence[Failure] = ()) -> None:
        """See `Verdicts.settle`."""
        self._settled += batch.count
        self._verdicts.settle(batch, failures)

    def undeliver(self, batch: SendableBatch, reason: str, *, accepted: int = 0) -> None:
        """See `Verdicts.undeliver`; the events remain in the file."""
        self.left.append(self._stored(batch))
        if self._final:
            self._verdicts.undeliver(batch, reason, accepted=accepted)

    def enter(self) -> list[StoredBatch]:
        """Enter the verdicts in the file; return the parts that remain in it. May raise `SpoolError`."""
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
            raise TypeError(f"a part of a stored batch must be a StoredBatch, got a {type(batch).__name__}")
        return batch
