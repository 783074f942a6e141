"""`ReportBuilder`: counts verdicts, or adds up reports, and returns the sum as one `Report`."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from mixpress.report.failures import MadeFailures
from mixpress.report.journal import Journal
from mixpress.report.report import Confirms, Report, Tally, UnreadFailures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mixpress._core import Finding, Truncation
    from mixpress.report.failures import Failures
    from mixpress.report.report import Failure, Kind

KEPT_FAILURES = 10_000
"""How many failures a report holds; it counts them all."""
KEPT = "kept"
"""How many failures the sums hold, among their counts."""
KEPT_REASONS = 1000
"""How many different reasons are counted separately."""

LARGE = 100
"""An entry of more failures and findings is summed up at once."""

Found = TypeVar("Found")

_COUNTS = (
    *("total", "imported", "rejected", "refused", "undelivered", "truncated", "warnings"),
    *("requests", "retries", "throttled", "bytes_raw", "bytes_sent", "unwritten"),
)


class FoundCounts(Protocol):
    """How often something was found in events: the core's `Tallies`, or an object of this shape."""

    @property
    def truncated(self) -> Mapping[str, int]:
        """Truncated strings: path -> count."""
        ...

    @property
    def warnings(self) -> Mapping[str, int]:
        """Warnings: rule -> count."""
        ...

    def first_truncation(self, path: str) -> Truncation | None:
        """Return the first truncated string with this path, or None."""
        ...

    def first_warning(self, rule: str) -> Finding | None:
        """Return the first warning of this rule, or None."""
        ...


class Entry(NamedTuple):
    """What a report counts in one step."""

    counts: Mapping[str, int]
    failures: Failures = MadeFailures()
    found: FoundCounts | None = None
    """What the encoder truncated and warned about. Of all this the report keeps the first of each path and rule."""
    report: Report | None = None
    """A report whose tallies are added; its counts and failures are above."""


class _Sums:
    """The sums of entries, in bounded memory."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: list[Failures] = []
        self.by_reason: dict[str, Tally[Failure]] = {}
        self.cut_by_path: dict[str, Tally[Truncation]] = {}
        self.warned_by_rule: dict[str, Tally[Finding]] = {}

    def copy(self) -> _Sums:
        other = _Sums()
        vars(other).update({name: value.copy() for name, value in vars(self).items()})
        return other

    def add(self, entry: Entry) -> None:
        self.counts.update(entry.counts)
        self._keep(entry.failures)
        if entry.report is not None:
            _merge(self.by_reason, entry.report.by_reason)
            _merge(self.cut_by_path, entry.report.cut_by_path)
            _merge(self.warned_by_rule, entry.report.warned_by_rule)
            return
        _count(self.by_reason, entry.failures.reasons(), entry.failures.first)
        if entry.found is not None:
            _count(self.cut_by_path, entry.found.truncated, entry.found.first_truncation)
            _count(self.warned_by_rule, entry.found.warnings, entry.found.first_warning)

    def _keep(self, failures: Failures) -> None:
        kept = failures.head(KEPT_FAILURES - self.counts[KEPT]) if failures else failures
        if kept:
            self.failures.append(kept)
            self.counts[KEPT] += len(kept)

    def list_failures(self) -> list[Failure]:
        """Return the failures that are kept, by index."""
        return sorted(chain.from_iterable(self.failures), key=attrgetter("index"))


class ReportBuilder:
    """A report under construction, in bounded memory. Each call counts as a whole or not at all, see `Journal`."""

    def __init__(self, confirms: Confirms) -> None:
        self._confirms: Confirms = confirms
        self._journal: Journal[_Sums, Entry] = Journal(_Sums(), _Sums.copy, _Sums.add)
        self.append = self._journal.append
        """Adds an entry in one step, so that `together` can do it in one with another."""

    def count(self, **counts: int) -> None:
        """Add to the counts of these names, which are those of the report."""
        self._journal.add(Entry(counts))

    def add_findings(self, found: FoundCounts | None, **counts: int) -> None:
        """Count what the encoder truncated and warned about, if it did; its rejections are counted as failures."""
        if found is not None:
            counts.update(truncated=sum(found.truncated.values()), warnings=sum(found.warnings.values()))
        self._add(Entry(counts, found=found))

    def add_report(self, report: Report) -> None:
        """Add everything that a report counts."""
        counts = {name: getattr(report, name) for name in _COUNTS}
        self._add(Entry(counts, MadeFailures(tuple(report.failures)), report=report))

    def _add(self, entry: Entry) -> None:
        self.append(entry)
        self.trim(entry)

    def trim(self, entry: Entry) -> None:
        """Bound the memory after a call of `append`."""
        found = entry.counts.get("truncated", 0) + entry.counts.get("warnings", 0)
        is_large = len(entry.failures) + found > LARGE or entry.report
        self._journal.trim(*([1] if is_large else []))

    def counted(self, kind: Kind) -> int:
        """Return how many failures of a kind were added."""
        return self._journal.sums().counts[kind]

    @property
    def imported(self) -> int:
        """Imported events so far."""
        return self._journal.sums().counts["imported"]

    @property
    def unwritten(self) -> int:
        """Failures so far that could not be written."""
        return self._journal.sums().counts["unwritten"]

    @property
    def verdicts(self) -> int:
        """Events with a verdict so far."""
        counts = self._journal.sums().counts
        return sum(counts[kind] for kind in ("imported", "rejected", "refused", "undelivered"))

    def report(self, *, elapsed: float, pending: int = 0, total: int = 0) -> Report:
        """Return the report, with `total` more events in it. It shares nothing with the builder."""
        sums = self._journal.sums().copy()
        sums.counts["total"] += total
        counts: dict[str, Any] = {name: sums.counts[name] for name in _COUNTS}
        return Report(
            **counts,
            pending=pending,
            elapsed=elapsed,
            confirms=self._confirms,
            failures=UnreadFailures(sums.list_failures),  # type: ignore[arg-type] # a list once it is read
            by_reason=sums.by_reason,
            cut_by_path=sums.cut_by_path,
            warned_by_rule=sums.warned_by_rule,
        )


def _merge(into: dict[str, Tally[Found]], tallies: Mapping[str, Tally[Found]]) -> None:
    for key, tally in tallies.items():
        _add(into, key, tally)


def _add(into: dict[str, Tally[Found]], key: str, tally: Tally[Found]) -> None:
    name = key if key in into or len(into) < KEPT_REASONS else "other"
    before = into.get(name)
    into[name] = Tally(before.count + tally.count, before.example) if before else tally


def _count(into: dict[str, Tally[Found]], counts: Mapping[str, int], first: Callable[[str], Found | None]) -> None:
    """Add counts. `first` returns the first occurrence, and is called only for a key that is new."""
    for key, count in counts.items():
        name = key if key in into or len(into) < KEPT_REASONS else "other"
        before = into.get(name)
        example = before.example if before else first(key)
        if example is not None:
            into[name] = Tally((before.count if before else 0) + count, example)
