"""The events that a client was given to track, and their verdicts by its reports; counted apart from the client."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from mixpress import Client, Report

    from .world import Kind


class Verdict(NamedTuple):
    """The verdict on one event."""

    kind: Kind
    name: str
    verdict: str


class Tracked:
    """All events that one client tracked, in order."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._taken: list[tuple[Kind, str]] = []
        """By the index that failures have; a dropped event has none."""
        self._dropped: list[Verdict] = []
        self._failed: dict[int, str] = {}
        self._reported: Counter[str] = Counter()
        self._over = 0
        """The number of taken events whose verdicts are checked."""
        self.count = 0

    def add(self, kind: Kind, event: dict[str, Any]) -> None:
        """Track an event, and check the result of the call."""
        name = event["properties"]["$insert_id"]
        before = self._client.stats().dropped
        rejections = self._client.track_many([event])
        dropped = self._client.stats().dropped - before
        self.count += 1
        if dropped:
            assert (dropped, rejections) == (1, {}), "a dropped event is not validated"
            self._dropped.append(Verdict(kind, name, "dropped"))
        else:
            assert bool(rejections) is ("rejected" in kind.verdicts)
            self._taken.append((kind, name))

    def enter(self, report: Report) -> list[Verdict]:
        """Add a report. Return the verdicts on all events since the last complete one, if none is pending."""
        for failure in report.failures:
            assert failure.index not in self._failed, "an event has one verdict"
            assert 0 <= failure.index < len(self._taken)
            self._failed[failure.index] = failure.kind
        self._reported.update(
            imported=report.imported,
            rejected=report.rejected,
            refused=report.refused,
            undelivered=report.undelivered,
        )
        assert report.total + report.pending == len(self._taken) - (self._reported.total() - report.total)
        assert self._reported.total() - self._reported["imported"] == len(self._failed), "each failure is reported"
        return [] if report.pending else self._settle()

    def _settle(self) -> list[Verdict]:
        verdicts, self._dropped = self._dropped, []
        for index in range(self._over, len(self._taken)):
            verdicts.append(Verdict(*self._taken[index], self._failed.get(index, "imported")))
        self._over = len(self._taken)
        assert self._reported == +Counter(self._failed.values()) + Counter(imported=self._over - len(self._failed))
        return verdicts
