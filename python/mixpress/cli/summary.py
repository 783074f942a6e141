"""Print a `Report` for a person, on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from mixpress.wording import counted, in_words

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
UPDATES = {"undelivered": "not confirmed by the server; $add and $append count twice if they are sent again"}
"""What is meant of updates of profiles instead."""
DRY = "would be sent; this was a dry run"
ADVICE = {
    "url": "send a URL's host, path and parameters as separate properties",
    "json": "send the fields of the JSON as separate properties",
    "text": "omit long text that no report needs",
}


def place_of(failure: Failure) -> str:
    """Return where the event of a failure is, by its file or by its index."""
    return str(failure.place) if failure.place else f"event {failure.index:,}"


def print_summary(
    console: Console,
    report: Report,
    source: str,
    place: Callable[[Failure], str] = place_of,
    *,
    what: str = "event",
) -> None:
    """Print the verdicts on the events of `source`, or the updates; `place` returns the position of a failed one."""
    _line(console, *what_was_read(report.total, source, report.elapsed, what))
    if report.earlier:
        _line(console, f"{report.earlier:>12,} more had their verdict in an earlier run, and were not sent again")
    for verdict, color, usual in VERDICTS:
        meaning = UPDATES.get(verdict, usual) if what == "update" else usual
        is_dry = report.dry_run and verdict == "imported"
        count = getattr(report, verdict)
        style = f"bold {color}" if count else "dim"
        gap = " " * (13 - len(verdict))
        _line(
            console, (f"{count:>12,} {verdict}", style), (f"{gap}{DRY if is_dry else meaning}" if count else "", "dim")
        )
    for text in filter(None, (_traffic(report), _cuts(report), _warnings(report))):
        _line(console, text)
    if report.failed:
        _line(console, f"Reasons for failures, with the position of the first {what} for each:")
        _print_reasons(console, report, place)


def what_was_read(count: int, source: str, elapsed: float, what: str = "event") -> tuple[tuple[str, str], str]:
    """Return the first line of a summary, in parts."""
    seconds = f"{elapsed:.2f} s" if elapsed < 59.995 else in_words(elapsed)
    rate = f", {count / elapsed:,.0f} {what}s/s" if elapsed > 0 else ""
    return (counted(count, what), "bold"), f" read from {source} in {seconds}{rate}"


def _print_reasons(console: Console, report: Report, place: Callable[[Failure], str]) -> None:
    by_count = sorted(report.by_reason.values(), key=lambda tally: tally.count, reverse=True)
    for tally in by_count[:MAX_REASONS]:
        failure = tally.example
        where = place(failure)
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


def in_bytes(count: float) -> str:
    """Return a size with its unit."""
    for unit in ("bytes", "kB", "MB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.4g} GB"
