"""Print a `Report` for a person, on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from mixpress.report.report import Failure, Report

MAX_REASONS = 12
"""Maximum number of reasons to list; the rest are counted."""

INDENT = " " * 13

VERDICTS = (
    ("imported", "green", "the server has them"),
    ("rejected", "yellow", "not sent: they break a rule"),
    ("refused", "yellow", "sent, but refused by the server"),
    ("undelivered", "red", "not confirmed by the server; sending them again is safe"),
)
ADVICE = {
    "url": "send a URL's host, path and parameters as separate properties",
    "json": "send the fields of the JSON as separate properties",
    "text": "omit long text that no report needs",
}


def print_summary(console: Console, report: Report, source: str, place: Callable[[int], str]) -> None:
    """Print the verdicts on the events of `source`; `place` returns the position of the event with an index."""
    rate = f", {report.total / report.elapsed:,.0f} events/s" if report.elapsed > 0 else ""
    _line(console, (f"{report.total:,} events", "bold"), f" read from {source} in {report.elapsed:.2f} s{rate}")
    for verdict, color, meaning in VERDICTS:
        count = getattr(report, verdict)
        style = f"bold {color}" if count else "dim"
        gap = " " * (13 - len(verdict))
        _line(console, (f"{count:>12,} {verdict}", style), (f"{gap}{meaning}" if count else "", "dim"))
    for text in filter(None, (_traffic(report), _cuts(report), _warnings(report))):
        _line(console, text)
    if report.failed:
        _line(console, "Reasons for failures, with the position of the first event for each:")
        _print_reasons(console, report, place)


def _print_reasons(console: Console, report: Report, place: Callable[[int], str]) -> None:
    by_count = sorted(report.by_reason.values(), key=lambda tally: tally.count, reverse=True)
    for tally in by_count[:MAX_REASONS]:
        failure = tally.example
        where = place(failure.index)
        _line(console, (f"{tally.count:>12,} {failure.rule or failure.kind}", "bold"))
        _line(console, INDENT, (where, "cyan"), f"  {reason_of(failure).removeprefix(f'{where}: ')}")
    if len(by_count) > MAX_REASONS:
        _line(console, INDENT, f"and {len(by_count) - MAX_REASONS:,} other reasons")


def _line(console: Console, *parts: str | tuple[str, str]) -> None:
    console.print(Text.assemble(*parts), soft_wrap=True)


def reason_of(failure: Failure) -> str:
    """Return the failure's message, after its field if it has one."""
    return f"{failure.field}: {failure.message}" if failure.field else failure.message


def _traffic(report: Report) -> str:
    if not report.requests:
        return ""
    retries = f", {report.retries:,} of them retries" if report.retries else ""
    return (
        f"{in_bytes(report.bytes_raw)} of JSON, sent as {in_bytes(report.bytes_sent)} "
        f"in {counted(report.requests, 'request')}{retries}"
    )


def _cuts(report: Report) -> str:
    if not report.truncated:
        return ""
    path, tally = max(report.cut_by_path.items(), key=lambda item: item[1].count)
    advice = ADVICE[tally.example.advice]
    return f"{counted(report.truncated, 'string')} cut, most often {path} ({tally.count:,}): {advice}"


def _warnings(report: Report) -> str:
    if not report.warnings:
        return ""
    rules = ", ".join(f"{rule} ({tally.count:,})" for rule, tally in report.warned_by_rule.items())
    return f"{counted(report.warnings, 'warning')}: {rules}"


def counted(count: int, what: str, many: str = "") -> str:
    """Return a count with its noun; `many` is an irregular plural."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {many or what + 's'}"


def in_bytes(count: float) -> str:
    """Return a size with its unit."""
    for unit in ("bytes", "kB", "MB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.4g} GB"
