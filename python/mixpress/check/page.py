"""The page of a check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpress.check.cuts import ADVICE
from mixpress.check.report import HOT
from mixpress.report.page.model import Figure, Page, Rows, Section, Table
from mixpress.report.page.parts import compression, events_by_day, in_units, sizes
from mixpress.wording import counted, in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress.check.examples import Findings
    from mixpress.check.report import CheckReport

MOST = 50
"""Rows of a table."""
BARS = 12
"""Bars of a chart of rows."""


def page_of(report: CheckReport, failures: Sequence[str]) -> Page:
    """Return the page of a check that failed for these reasons, or passed."""
    names = list(report.files)
    files = names[0] if len(names) == 1 else counted(len(names), "file")
    facts = [("Files", files), ("Checked in", in_words(report.elapsed))]
    if report.stored_bytes is not None:
        facts.append(("Size", in_units(report.stored_bytes)))
    sections = [
        _damaged(report),
        _rules_chart(report),
        events_by_day(report.content.days.counts) if report.what == "event" else None,
        _names(report),
        sizes(report.content.sizes, report.what),
        compression(report.raw_bytes, report.gzipped_bytes, "to be sent") if report.what == "event" else None,
        _findings("Rules broken", report.rules, report.what),
        _findings("Warnings", report.warnings, report.what),
        _cuts(report),
        _types(report),
        _ids(report),
        _hot(report),
        _lost(report),
    ]
    found = [section for section in sections if section is not None]
    return Page("Check before an import", not failures, _verdict(report, failures), facts, _figures(report), found)


def _verdict(report: CheckReport, failures: Sequence[str]) -> str:
    if not failures:
        every = f"the {report.what}" if report.events == 1 else f"all {report.events:,} {report.what}s"
        return f"The check passed: {every} would be sent."
    passed = f"{report.passed:,} of {counted(report.events, report.what)} would be sent."
    return f"The check failed ({', '.join(failures)}): {passed}"


def _figures(report: CheckReport) -> list[Figure]:
    rejected = Figure("would be rejected", f"{report.rejected:,}", "bad" if report.rejected else "plain")
    figures = [
        Figure("would be sent", f"{report.passed:,}", "good"),
        rejected,
        Figure("to import, at least", in_words(report.seconds_to_send), note="by the rate limit"),
        Figure("requests", f"{report.requests:,}"),
        Figure("texts to be cut", f"{report.cuts.count:,}"),
    ]
    if report.what == "event":
        figures.append(Figure("duplicates", f"{report.duplicates:,}"))
    if report.left_out:
        figures.append(Figure("left out", f"{report.left_out:,}", note="by the filters"))
    return figures


def _damaged(report: CheckReport) -> Section | None:
    rows = [(text,) for text in (*report.damaged, report.stopped) if text]
    return Section("Not read to the end", table=Table(("File",), rows), wide=True) if rows else None


def _rules_chart(report: CheckReport) -> Section:
    if not report.rejected:
        return Section("Rejected by rule", f"No {report.what} would be rejected.")
    said = f"{report.what.title()}s by the first rule that each breaks."
    bars = [(rule, float(finding.count), f"{finding.count:,}") for rule, finding in list(report.first_rules)[:BARS]]
    return Section("Rejected by rule", said, Rows("Rejected by rule", said, bars))


def _names(report: CheckReport) -> Section | None:
    names = report.content.names
    if not names.counts:
        return None
    about = "" if names.is_exact else "at least "
    said = (
        f"{about}{len(names.counts):,} {'names' if report.what == 'event' else 'operations'}, the most frequent first."
    )
    bars = [(name, float(count), f"{count:,}") for name, count in names.counts.most_common(BARS)]
    title = "Event names" if report.what == "event" else "Operations"
    return Section(title, said, Rows(title, said, bars))


def _findings(heading: str, findings: Findings, what: str) -> Section | None:
    if not findings.by_kind:
        return None
    rows = [
        (rule if number == 0 else "", f"{finding.count:,}" if number == 0 else "", str(one.place), _said(one))
        for rule, finding in list(findings)[:MOST]
        for number, one in enumerate(finding.examples)
    ]
    return Section(heading, table=Table(("Rule", f"{what.title()}s", "At", "Message"), rows, frozenset({1})), wide=True)


def _said(example: object) -> str:
    field, message = getattr(example, "field", ""), getattr(example, "message", "")
    return f"{field}: {message}" if field else message


def _cuts(report: CheckReport) -> Section | None:
    if not report.cuts.by_path:
        return None
    rows = [
        (path, f"{cut.count:,}", f"{cut.longest:,}", str(cut.examples[0].place), ADVICE[cut.usual])
        for path, cut in list(report.cuts)[:MOST]
    ]
    table = Table(("Property", "Texts", "Longest", "First at", "Advice"), rows, frozenset({1, 2}))
    return Section("Texts to be cut to 255 characters", table=table, wide=True)


def _types(report: CheckReport) -> Section | None:
    rows = [
        (name if number == 0 else "", kind, f"{one.count:,}", str(one.examples[0].place), one.examples[0].message)
        for name, found in report.content.types.conflicts()[:MOST]
        for number, (kind, one) in enumerate(found)
        if one.examples
    ]
    if not rows:
        return None
    table = Table(("Property", "Type", f"{report.what.title()}s", "First at", "Value"), rows, frozenset({2}))
    return Section("Properties with values of several types", table=table, wide=True)


def _ids(report: CheckReport) -> Section | None:
    rows = [
        (kind if number == 0 else "", f"{one.count:,}" if number == 0 else "", str(example.place), example.message)
        for kind, one in report.content.ids
        for number, example in enumerate(one.examples)
    ]
    if not rows:
        return None
    return Section(
        "Ids that look wrong",
        table=Table(("Kind", f"{report.what.title()}s", "At", "Id"), rows, frozenset({1})),
        wide=True,
    )


def _hot(report: CheckReport) -> Section | None:
    rows = [(user, day, f"{count:,}") for day, user, count in report.hot_users()[:MOST]]
    if not rows:
        return None
    said = f"More than {HOT:,} events of one id on a day: the server takes the id away."
    return Section("Hot ids", said, table=Table(("Id", "Day", "Events"), rows, frozenset({2})), wide=True)


def _lost(report: CheckReport) -> Section | None:
    """Return the events that the server would drop."""
    ignored = report.content.ignored.of("$ignore")
    found = [("$ignore", ignored.count, ignored.examples)]
    found.append(("duplicate", report.duplicates, report.content.duplicates.of("duplicate").examples))
    rows = []
    for kind, count, examples in found:
        if count and not examples:
            rows.append((kind, f"{count:,}", "", ""))
        for number, one in enumerate(examples):
            rows.append((kind if number == 0 else "", f"{count:,}" if number == 0 else "", str(one.place), _said(one)))
    if not rows:
        return None
    table = Table(("Why", "Events", "At", "Message"), rows, frozenset({1}))
    return Section("Dropped by the server", "It does not say so.", table=table, wide=True)
