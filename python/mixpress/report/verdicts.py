"""The account of one import, or of one batch of tracked events: where each event's verdict is entered, once.
Report, progress, stats and dead letter are read from it, so they can't disagree.
"""

from __future__ import annotations

import json
from collections import Counter
from operator import attrgetter
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from mixpress.report.report import Confirms, Failure, Kind, Progress, Report, Tally
from mixpress.report.stats import Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mixpress._core import Finding, Rejection, Truncation
    from mixpress.batch import FailureSink, Outgoing

KEPT_FAILURES = 10_000
"""How many failures a report holds; it counts them all."""
KEPT_REASONS = 1000
"""How many different reasons are counted apart."""

Found = TypeVar("Found")


class Account:
    """The verdicts so far. Threads enter them at the same time.

    `explain` may put a better reason in the place of a rejection's: a source knows what it stands for.
    `totals` are the client's, over all its accounts. `confirms` is what its server confirms. `token` is what the
    encoder writes into each event, and stays out of the dead letter.
    """

    def __init__(
        self,
        dead_letter: FailureSink | None = None,
        explain: Callable[[Failure], Failure] | None = None,
        *,
        totals: Totals | None = None,
        confirms: Confirms = "events",
        token: str | None = None,
    ) -> None:
        self._token = token
        self._totals = totals or Totals()
        self._confirms: Confirms = confirms
        self._dead_letter = dead_letter
        self._explain = explain
        self._lock = Lock()
        self._imported = 0
        self._failed: Counter[Kind] = Counter()
        self._failures: list[Failure] = []
        self._by_reason: dict[str, Tally[Failure]] = {}
        self._cut_by_path: dict[str, Tally[Truncation]] = {}
        self._warned_by_rule: dict[str, Tally[Finding]] = {}
        self._originals: dict[int, object] = {}
        self._traffic: Counter[str] = Counter()

    def remember(self, events: Iterable[object]) -> Iterable[object]:
        """The same events; with a dead letter, each is kept at hand until its verdict is in."""
        return self._remembered(events) if self._dead_letter else events

    def _remembered(self, events: Iterable[object]) -> Iterator[object]:
        for index, event in enumerate(events):
            self._originals[index] = event
            yield event

    def packed(self, batch: Outgoing | None, truncated: Sequence[Truncation], warnings: Sequence[Finding]) -> None:
        """Note a batch as the encoder closes it, and what it found on the way; None after the last."""
        if batch:
            self._totals.add(accepted=batch.count)
        with self._lock:
            self._traffic["bytes_raw"] += batch.raw_size if batch else 0
            self._traffic["truncated"] += len(truncated)
            self._traffic["warnings"] += len(warnings)
            for cut in truncated:
                _tally(self._cut_by_path, cut.path, cut)
            for warning in warnings:
                _tally(self._warned_by_rule, warning.rule, warning)

    def sent(self, batch: Outgoing, attempt: int) -> None:
        """Note a request that is about to be made."""
        with self._lock:
            self._count(requests=1, retries=int(attempt > 1), bytes_sent=len(batch.body))

    def throttled(self) -> None:
        """Note that a request was answered by 429."""
        with self._lock:
            self._count(throttled=1)

    def reject(self, found: Rejection, event: object = None) -> Failure:
        """Enter the verdict on an event that breaks a rule."""
        failure = Failure(found.index, "rejected", found.message, found.rule, found.field, found.insert_id)
        if self._explain:
            failure = self._explain(failure)
        self._totals.add(accepted=1)
        with self._lock:
            if self._dead_letter:
                self._originals.setdefault(found.index, event)
            self._enter(0, [failure])
        return failure

    def settle(self, batch: Outgoing, failures: Sequence[Failure] = ()) -> None:
        """Enter the verdict on every event of a batch: imported, but for the failures."""
        with self._lock:
            self._enter(batch.count - len(failures), failures, batch)
            if self._dead_letter:
                for index in batch.indexes:
                    self._originals.pop(index, None)

    def undeliver(self, batch: Outgoing, reason: str) -> None:
        """Enter that no answer came for any event of a batch."""
        self.settle(batch, _undelivered(batch.indexes, reason))

    def close(self, total: int, elapsed: float, reason: str) -> Report:
        """The report on `total` events read; those that no batch has taken yet are undelivered for `reason`.

        Such are left when an import stops: the last event read, which did not fit the batch before it.
        """
        with self._lock:
            missing = total - self._settled()
            left = [index for index in self._originals if index < total] or range(total - missing, total)
            assert len(left) == missing, f"{missing} events have no verdict, and {len(left)} are left"
            self._totals.add(accepted=missing)
            self._enter(0, _undelivered(left, reason))
            return self._report(total, elapsed)

    def progress(self, total: int, paused: str) -> Progress:
        """How far the import has come."""
        with self._lock:
            return Progress(total, self._imported, *self._by_kind(), paused)

    def _count(self, **traffic: int) -> None:
        self._traffic.update(traffic)
        self._totals.add(**traffic)

    def _enter(self, imported: int, failures: Sequence[Failure], batch: Outgoing | None = None) -> None:
        assert len({failure.index for failure in failures}) == len(failures), "an event has one verdict"
        self._imported += imported
        self._totals.add(imported=imported, **Counter(str(failure.kind) for failure in failures))
        if self._dead_letter and batch and failures:
            self._recall(batch, failures)
        for failure in failures:
            self._failed[failure.kind] += 1
            _tally(self._by_reason, failure.reason, failure)
            if len(self._failures) < KEPT_FAILURES:
                self._failures.append(failure)
            if self._dead_letter:
                written = self._dead_letter.write(failure, self._originals.pop(failure.index, None))
                self._traffic["unwritten"] += not written

    def _recall(self, batch: Outgoing, failures: Sequence[Failure]) -> None:
        """Of an event that was not kept at hand, what was written of it goes into the dead letter."""
        missing = {failure.index for failure in failures} - self._originals.keys()
        if missing:
            written = zip(batch.indexes, batch.events(), strict=True)
            self._originals.update((index, self._without_token(text)) for index, text in written if index in missing)

    def _without_token(self, text: bytes) -> object:
        event = json.loads(text)
        if self._token is not None and event["properties"].get("token") == self._token:
            del event["properties"]["token"]
        return event

    def _settled(self) -> int:
        return self._imported + sum(self._failed.values())

    def _by_kind(self) -> tuple[int, int, int]:
        return self._failed["rejected"], self._failed["refused"], self._failed["undelivered"]

    def _report(self, total: int, elapsed: float) -> Report:
        rejected, refused, undelivered = self._by_kind()
        return Report(
            total=total,
            imported=self._imported,
            rejected=rejected,
            refused=refused,
            undelivered=undelivered,
            truncated=self._traffic["truncated"],
            warnings=self._traffic["warnings"],
            requests=self._traffic["requests"],
            retries=self._traffic["retries"],
            throttled=self._traffic["throttled"],
            bytes_raw=self._traffic["bytes_raw"],
            bytes_sent=self._traffic["bytes_sent"],
            unwritten=self._traffic["unwritten"],
            elapsed=elapsed,
            confirms=self._confirms,
            failures=sorted(self._failures, key=attrgetter("index")),
            by_reason=self._by_reason,
            cut_by_path=self._cut_by_path,
            warned_by_rule=self._warned_by_rule,
        )


def _undelivered(indexes: Sequence[int], reason: str) -> list[Failure]:
    return [Failure(index, "undelivered", reason) for index in indexes]


def _tally(tallies: dict[str, Tally[Found]], key: str, found: Found) -> None:
    if key not in tallies and len(tallies) >= KEPT_REASONS:
        key = "other"
    before = tallies.get(key)
    tallies[key] = Tally(before.count + 1, before.example) if before else Tally(1, found)
