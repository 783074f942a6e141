"""`SpooledUpdates`: updates of profiles in a spool, sent in their order, and not twice if that would count twice."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from mixpress.queues.spooled import NOT_OWN, RECOVER_EVERY, SpooledJob, SpooledQueue
from mixpress.retry import NOT_REPEATED
from mixpress.spool.verdicts import SpooledVerdicts

if TYPE_CHECKING:
    from collections.abc import Callable

    from mixpress.batch import SendableBatch
    from mixpress.report.verdicts import Verdicts
    from mixpress.spool.stored import StoredBatch

INTERRUPTED = f"its process ended before a reply came; {NOT_REPEATED}"


class SpooledUpdates(SpooledQueue):
    """A queue of updates in a file. One batch of it is in memory at a time: the next one is made when that has its
    verdicts, or is given up, and then it is the first to be sent again.

    What a dead process left is sent before the updates of this one. Of two processes that live, neither waits for the
    other. `repeatable` returns whether the server may take a batch twice. One that it may not is marked in the file
    while a request is under way, so that no other process sends it again.
    """

    def __init__(self, *args: Any, repeatable: Callable[[SendableBatch], bool]) -> None:
        super().__init__(*args)
        self._repeatable = repeatable

    def _is_crowded(self) -> bool:
        return bool(self._jobs or self._deferred or self._unentered) or super()._is_crowded()

    def _due_again(self) -> list[tuple[float, StoredBatch, int]]:
        if self._jobs or self._unentered or self._waits_to_be_sent_again():
            return []
        return self._deferred[:1]

    def _has_settled(self, target: int) -> bool:
        if super()._has_settled(target):
            return True
        return not self._jobs and (bool(self._unentered) or self._waits_to_be_sent_again())

    def _waits_to_be_sent_again(self) -> bool:
        return bool(self._deferred) and self._deferred[0][0] > self._clock.monotonic()

    def _make_batches(self, target: int) -> None:
        self._recover()
        self._pack_own(target)

    def _recover(self) -> None:
        if self._clock.monotonic() >= self._recovered + RECOVER_EVERY:
            self._give_up_sent()
        super()._recover()

    def _give_up_sent(self) -> None:
        """Enter that no reply came to the requests that were under way when a process died."""
        while not self._stopped and not self._is_crowded():
            batch = self._spool.take_sent()
            if batch is None:
                return
            if self._repeatable(batch):
                self._locked(self._put_recovered, batch)
                return
            job = self._locked(self._receive, batch)
            self.accept(job)
            job.verdicts.undeliver(batch, INTERRUPTED, final=True)
            job.done()

    def _receive(self, batch: StoredBatch) -> SpooledJob:
        """Count a batch that is not sent, as `_put` does."""
        verdicts = self._reporter.tracked_verdicts()
        verdicts.packed(batch)
        job = self._job(batch, verdicts, NOT_OWN, counted=False)
        self._jobs.add(job)
        self._spool.received()
        self._taken += batch.count
        self._held += len(batch.body)
        self._in_flight += batch.count
        return job

    def _job(self, batch: StoredBatch, verdicts: Verdicts, first: int, *, counted: bool) -> SpooledJob:
        spooled = SpooledVerdicts(self._spool, batch, verdicts, final=False, repeatable=self._repeatable)
        job = SpooledJob(self, spooled, verdicts, first, self._clock.monotonic(), counted=counted)
        spooled.on_left = partial(job.cancel_token.cancel, None)  # the rest of a batch must not overtake a part of it
        return job
