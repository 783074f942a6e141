"""Deliver files: what `mixpress import` and `mixpress replay` share, from the options to the exit status."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from mixpress._core import Encoder
from mixpress.cli.encoder_options import take_encoder_arguments
from mixpress.cli.group import CannotRun
from mixpress.cli.input import open_files
from mixpress.cli.log_lines import json_log, tell_error, tell_warning
from mixpress.cli.mapping_options import take_mapping
from mixpress.cli.options import make_client, report_of
from mixpress.cli.progress import progress_bar
from mixpress.cli.report_file import ImportReport
from mixpress.cli.signals import stop_once
from mixpress.cli.summary import print_summary
from mixpress.cli.written import refuse_input, refuse_shared
from mixpress.client.file_import import import_pieces, update_encoder
from mixpress.client.file_options import FileOptions, MaxErrors, TooManyFailures
from mixpress.errors import ImportInterrupted
from mixpress.files.mapper import mapper_of
from mixpress.files.piece import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mixpress.errors import MixpressError
    from mixpress.files.formats import Format
    from mixpress.files.piece import Input
    from mixpress.report.report import Report


def deliver_files(
    files: tuple[str, ...],
    format: Format | None,
    options: dict[str, Any],
    wrapped: Callable[[Input, bool], Input] | None = None,
) -> int:
    """Import files by the options of a command, print the summary, and return the exit status.

    `wrapped` returns another input over that of the files; it gets the option `retry_unsafe` too. Raises `CannotRun` or
    UsageError before anything is sent.
    """
    mapping = take_mapping(options)
    arguments = take_encoder_arguments(options, mapper_of(mapping).encoder_options())
    updates = mapping.endpoint is not None
    if options["retry_unsafe"] and not updates:
        raise click.UsageError("--retry-unsafe is for updates of profiles: it needs --profiles or --groups KEY")
    what = "update" if updates else "event"
    chosen = _file_options(options)
    log_json, path = options.pop("log_json"), options.pop("report")
    written = {"dead letter": chosen.dead_letter, "state": chosen.state, "report": path}
    for role, name in written.items():
        refuse_input(name, role, files)
    refuse_shared(written)
    source: Input = open_files(files, format)
    if wrapped is not None:
        source = wrapped(source, options["retry_unsafe"])
    page = ImportReport(path, source, chosen.limit, what)
    encoder = Encoder("import", **arguments) if arguments and not updates else None
    sends = _needs_account(chosen)
    configured = make_client(options, encoder=encoder, sends=sends, of_updates=updates)  # type: ignore[arg-type] # by click
    with (
        json_log(log_json),
        configured.client as client,
        progress_bar(source.size, log_json=log_json, what=what) as on_progress,
        stop_once(source.stop),
    ):
        engine = client.engine_of(mapping)
        encoder = update_encoder(engine, arguments) if updates else engine.options.encoder
        given = (engine, page.source, mapping, chosen, page.watching(on_progress))
        report, error = report_of(import_pieces, *given, encoder=encoder)
    print_summary(Console(), report, _named(files), what=what)
    unwritten = _write_page(page, report, _named(files), configured.server)
    if chosen.dead_letter and report.failed and not report.unwritten:
        is_resumed = updates and chosen.state and report.undelivered and error
        others = ", without those that the same command sends again" if is_resumed else ""
        click.echo(f"{chosen.dead_letter!s} has the failed {what}s, with the reasons{others}.")
    messages = [message for message in (*source.damaged, _said(error, what), unwritten) if message]
    for message in messages:
        tell_error(message, log_json=log_json)
    if not (messages or report.total or report.earlier or chosen.limit == 0):
        none = f"no {what}s were found: {_named(files)} has no records, or the options leave out all of them"
        tell_warning(none, log_json=log_json)
    return _status(report, error, source) or int(bool(unwritten))


def _file_options(options: dict[str, Any]) -> FileOptions:
    try:
        max_errors = MaxErrors.of(options.pop("max_errors", None))
    except ValueError as error:
        raise click.UsageError(str(error).replace("max_errors", "--max-errors")) from error
    return FileOptions(
        state=options.pop("state", None),
        dead_letter=options["dead_letter"],
        max_errors=max_errors,
        dry_run=options.pop("dry_run", False),
        limit=options.pop("limit", None),
    )


def _needs_account(chosen: FileOptions) -> bool:
    """Return whether it matters which project this is for: a state belongs to one, even in a dry run."""
    return not chosen.dry_run or (chosen.state is not None and os.path.exists(chosen.state))


def _write_page(page: ImportReport, report: Report, files: str, server: str) -> str:
    """Write the report, if one is wanted. Return why it could not be written, which hides nothing of the import."""
    try:
        page.write(report, files, server)
    except CannotRun as error:
        return error.message
    if page.path:
        click.echo(f"{page.path} has the report.")
    return ""


def _named(files: Sequence[str]) -> str:
    names = ["the standard input" if name == "-" else name for name in files]
    return names[0] if len(names) == 1 else f"{len(names):,} files"


def _said(error: MixpressError | None, what: str) -> str:
    """Return the message about the error that ended the import, if any."""
    cause = error.__cause__ if error is not None else None
    if isinstance(cause, Stopped):
        return f"{cause}: the {what}s read until then have their verdicts; the rest was not read"
    if isinstance(cause, TooManyFailures):
        return f"{cause}; the rest was not read".replace("max_errors=", "--max-errors ")
    return str(error or "")


def _status(report: Report, error: MixpressError | None, source: Input) -> int:
    if not report.imported and (report.undelivered or isinstance(error, ImportInterrupted)):
        return 3
    if source.unusable and not report.total:
        return 2
    return 1 if report.failed or error or source.damaged else 0
