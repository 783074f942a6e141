"""`--report FILE`: what a command did, as a page, as Markdown or as JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mixpress.cli.group import CannotRun
from mixpress.files.watched import WatchedInput
from mixpress.report.history import ImportHistory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mixpress._core import Batch
    from mixpress.files.piece import Input
    from mixpress.report.page.model import Page
    from mixpress.report.report import Progress, Report


SUFFIXES = (".html", ".md", ".json")


class ReportFile(click.Path):
    """A file whose suffix says how the report is written. Its folder must be writable: the report comes last."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        path = Path(value)
        if path.suffix.lower() not in SUFFIXES:
            self.fail(f"{value} must end with .html, .md or .json", param, ctx)
        if not path.parent.is_dir():
            self.fail(f"{path.parent} is not a directory", param, ctx)
        if not path.exists() and not os.access(path.parent, os.W_OK):
            self.fail(f"{path.parent} is not writable for this user", param, ctx)
        return super().convert(value, param, ctx)


log_json_option = click.option(
    "--log-json", is_flag=True, help="Write the progress to stderr as one JSON object a line."
)
report_option = click.option(
    "--report",
    type=ReportFile(),
    metavar="FILE",
    help="Write a report: a page with charts (.html), Markdown (.md) or JSON (.json).",
)


def write_report(path: Path, page: Page, data: Mapping[str, Any]) -> None:
    """Write the report in the format of its suffix. Raises `CannotRun` if the file can't be written."""
    suffix = path.suffix.lower()
    if suffix == ".html":
        from mixpress.report.page.html import render  # noqa: PLC0415 - not needed for the others

        text = render(page)
    elif suffix == ".md":
        from mixpress.report.page.markdown import render  # noqa: PLC0415 - as above

        text = render(page)
    else:
        text = json.dumps(data, ensure_ascii=False, indent=2) + "\n"
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise CannotRun(f"cannot write {path}: {error.strerror}") from error


class ImportReport:
    """Collects what the report of an import needs, if one is wanted."""

    def __init__(self, path: Path | None, source: Input, limit: int | None = None, what: str = "event") -> None:
        self._what = what
        self.source: Input = source
        self.path = path
        self._left = sys.maxsize if limit is None else limit
        self._history = ImportHistory()
        if path is not None:
            self.source = WatchedInput(source, self._add_batch)

    def _add_batch(self, batch: Batch) -> None:
        """Count the events of a batch, on a thread that encodes: of the last piece, those up to the limit."""
        texts = batch.events()[: max(0, self._left)]
        self._left -= len(texts)
        self._history.add_events(texts)

    def watching(self, on_progress: Callable[[Progress], object]) -> Callable[[Progress], object]:
        """Return the callback of the import: the history's, and then `on_progress`."""
        if self.path is None:
            return on_progress

        def add(progress: Progress) -> None:
            self._history.add(progress)
            on_progress(progress)

        return add

    def write(self, report: Report, files: str, server: str) -> None:
        """Write the report, if one is wanted."""
        if self.path is None:
            return
        from mixpress.report.page.import_page import import_json, import_page  # noqa: PLC0415 - only for a report

        self._history.end()
        page = import_page(report, self._history, [("Files", files), ("Server", server)], self._what)
        write_report(self.path, page, {"files": files, "server": server, **import_json(report, self._history)})
