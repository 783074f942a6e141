"""`CheckReport`: what a check found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mixpress.check.content import Content
from mixpress.check.cuts import ADVICE, Cuts
from mixpress.check.examples import Findings
from mixpress.check.ids import KINDS
from mixpress.report.measures import day_of
from mixpress.send.rate_limit import RateLimit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mixpress.check.examples import Finding

SCHEMA = 1
"""The version of the JSON: it grows when a member is renamed or removed."""
HOT = 200_000
"""Events of one `distinct_id` a day; the API renames those of a day with more."""
MAX_FILES = 1000
"""Names of files that are kept."""
LISTED = 100
"""Entries of a list in the JSON; each list has its whole count beside it."""

FAILURES = ("rejected", "damaged", "stopped")
"""What always makes a check fail."""
CHOICES = ("warnings", "cuts", "duplicates", "types", "ids", "hot-ids", "ignored")
"""What makes a check fail if the user asks for it."""
OF_EVENTS = ("duplicates", "hot-ids", "ignored")
"""Those of them that updates of profiles never have."""


@dataclass
class CheckReport:
    """What an import would do with an input: `passed + rejected == events`."""

    what: str = "event"
    """What it counts: events, or updates of profiles."""
    passed: int = 0
    """Events that would be sent."""
    rejected: int = 0
    """Events that break a rule of the API, and records that are no event."""
    left_out: int = 0
    """Records that the mapping's filters leave out."""
    requests: int = 0
    raw_bytes: int = 0
    """Bytes of the requests before gzip."""
    gzipped_bytes: int = 0
    stored_bytes: int | None = None
    """Bytes of the files as they are stored; None if it is not known."""
    elapsed: float = 0.0
    """Seconds that the check took."""
    stopped: str = ""
    """Why the check ended early, if it did."""
    duplicates: int = 0
    """Events with the name, time, `distinct_id` and `$insert_id` of an earlier one: the server keeps one of them."""
    files: dict[str, None] = field(default_factory=dict)
    more_files: bool = False
    damaged: list[str] = field(default_factory=list)
    rules: Findings = field(default_factory=Findings)
    """Rejected events by rule; an event counts under each rule that it breaks."""
    first_rules: Findings = field(default_factory=Findings)
    """Rejected events by the first rule that each breaks: the counts add up to `rejected`."""
    warnings: Findings = field(default_factory=Findings)
    cuts: Cuts = field(default_factory=Cuts)
    content: Content = field(default_factory=Content)

    @property
    def events(self) -> int:
        """Return the number of events."""
        return self.passed + self.rejected

    def count_file(self, name: str) -> None:
        """Remember the name of a file."""
        if len(self.files) < MAX_FILES or name in self.files:
            self.files[name] = None
        else:
            self.more_files = True

    @property
    def seconds_to_send(self) -> float:
        """Return the seconds that the documented rate limit makes an import take at least."""
        limit = RateLimit.documented()
        return max(self.passed / limit.events, self.raw_bytes / limit.bytes) * limit.seconds

    def hot_users(self) -> list[tuple[str, str, int]]:
        """Return the day, the id and the count of each id with too many events on a day."""
        return [(day_of(day), user, count) for day, user, count in self.content.hot_users(HOT)]

    def days(self) -> list[tuple[str, int]]:
        """Return the days in UTC with the count of events, in order."""
        return [(day_of(day), count) for day, count in sorted(self.content.days.counts.items())]

    def failures(self, choices: Iterable[str] = ()) -> list[str]:
        """Return why the check fails: what always does, and what was chosen of `CHOICES`."""
        found = {
            "rejected": self.rejected,
            "damaged": len(self.damaged),
            "stopped": len(self.stopped),
            "warnings": self.warnings.count,
            "cuts": self.cuts.count,
            "duplicates": self.duplicates,
            "types": len(self.content.types.conflicts()),
            "ids": self.content.ids.count,
            "hot-ids": len(self.content.hot_users(HOT)),
            "ignored": self.content.ignored.count,
        }
        return [name for name in (*FAILURES, *choices) if found[name]]

    def as_dict(self, choices: Iterable[str] = ()) -> dict[str, Any]:
        """Return everything for JSON; docs/check.md describes each member."""
        failures = self.failures(choices)
        return {
            "schema": SCHEMA,
            "ok": not failures,
            "failures": failures,
            "files": list(self.files),
            "what": f"{self.what}s",
            "events": self.events,
            "passed": self.passed,
            "rejected": self.rejected,
            "left_out": self.left_out,
            "stopped": self.stopped or None,
            "damaged": self.damaged,
            "rules": [{**_finding(rule, one), "first": self._first(rule)} for rule, one in self.rules],
            "warnings": [_finding(rule, one) for rule, one in self.warnings],
            "cuts": self._cuts_as_list(),
            **self._content_as_dict(),
            "import": {
                "seconds": round(self.seconds_to_send, 3),
                "requests": self.requests,
                "raw_bytes": self.raw_bytes,
                "gzipped_bytes": self.gzipped_bytes,
            },
            "elapsed": round(self.elapsed, 3),
        }

    def _first(self, rule: str) -> int:
        found = self.first_rules.by_kind.get(rule)
        return found.count if found else 0

    def _cuts_as_list(self) -> list[dict[str, Any]]:
        return [
            {"path": path, **_counted(cut), "longest": cut.longest, "kind": cut.usual, "advice": ADVICE[cut.usual]}
            for path, cut in self.cuts
        ]

    def _content_as_dict(self) -> dict[str, Any]:
        content, hot = self.content, self.hot_users()
        return {
            "names": {
                "exact": content.names.is_exact,
                "count": len(content.names.counts),
                "list": [{"event": name, "count": count} for name, count in content.names.counts.most_common(LISTED)],
            },
            "days": {"exact": content.days.is_exact, "list": [{"day": day, "count": n} for day, n in self.days()]},
            "types": [
                {"property": name, "types": [_finding(kind, one, "type") for kind, one in found]}
                for name, found in content.types.conflicts()
            ],
            "properties": {"exact": not content.types.left_out, "count": content.types.names},
            "ids": [{**_finding(kind, one, "kind"), "meaning": KINDS[kind]} for kind, one in content.ids],
            "hot_ids": {
                "limit": HOT,
                "error": content.users.error,
                "count": len(hot),
                "list": [{"day": day, "distinct_id": user, "count": count} for day, user, count in hot[:LISTED]],
            },
            "ignored": _counted(content.ignored.of("$ignore")),
            "duplicates": {**_counted(content.duplicates.of("duplicate")), "count": self.duplicates},
        }


def _finding(kind: str, finding: Finding, key: str = "rule") -> dict[str, Any]:
    return {key: kind, **_counted(finding)}


def _counted(finding: Finding) -> dict[str, Any]:
    return {"count": finding.count, "examples": [example.as_dict() for example in finding.examples]}
