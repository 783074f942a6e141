"""A report as the members of a JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mixpress.report.report import Failure, Report

MAX_FAILURES = 200
"""Failures that are listed one by one."""

_COUNTS = (
    *("total", "imported", "rejected", "refused", "undelivered", "earlier", "truncated", "warnings"),
    *("requests", "retries", "throttled", "bytes_raw", "bytes_sent", "unwritten", "dry_run"),
)


def as_members(report: Report) -> dict[str, Any]:
    """Return a report for JSON: its counts, the reasons of its failures, and the first `MAX_FAILURES` of them."""
    return {
        "schema": 1,
        "ok": not report.failed and not report.damaged,
        **{name: getattr(report, name) for name in _COUNTS},
        "elapsed": round(report.elapsed, 3),
        "damaged": list(report.damaged),
        "reasons": [
            {"reason": reason, "count": count, "first": _as_dict(failure)}
            for reason, count, failure in by_count(report)
        ],
        "cuts": [{"path": path, "count": tally.count} for path, tally in report.cut_by_path.items()],
        "warned": [{"rule": rule, "count": tally.count} for rule, tally in report.warned_by_rule.items()],
        "failures": [_as_dict(failure) for failure in report.failures[:MAX_FAILURES]],
    }


def by_count(report: Report) -> list[tuple[str, int, Failure]]:
    """Return the reasons of failures with their count and the first one, the most frequent reason first."""
    tallies = sorted(report.by_reason.items(), key=lambda item: -item[1].count)
    return [(reason, tally.count, tally.example) for reason, tally in tallies]


def _as_dict(failure: Failure) -> dict[str, Any]:
    place = failure.place._asdict() if failure.place else None
    return {
        "index": failure.index,
        "kind": failure.kind,
        "rule": failure.rule,
        "field": failure.field,
        "message": failure.message,
        "insert_id": failure.insert_id,
        "place": place,
    }
