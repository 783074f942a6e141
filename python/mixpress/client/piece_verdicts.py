"""`PieceVerdicts`: the verdicts on the events of one piece, with their places, the records as read, and the state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mixpress.report.report import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mixpress._core import Batch, Rejection
    from mixpress.client.encoding import Encoding
    from mixpress.report.verdicts import Verdicts

    Record = Callable[[int, int], object]
    """Records in the state that a range of records has final verdicts. Never raises."""


@dataclass(frozen=True, slots=True)
class PieceBatch:
    """A batch of a piece, with indexes in the whole input. Its verdicts cover the records from `first` to `last`."""

    batch: Batch
    base: int
    """Records before the piece."""
    records: Sequence[int]
    """Index of an event in the piece -> number of its record."""
    first: int
    last: int
    """The record after the last one: where the next batch of the piece begins."""

    @property
    def body(self) -> bytes:
        """The bytes to send."""
        return self.batch.body

    @property
    def headers(self) -> dict[str, str]:
        """The headers that describe the body."""
        return self.batch.headers

    @property
    def count(self) -> int:
        """Number of events."""
        return self.batch.count

    @property
    def raw_size(self) -> int:
        """Bytes before gzip."""
        return self.batch.raw_size

    @property
    def indexes(self) -> Sequence[int]:
        """Input index of each event, by its position in the batch."""
        inside, records, base = self.batch.indexes, self.records, self.base
        if isinstance(inside, range) and isinstance(records, range) and records.step == 1:
            start = base + records.start
            return range(start + inside.start, start + inside.stop)
        return [base + records[index] for index in inside]

    def events(self) -> list[bytes]:
        """Return the JSON of each event."""
        return self.batch.events()

    def split(self) -> Sequence[PieceBatch]:
        """Return two batches with half of the events each; the batch itself if it has one event."""
        halves = self.batch.split()
        starts = [self.records[half.indexes[0]] for half in halves[1:]]
        bounds = [self.first, *starts, self.last]
        return [
            replace(self, batch=half, first=first, last=last)
            for half, first, last in zip(halves, bounds, bounds[1:], strict=False)
        ]


def batches_of(encoding: Encoding, base: int) -> list[PieceBatch]:
    """Return the batches of a piece. Their ranges of records follow each other without a gap."""
    records, batches = encoding.result.records, encoding.batches
    ends = [records[batch.indexes[0]] for batch in batches[1:]]
    bounds = [0, *ends, encoding.records]
    return [
        PieceBatch(batch, base, records, first, last)
        for batch, first, last in zip(batches, bounds, bounds[1:], strict=False)
    ]


class PieceVerdicts:
    """Receives what becomes of the batches of one piece. Only a failure is looked up in the piece."""

    def __init__(self, encoding: Encoding, base: int, verdicts: Verdicts, record: Record | None = None) -> None:
        self._piece = encoding.piece
        self._base = base
        self._verdicts = verdicts
        self._record = record
        self.is_resumed = False
        """Whether what has no final verdict is left to a later run, and not written to the dead letter."""
        self.sent = verdicts.sent
        self.throttled = verdicts.throttled

    def rejections(self, encoding: Encoding, known: int) -> list[Failure]:
        """Return the verdicts on the records that can't be sent, from record `known` on."""
        records = encoding.result.records
        failures = [self._rejected(records[found.index], found) for found in encoding.rejected]
        failures += [
            Failure(self._base + problem.record, "rejected", problem.message, problem.rule, problem.field or None)
            for problem in encoding.result.problems
        ]
        return sorted((one for one in failures if one.index >= self._base + known), key=_index)

    def reject(self, failures: Sequence[Failure]) -> None:
        """Enter these verdicts."""
        if failures:
            self._verdicts.fail(self._placed(failures))

    def settle(self, batch: PieceBatch, failures: Sequence[Failure] = ()) -> None:
        """Enter the verdict on every event: imported, except for the failures."""
        unwritten = self._verdicts.unwritten if failures else 0
        self._verdicts.settle(batch, self._placed(failures))
        self._note(batch, failures, unwritten)

    def undeliver(self, batch: PieceBatch, reason: str, *, accepted: int = 0, final: bool = False) -> None:
        """Enter that no answer came for any event. They are sent again, unless that is `final`: then the verdict
        is recorded in the state.
        """
        failures = [Failure(index, "undelivered", reason) for index in batch.indexes]
        unwritten, kept = self._verdicts.unwritten, self.is_resumed and not final
        self._verdicts.settle(batch, self._placed(failures, kept=kept), accepted=accepted, kept=kept)
        if final:
            self._note(batch, failures, unwritten)

    def _note(self, batch: PieceBatch, failures: Sequence[Failure], unwritten: int) -> None:
        """Record the verdicts in the state, unless a failure could not be written since `unwritten` was read."""
        if self._record is not None and (not failures or self._verdicts.unwritten == unwritten):
            self._record(batch.first, batch.last)

    def _rejected(self, record: int, found: Rejection) -> Failure:
        return Failure(self._base + record, "rejected", found.message, found.rule, found.field, found.insert_id)

    def _placed(self, failures: Sequence[Failure], *, kept: bool = False) -> Sequence[Failure]:
        """Return the failures with their places, and remember their records for the dead letter, unless they are `kept`
        from it.
        """
        if not failures:
            return failures
        ordered = sorted({failure.index for failure in failures})
        records = [index - self._base for index in ordered]
        places = dict(zip(ordered, self._piece.places(records), strict=True))
        if self._verdicts.needs_events and not kept:
            self._verdicts.keep(dict(zip(ordered, self._piece.originals(records), strict=True)))
        return [replace(failure, place=places[failure.index]) for failure in failures]


def _index(failure: Failure) -> int:
    return failure.index
