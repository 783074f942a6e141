"""`Verdicts`: each event of an import, or of a batch of tracked events, gets its verdict here, once.

Report, progress, stats and dead letter are all read from the verdicts, so they cannot disagree.
"""

from __future__ import annotations

import json
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Protocol

from mixpress._core import bracket, together
from mixpress.report.builder import Entry, ReportBuilder
from mixpress.report.report import ConservationError, Failure, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mixpress._core import Rejection, Tallies
    from mixpress.batch import SendableBatch
    from mixpress.report.report import Confirms, Report
    from mixpress.report.stats import Totals


class VerdictSink(Protocol):
    """Receives what becomes of a batch."""

    def sent(self, batch: SendableBatch, attempt: int) -> None:
        """Count a request that is about to be made."""
        ...

    def throttled(self) -> None:
        """Count a request that was answered by 429."""
        ...

    def settle(self, batch: SendableBatch, failures: Sequence[Failure] = ()) -> None:
        """Enter the verdict on every event: imported, except for the failures."""
        ...

    def undeliver(self, batch: SendableBatch, reason: str, *, accepted: int = 0) -> None:
        """Enter that no answer came for any event, of which so many were not counted as accepted before."""
        ...


class FailureSink(Protocol):
    """Receives each failure with its event, such as a dead letter."""

    def write(self, failure: Failure, event: object) -> bool:
        """Write one failure; return whether that succeeded."""
        ...


class Verdicts:
    """The verdicts so far. Thread-safe.

    `totals` are the counts of the client, over all its verdicts. `confirms` is what the server confirms. `sink`
    receives the failures. `explain` may replace the failure of a rejected event: the source of the events may know a
    better reason. `token` is the token that the encoder wrote into each event; it is removed before the event is
    written to the sink.
    """

    def __init__(
        self,
        totals: Totals,
        confirms: Confirms,
        sink: FailureSink | None = None,
        *,
        explain: Callable[[Failure], Failure] | None = None,
        token: str | None = None,
    ) -> None:
        self._totals = totals
        self._sink = sink
        self._explain = explain
        self._token = token
        self._lock = RLock()
        self._locked = bracket(self._lock.acquire, self._lock.release)
        self._builder = ReportBuilder(confirms)
        self._originals: dict[int, object] = {}

    def remember(self, events: Iterable[object]) -> Iterable[object]:
        """Return the same events. With a sink, each event is kept until it has its verdict."""
        return self._remembered(events) if self._sink else events

    def _remembered(self, events: Iterable[object]) -> Iterator[object]:
        for index, event in enumerate(events):
            self._originals[index] = event
            yield event

    def packed(self, batch: SendableBatch | None, found: Tallies | None = None) -> None:
        """Count a batch that the encoder has packed, and what it found in its events; no batch after the last one."""
        self._builder.add_findings(found, bytes_raw=batch.raw_size if batch else 0)

    def accept(self, batch: SendableBatch) -> None:
        """Count the events of a batch as accepted: their verdicts will come."""
        self._totals.add(accepted=batch.count)

    def sent(self, batch: SendableBatch, attempt: int) -> None:
        """Count a request that is about to be made."""
        self._count(requests=1, retries=int(attempt > 1), bytes_sent=len(batch.body))

    def throttled(self) -> None:
        """Count a request that was answered by 429."""
        self._count(throttled=1)

    def reject(self, found: Rejection, event: object = None) -> Failure:
        """Enter the verdict on an event that breaks a rule, and return it."""
        failure = Failure(found.index, "rejected", found.message, found.rule, found.field, found.insert_id)
        if self._explain:
            failure = self._explain(failure)
        if self._sink:
            self._originals.setdefault(found.index, event)
        self._locked(self._enter, 0, [failure], None, 1)
        return failure

    def settle(self, batch: SendableBatch, failures: Sequence[Failure] = ()) -> None:
        """Enter the verdict on every event of a batch: imported, except for the failures."""
        self._settle(batch, failures, 0)

    def _settle(self, batch: SendableBatch, failures: Sequence[Failure], accepted: int) -> None:
        self._locked(self._enter, batch.count - len(failures), failures, batch, accepted)
        if self._sink:
            for index in batch.indexes:
                self._originals.pop(index, None)

    def undeliver(self, batch: SendableBatch, reason: str, *, accepted: int = 0) -> None:
        """Enter that no answer came for any event of a batch, of which so many were not counted as accepted before."""
        self._settle(batch, _undelivered(batch.indexes, reason), accepted)

    def close(self, total: int, elapsed: float, reason: str) -> Report:
        """Return the report on `total` events that were read. Events in no batch are undelivered for `reason`.

        An import that stops early has such an event: the last one read, which did not fit into the batch before it.
        """
        return self._locked(self._close, total, elapsed, reason)

    def _close(self, total: int, elapsed: float, reason: str) -> Report:
        missing = total - self._builder.verdicts
        left: Sequence[int] = []
        if missing:
            left = [index for index in self._originals if index < total] or range(total - missing, total)
        if len(left) != missing:
            raise ConservationError(
                f"{missing} of {total} events have no verdict, and {len(left)} are left without one"
            )
        if missing:
            self._enter(0, _undelivered(left, reason), None, missing)
        return self._builder.report(elapsed=elapsed, total=total)

    @property
    def count(self) -> int:
        """Verdicts so far."""
        return self._builder.verdicts

    def progress(self, total: int, paused: str) -> Progress:
        """Return the verdicts so far."""
        counted = self._builder.counted
        kinds = counted("rejected"), counted("refused"), counted("undelivered")
        return Progress(total, self._builder.imported, *kinds, paused)

    def _count(self, **traffic: int) -> None:
        self._enter_both(traffic, Entry(traffic))

    def _enter(self, imported: int, failures: Sequence[Failure], batch: SendableBatch | None, accepted: int) -> None:
        """The single place where verdicts are entered, all in one step. Within the lock."""
        different = len({failure.index for failure in failures})
        if different != len(failures):
            raise ConservationError(f"{len(failures)} verdicts were given for {different} events")
        counts = {"imported": imported}
        for failure in failures:
            counts[failure.kind] = counts.get(failure.kind, 0) + 1
        if self._sink and batch and failures:
            self._recall(batch, failures)
        self._enter_both(dict(counts, accepted=accepted), Entry(counts, failures))
        if self._sink:
            for failure in failures:
                written = self._sink.write(failure, self._originals.pop(failure.index, None))
                self._builder.count(unwritten=int(not written))

    def _enter_both(self, counts: dict[str, int], entry: Entry) -> None:
        """Count in the totals and in the report, in one step: an exception out of a signal handler can't part them."""
        together(partial(self._totals.append, counts), partial(self._builder.append, entry))
        self._totals.trim()
        self._builder.trim(entry)

    def _recall(self, batch: SendableBatch, failures: Sequence[Failure]) -> None:
        """Read the events that were not remembered from the batch."""
        missing = {failure.index for failure in failures} - self._originals.keys()
        if missing:
            written = zip(batch.indexes, batch.events(), strict=True)
            self._originals.update((index, self._without_token(text)) for index, text in written if index in missing)

    def _without_token(self, text: bytes) -> object:
        event = json.loads(text)
        if self._token is not None and event["properties"].get("token") == self._token:
            del event["properties"]["token"]
        return event


def _undelivered(indexes: Sequence[int], reason: str) -> list[Failure]:
    return [Failure(index, "undelivered", reason) for index in indexes]
