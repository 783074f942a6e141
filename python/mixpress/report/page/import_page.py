"""The page of an import."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mixpress.report.as_json import MAX_FAILURES, as_members, by_count
from mixpress.report.measures import day_of, largest_size
from mixpress.report.page.model import Figure, Line, Page, Rows, Section, Span, Table
from mixpress.report.page.parts import compression, events_by_day, sizes
from mixpress.wording import counted, in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress.report.history import ImportHistory, Sample
    from mixpress.report.report import Failure, Report

MAX_REASONS = 25
"""Reasons in the chart and the table of failures."""
MAX_POINTS = 120
"""Points of the chart of speed."""


def import_page(
    report: Report, history: ImportHistory, facts: Sequence[tuple[str, str]] = (), what: str = "event"
) -> Page:
    """Return the page of an import of events, or of updates; `facts` are the files, the server and so on."""
    ok = not report.failed and not report.damaged
    return Page(
        "Dry run of an import" if report.dry_run else "Import",
        ok,
        _verdict(report, what),
        facts,
        _figures(report, what),
        [section for section in _sections(report, history, what) if section is not None],
    )


def _verdict(report: Report, what: str) -> str:
    done = "was imported" if report.total == 1 else "were imported"
    sent = "would be sent" if report.dry_run else done
    if not report.failed and not report.damaged:
        return f"All {report.total:,} {what}s {sent}." if report.total != 1 else f"The {what} {sent}."
    damaged = f" {len(report.damaged):,} of the files could not be read to the end." if report.damaged else ""
    return f"{report.imported:,} of {counted(report.total, what)} {sent}; {report.failed:,} failed.{damaged}"


def _figures(report: Report, what: str) -> list[Figure]:
    def count(name: str, number: int, note: str = "") -> Figure:
        return Figure(name, f"{number:,}", "bad" if number else "plain", note)

    rate = report.total / report.elapsed if report.elapsed > 0 else 0
    figures = [
        Figure("would be sent" if report.dry_run else "imported", f"{report.imported:,}", "good"),
        count("rejected", report.rejected, "they break a rule"),
        count("refused", report.refused, "by the server"),
        count("undelivered", report.undelivered, "no answer"),
        Figure("time", in_words(report.elapsed), note=f"{rate:,.0f} {what}s/s"),
        Figure("requests", f"{report.requests:,}", note=f"{report.retries:,} retries"),
    ]
    if report.earlier:
        figures.append(Figure("earlier", f"{report.earlier:,}", note="in a run before"))
    if report.truncated:
        figures.append(Figure("texts cut", f"{report.truncated:,}"))
    return figures


def _sections(report: Report, history: ImportHistory, what: str) -> list[Section | None]:
    return [
        _damaged(report),
        _failed_by_reason(report, what),
        events_by_day(history.days) if what == "event" else None,  # updates have no day, and are not compressed
        _speed(history.samples, what),
        compression(report.bytes_raw, report.bytes_sent) if what == "event" else None,
        sizes(history.sizes, what),
        _reasons(report, what),
        _failures(report, what),
        _cuts(report),
        _warnings(report),
    ]


def _damaged(report: Report) -> Section | None:
    if not report.damaged:
        return None
    rows = [(text,) for text in report.damaged]
    return Section("Files that could not be read to the end", table=Table(("File",), rows), wide=True)


def _failed_by_reason(report: Report, what: str) -> Section | None:
    if not report.failed:
        return Section("Failures", f"No {what} failed.")
    reasons = by_count(report)
    bars = [(reason, float(count), f"{count:,}") for reason, count, _ in reasons[:10]]
    said = f"{counted(report.failed, what)} failed, by the rule that they break or by the server's message."
    if len(reasons) > len(bars):
        said += f" These are the {len(bars)} most frequent of {len(reasons):,} reasons."
    return Section("Failures by reason", said, Rows("Failures by reason", said, bars))


def _reasons(report: Report, what: str) -> Section | None:
    reasons = by_count(report)
    if not reasons:
        return None
    rows = [
        (reason if failure.rule else failure.kind, f"{count:,}", _place(failure), _message(failure))
        for reason, count, failure in reasons[:MAX_REASONS]
    ]
    note = f"{len(reasons) - MAX_REASONS:,} other reasons are left out." if len(reasons) > MAX_REASONS else ""
    table = Table(("Reason", f"{what.title()}s", "First at", "Message"), rows, frozenset({1}), note)
    return Section("Reasons", table=table, wide=True)


def _failures(report: Report, what: str) -> Section | None:
    if not report.failures:
        return None
    rows = [
        (_place(failure), failure.kind, failure.rule or "", _message(failure))
        for failure in report.failures[:MAX_FAILURES]
    ]
    left = report.failed - len(rows)
    note = f"{left:,} further failures are left out; a dead letter has all." if left else ""
    return Section(f"Failed {what}s", table=Table(("At", "Verdict", "Rule", "Message"), rows, note=note), wide=True)


def _place(failure: Failure) -> str:
    return str(failure.place) if failure.place else f"event {failure.index:,}"


def _message(failure: Failure) -> str:
    return f"{failure.field}: {failure.message}" if failure.field else failure.message


def _cuts(report: Report) -> Section | None:
    if not report.cut_by_path:
        return None
    tallies = sorted(report.cut_by_path.items(), key=lambda item: -item[1].count)[:MAX_REASONS]
    rows = [(path, f"{tally.count:,}", f"{tally.example.length:,}", tally.example.advice) for path, tally in tallies]
    table = Table(("Property", "Texts", "Length of the first", "Kind"), rows, frozenset({1, 2}))
    return Section("Texts cut to 255 characters", table=table, wide=True)


def _warnings(report: Report) -> Section | None:
    if not report.warned_by_rule:
        return None
    rows = [(rule, f"{tally.count:,}", tally.example.message) for rule, tally in report.warned_by_rule.items()]
    return Section("Warnings", table=Table(("Rule", "Events", "First message"), rows, frozenset({1})), wide=True)


def _speed(samples: Sequence[Sample], what: str) -> Section:
    """Return the events a second over time, and when something was waited for."""
    title = f"{what.title()}s a second"
    joined = samples[:: max(1, -(-len(samples) // MAX_POINTS))]
    if joined[-1] is not samples[-1]:
        joined = [*joined, samples[-1]]
    pairs = [(one, other) for one, other in pairwise(joined) if other.seconds > one.seconds]
    if not pairs:
        return Section(title, "The import was too short for a chart.")
    points = [
        ((one.seconds + other.seconds) / 2, (other.events - one.events) / (other.seconds - one.seconds))
        for one, other in pairs
    ]
    last = samples[-1]
    said = (
        f"Answered by the server. {in_words(last.rate_waited)} were waited for the rate limit, "
        f"{in_words(last.retry_waited)} for retries."
    )
    points = [(0.0, points[0][1]), *points, (last.seconds, points[-1][1])]
    rate = [_span(one, other, other.rate_waited - one.rate_waited) for one, other in pairs]
    retry = [_span(one, other, other.retry_waited - one.retry_waited) for one, other in pairs]
    lanes = [("waiting for the rate limit", rate), ("waiting for a retry", retry)]
    return Section(title, said, Line(title, said, points, lanes))


def _span(one: Sample, other: Sample, waited: float) -> Span:
    return Span(one.seconds, other.seconds, waited / (other.seconds - one.seconds))


def import_json(report: Report, history: ImportHistory) -> dict[str, Any]:
    """Return the report of an import for JSON, with what the charts of its page show."""
    return {
        **as_members(report),
        "days": [{"day": day_of(day), "count": count} for day, count in sorted(history.days.items())],
        "sizes": [{"at_most": largest_size(one), "count": count} for one, count in sorted(history.sizes.items())],
        "samples": [sample._asdict() for sample in history.samples],
    }
