"""`UpdateFileRun`: one import of updates of profiles from files or a table, in the order of the records.

As in `UpdateRun`, a batch waits for the earlier batches that have a profile in common with it. A state keeps the order
over several runs, too: a batch without an answer ends the run, so that the next one sends it before what follows it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mixpress.client.file_run import FileRun
from mixpress.client.run import RunJob
from mixpress.client.update_run import profiles_of_body
from mixpress.client.update_verdicts import UpdateVerdicts
from mixpress.errors import ImportInterrupted
from mixpress.retry import NOT_REPEATED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mixpress.client.piece_verdicts import PieceBatch, PieceVerdicts
    from mixpress.files.state import Entry

INTERRUPTED = f"an earlier import ended before a reply came; {NOT_REPEATED}"


class UpdateFileRun(FileRun):
    """A call of `Client.import_files` or `import_table` with a mapping of updates."""

    _what = "updates"

    def _put_batch(self, batch: PieceBatch, sink: PieceVerdicts, entry: Entry | None) -> None:
        recorded = entry if self._state is not None and not self._options.dry_run else None
        sink.is_resumed = recorded is not None
        for part in parts_of(batch, entry):
            if entry is not None and is_covered(part, entry.settled):
                self._earlier += part.count
                continue
            self._verdicts.packed(part)
            verdicts = UpdateVerdicts(sink, self._engine.repeatable)
            if recorded is not None and self._state is not None:
                verdicts.mark = partial(self._state.mark_sent, recorded)
                verdicts.on_left = self._end_in_order
            if recorded is not None and is_covered(part, recorded.sent) and not self._engine.options.retry_unsafe:
                self._read += part.count
                verdicts.undeliver(part, INTERRUPTED, accepted=part.count, final=True)
                continue
            job = UpdateJob(self, part, verdicts)  # type: ignore[arg-type] # it gets parts of this batch alone
            job.profiles = profiles_of_body(part)
            self._put_job(job)

    def _end_in_order(self, reason: str) -> None:
        """End the run since a batch has no answer."""
        self.cancel_token.cancel(
            ImportInterrupted(
                "the import ended at the first updates without an answer, so that no later one overtakes them: "
                f"{reason}; the same call or command, with the same state, goes on from there"
            )
        )


class UpdateJob(RunJob):
    """A batch of updates of a run."""

    def not_taken(self) -> None:
        """Remove the mark of the batch. Raises `StateError` if that fails: it then counts as taken."""
        self.verdicts.not_taken()  # type: ignore[attr-defined] # they are UpdateVerdicts


def parts_of(batch: PieceBatch, entry: Entry | None) -> Iterator[PieceBatch]:
    """Yield a batch in parts of which a state has the same for all updates. A part of it may have been sent alone."""
    ranges = [] if entry is None else [*entry.settled, *entry.sent]
    waiting = [batch]
    while waiting:
        part = waiting.pop()
        if part.count > 1 and any(_touches(part, one) and not is_covered(part, [one]) for one in ranges):
            waiting.extend(reversed(part.split()))
        else:
            yield part


def is_covered(batch: PieceBatch, ranges: list[tuple[int, int]]) -> bool:
    """Return whether the records of all updates of a batch are in one of these ranges."""
    first, last = _span(batch)
    return any(start <= first and last < end for start, end in ranges)


def _touches(batch: PieceBatch, span: tuple[int, int]) -> bool:
    first, last = _span(batch)
    return first < span[1] and span[0] <= last


def _span(batch: PieceBatch) -> tuple[int, int]:
    """Return the records, in the piece, of the first and the last update of a batch."""
    indexes = batch.indexes
    return indexes[0] - batch.base, indexes[-1] - batch.base
