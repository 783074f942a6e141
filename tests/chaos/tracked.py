"""What a client was given to track, and what its reports say of it: an account kept beside the client's own."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from mixpress import Client, Report

    from .world import Kind


class Verdict(NamedTuple):
    """What became of one event."""

    kind: Kind
    name: str
    verdict: str


class Tracked:
    """All events that one client tracked, in order."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._taken: list[tuple[Kind, str]] = []
        """By the index that failures name: an event that is dropped has none."""
        self._dropped: list[Verdict] = []
        self._failed: dict[int, str] = {}
        self._told: Counter[str] = Counter()
        self._over = 0
        """So many of those taken are checked: their verdicts are all in."""
        self.count = 0

    def add(self, kind: Kind, event: dict[str, Any]) -> None:
        """Track an event, and hold what the call says against what the event is."""
        name = event["properties"]["$insert_id"]
        before = self._client.stats().dropped
        rejections = self._client.track_many([event])
        dropped = self._client.stats().dropped - before
        self.count += 1
        if dropped:
            assert (dropped, rejections) == (1, {}), "an event that is dropped is not looked at"
            self._dropped.append(Verdict(kind, name, "dropped"))
        else:
            assert bool(rejections) is ("rejected" in kind.verdicts)
            self._taken.append((kind, name))

    def enter(self, report: Report) -> list[Verdict]:
        """Note a report. The verdicts on all events that no report before spoke of, where none is pending now."""
        for failure in report.failures:
            assert failure.index not in self._failed, "an event has one verdict"
            assert 0 <= failure.index < len(self._taken)
            self._failed[failure.index] = failure.kind
        self._told.update(
            imported=report.imported,
            rejected=report.rejected,
            refused=report.refused,
            undelivered=report.undelivered,
        )
        assert report.total + report.pending == len(self._taken) - (self._told.total() - report.total)
        assert self._told.total() - self._told["imported"] == len(self._failed), "each failure is told of"
        return [] if report.pending else self._settle()

    def _settle(self) -> list[Verdict]:
        verdicts, self._dropped = self._dropped, []
        for index in range(self._over, len(self._taken)):
            verdicts.append(Verdict(*self._taken[index], self._failed.get(index, "imported")))
        self._over = len(self._taken)
        assert self._told == +Counter(self._failed.values()) + Counter(imported=self._over - len(self._failed))
        return verdicts
