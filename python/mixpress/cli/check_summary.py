"""Print a `CheckReport` for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from mixpress.check.content import quoted
from mixpress.check.cuts import ADVICE
from mixpress.check.ids import KINDS
from mixpress.check.report import HOT
from mixpress.cli.summary import in_bytes, what_was_read
from mixpress.report.page.markup import visible
from mixpress.wording import counted, in_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from mixpress.check.examples import Example
    from mixpress.check.report import CheckReport

MOST = 8
"""Entries of a list; the rest is counted. The report and the JSON have more."""
INDENT = " " * 13


def print_check(console: Console, report: CheckReport, failures: list[str]) -> None:
    """Print what a check found, and whether it passed."""
    _Printer(console, report).print_all(failures)


class _Printer:
    def __init__(self, console: Console, report: CheckReport) -> None:
        self._console = console
        self._report = report

    def print_all(self, failures: list[str]) -> None:
        self._events()
        self._rules()
        self._cuts()
        self._names_and_days()
        self._types()
        self._ids()
        self._lost()
        self._import()
        self._verdict(failures)

    def _line(self, *parts: str | tuple[str, str]) -> None:
        shown = (visible(part) if isinstance(part, str) else (visible(part[0]), part[1]) for part in parts)
        self._console.print(Text.assemble(*shown), soft_wrap=True)

    def _count(self, count: int, what: str, style: str = "bold", note: str = "") -> None:
        self._line((f"{count:>12,} {what}", style), (f"  {note}" if note else "", "dim"))

    def _examples(self, examples: Iterable[Example]) -> None:
        for example in examples:
            field = f"{example.field}: " if example.field else ""
            self._line(INDENT, (str(example.place), "cyan"), f"  {field}{example.message}")

    def _rest(self, count: int, what: str) -> None:
        if count > MOST:
            self._line(INDENT, (f"and {count - MOST:,} other {what}; --json or --report has them", "dim"))

    def _events(self) -> None:
        report = self._report
        names = list(report.files)
        source = names[0] if len(names) == 1 else counted(len(names), "file")
        self._line(*what_was_read(report.events, source, report.elapsed, report.what))
        self._count(report.passed, "would be sent", "bold green" if report.passed else "dim")
        self._count(report.rejected, "would be rejected", "bold red" if report.rejected else "dim")
        if report.left_out:
            self._count(report.left_out, "left out", "dim", "by the mapping's filters")

    def _rules(self) -> None:
        for title, findings in (("Rules broken:", self._report.rules), ("Warnings:", self._report.warnings)):
            if findings.by_kind:
                self._line((title, "bold"))
            for rule, finding in list(findings)[:MOST]:
                self._count(finding.count, rule, "bold yellow")
                self._examples(finding.examples)
            self._rest(len(findings.by_kind), "rules")

    def _cuts(self) -> None:
        cuts = self._report.cuts
        if cuts.by_path:
            self._line(("Texts that would be cut to 255 characters:", "bold"))
        for path, cut in list(cuts)[:MOST]:
            self._count(cut.count, path, "bold", f"longest {cut.longest:,}; {ADVICE[cut.usual]}")
            self._examples(cut.examples[:1])
        self._rest(len(cuts.by_path), "paths")

    def _names_and_days(self) -> None:
        names, days = self._report.content.names, self._report.days()
        if not names.counts:
            return
        about = "" if names.is_exact else "at least "
        by = "Updates by operation" if self._report.what == "update" else "Events by name"
        self._line((f"{by}, {about}{counted(len(names.counts), by.rpartition(' ')[2])}:", "bold"))
        for name, count in names.counts.most_common(MOST):
            self._count(count, quoted(name))
        self._rest(len(names.counts), "names")
        if days:
            span = f"from {days[0][0]} to {days[-1][0]}" if len(days) > 1 else days[0][0]
            day, most = max(days, key=lambda one: one[1])
            self._line(("Days (UTC): ", "bold"), f"{counted(len(days), 'day')}, {span}; most on {day}: {most:,}")

    def _types(self) -> None:
        conflicts = self._report.content.types.conflicts()
        if conflicts:
            self._line(("Properties with values of several types:", "bold"))
        for name, found in conflicts[:MOST]:
            kinds = ", ".join(f"{finding.count:,} {kind}" for kind, finding in found)
            self._line(INDENT, (quoted(name), "bold yellow"), f"  {kinds}")
            rare = list(found)[-1][1]
            self._examples(rare.examples)
        self._rest(len(conflicts), "properties")

    def _ids(self) -> None:
        ids = self._report.content.ids
        if ids.by_kind:
            self._line(("Ids that look wrong:", "bold"))
        for kind, finding in list(ids)[:MOST]:
            self._count(finding.count, kind, "bold yellow", KINDS[kind])
            self._examples(finding.examples)
        hot = self._report.hot_users()
        if hot:
            note = f"more than {HOT:,} events of one id a day: the server takes the id away"
            self._line(("Hot ids: ", "bold"), note)
        for day, user, count in hot[:MOST]:
            self._count(count, quoted(user), "bold yellow", day)
        self._rest(len(hot), "ids")

    def _lost(self) -> None:
        report = self._report
        ignored = report.content.ignored.of("$ignore")
        if ignored.count:
            self._line(("Dropped by the server, as they have a property $ignore:", "bold"))
            self._count(ignored.count, "events", "bold yellow")
            self._examples(ignored.examples)
        if report.duplicates:
            self._line(
                ("Duplicates, of which the server keeps one (same name, time, distinct_id, $insert_id):", "bold")
            )
            self._count(report.duplicates, "events", "bold yellow")
            self._examples(report.content.duplicates.of("duplicate").examples)

    def _import(self) -> None:
        report = self._report
        if report.passed:
            sizes = f"{in_bytes(report.raw_bytes)} of JSON"
            if report.what == "event":
                sizes += f", {in_bytes(report.gzipped_bytes)} gzipped"
            self._line(
                ("An import would take ", "bold"),
                f"at least {in_words(report.seconds_to_send)} by the rate limit: "
                f"{counted(report.requests, 'request')}, {sizes}",
            )

    def _verdict(self, failures: list[str]) -> None:
        for damage in self._report.damaged:
            self._line(("Error: ", "red"), damage)
        if self._report.stopped:
            self._line(("Error: ", "red"), f"{self._report.stopped}: the rest was not read")
        if failures:
            self._line(("The check failed: ", "bold red"), ", ".join(failures))
        else:
            self._line(("The check passed.", "bold green"))
