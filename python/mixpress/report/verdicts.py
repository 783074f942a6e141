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
from mixpress.report.failures import MadeFailures, RejectedFailures, UndeliveredFailures, rejected
from mixpress.report.report import ConservationError, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mixpress._core import Rejection, Rejections
    from mixpress.batch import SendableBatch
    from mixpress.report.builder import FoundCounts
    from mixpress.report.failures import Failures
    from mixpress.report.report import Confirms, Failure, Report
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

    def undeliver(self, batch: SendableBatch, reason: str, *, accepted: int = 0, final: bool = False) -> None:
        """Enter that no answer came for any event, of which so many were not counted as accepted before. `final`: they
        must not be sent again, even if they are kept.
        """
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

    def packed(self, batch: SendableBatch | None, found: FoundCounts | None = None) -> None:
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
        failure = rejected(found)
        if self._explain:
            failure = self._explain(failure)
        if self._sink:
            self._originals.setdefault(found.index, event)
        self._locked(self._enter, 0, MadeFailures((failure,)), None, 1)
        return failure

    def reject_all(self, found: Rejections) -> None:
        """Enter the verdicts on events that break a rule: in one step, unless somebody looks at each failure."""
        if self._explain or self._sink:
            for rejection in found.to_list():
                self.reject(rejection)
        else:
            self._locked(self._enter, 0, RejectedFailures(found), None, len(found))

    @property
    def needs_events(self) -> bool:
        """Whether the failures are written with their events."""
        return self._sink is not None

    def keep(self, events: Mapping[int, object]) -> None:
        """Keep these events by index until they have their verdict, which is a failure."""
        self._originals.update(events)

    def fail(self, failures: Sequence[Failure]) -> None:
        """Enter the verdict on events that are in no batch, and count them as accepted."""
        self._locked(self._enter, 0, MadeFailures(failures), None, len(failures))

    def settle(
        self, batch: SendableBatch, failures: Sequence[Failure] = (), *, accepted: int = 0, kept: bool = False
    ) -> None:
        """Enter the verdict on every event of a batch: imported, except for the failures. So many were not counted as
        accepted before. `kept`: the failures are not written to the sink, as their events are sent again."""
        different = len({failure.index for failure in failures})
        if different != len(failures):
            raise ConservationError(f"{len(failures)} verdicts were given for {different} events")
        self._settle(batch, MadeFailures(failures), accepted, kept)

    def _settle(self, batch: SendableBatch, failures: Failures, accepted: int, kept: bool) -> None:
        self._locked(self._enter, batch.count - len(failures), failures, batch, accepted, kept)
        if self._originals:
            for index in batch.indexes:
                self._originals.pop(index, None)

    def undeliver(
        self,
        batch: SendableBatch,
        reason: str,
        *,
        accepted: int = 0,
        final: bool = False,  # noqa: ARG002 - nothing is kept here
        kept: bool = False,
    ) -> None:
        """Enter that no answer came for any event of a batch, of which so many were not counted as accepted before.
        `kept`: they are not written to the sink, as they are sent again."""
        self._settle(batch, UndeliveredFailures(batch.indexes, reason), accepted, kept)

    def close(self, total: int, elapsed: float, reason: str, *, kept: bool = False) -> Report:
        """Return the report on `total` events that were read. Events in no batch are undelivered for `reason`; `kept`
        is as for `undeliver`.

        An import that stops early has such an event: the last one read, which did not fit into the batch before it.
        """
        return self._locked(self._close, total, elapsed, reason, kept)

    def _close(self, total: int, elapsed: float, reason: str, kept: bool) -> Report:
        missing = total - self._builder.verdicts
        left: Sequence[int] = []
        if missing:
            left = [index for index in self._originals if index < total] or range(total - missing, total)
        if len(left) != missing:
            raise ConservationError(
                f"{missing} of {total} events have no verdict, and {len(left)} are left without one"
            )
        if missing:
            self._enter(0, UndeliveredFailures(left, reason), None, missing, kept)
        return self._builder.report(elapsed=elapsed, total=total)

    @property
    def unwritten(self) -> int:
        """Failures so far that the sink could not write."""
        return self._builder.unwritten

    @property
    def failed(self) -> int:
        """Failures so far."""
        return self._builder.verdicts - self._builder.imported

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

    def _enter(
        self,
        imported: int,
        failures: Failures,
        batch: SendableBatch | None,
        accepted: int,
        kept: bool = False,
    ) -> None:
        """The single place where verdicts are entered, all in one step. Within the lock."""
        counts: dict[str, int] = {"imported": imported}
        counts.update(failures.kinds())
        if self._sink and failures and not kept:
            self._enter_and_write(self._sink, counts, MadeFailures(tuple(failures)), batch, accepted)
        else:
            self._enter_both(dict(counts, accepted=accepted), Entry(counts, failures))

    def _enter_and_write(
        self,
        sink: FailureSink,
        counts: dict[str, int],
        failures: Failures,
        batch: SendableBatch | None,
        accepted: int,
    ) -> None:
        if batch:
            self._recall(batch, failures)
        # In the same step, so that `_close` does not find an event that has its verdict.
        recalls = [partial(self._originals.pop, failure.index, None) for failure in failures]
        events = self._enter_both(dict(counts, accepted=accepted), Entry(counts, failures), *recalls)
        for failure, event in zip(failures, events, strict=True):
            if not sink.write(failure, event):
                self._builder.count(unwritten=1)

    def _enter_both(self, counts: dict[str, int], entry: Entry, *more: Callable[[], object]) -> Sequence[object]:
        """Count in the totals and in the report, in one step: an exception out of a signal handler can't part them.

        `more` are steps that belong to it, functions written in C; their results are returned.
        """
        _, _, *results = together(partial(self._totals.append, counts), partial(self._builder.append, entry), *more)
        self._totals.trim()
        self._builder.trim(entry)
        return results

    def _recall(self, batch: SendableBatch, failures: Failures) -> None:
        """Read the events that were not remembered from the batch."""
        missing = {failure.index for failure in failures} - self._originals.keys()
        if missing:
            written = zip(batch.indexes, batch.events(), strict=True)
            self._originals.update((index, self._without_token(text)) for index, text in written if index in missing)

    def _without_token(self, text: bytes) -> object:
        event = json.loads(text)
        for owner, name in ((event.get("properties"), "token"), (event, "$token")):
            if self._token is not None and isinstance(owner, dict) and owner.get(name) == self._token:
                del owner[name]
        return event
