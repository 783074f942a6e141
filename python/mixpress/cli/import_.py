"""`mixpress import`: send the events of NDJSON files to a project."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click
from rich.console import Console

from mixpress.cli.group import CannotRun
from mixpress.cli.ndjson import Lines, OtherFormat, Stopped
from mixpress.cli.options import delivery_options, make_client, report_of
from mixpress.cli.progress import progress_bar
from mixpress.cli.signals import stop_once
from mixpress.cli.summary import print_summary
from mixpress.client.import_run import import_events
from mixpress.errors import ImportInterrupted

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from mixpress.cli.options import DeliveryOptions
    from mixpress.errors import MixpressError
    from mixpress.report.report import Report

EPILOG = """
\b
Credentials are read from the environment:
  MIXPRESS_SERVICE_ACCOUNT, MIXPRESS_SECRET and MIXPRESS_PROJECT_ID (a service account), or
  MIXPRESS_TOKEN (a project token).
A server on this machine, such as `mixpress emulator`, needs none.

\b
Exit status:
  0  every event was imported
  1  some events failed; the summary lists the reasons
  2  wrong usage, or a file cannot be used; nothing was sent
  3  nothing could be delivered

\b
Examples:
  mixpress import events.ndjson.gz --to http://127.0.0.1:8400
  mixpress import 2023-*.ndjson.gz --region eu --dead-letter failed.ndjson
  jq -c '.[]' array.json | mixpress import -
"""


@click.command("import", short_help="Send the events of NDJSON files.", epilog=EPILOG)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@delivery_options
def command(files: tuple[str, ...], **options: Unpack[DeliveryOptions]) -> None:
    """Send the events of each FILE: NDJSON (one event a line), plain or gzipped; - is the standard input.

    Every event gets a verdict: imported, rejected (breaks a rule, not sent), refused (by the server) or
    undelivered (no answer). A failed event does not stop the others. Importing a file again is safe: the
    server keeps events with the same $insert_id once.

    Nothing is sent of a file that is not NDJSON in UTF-8. Ctrl-C or SIGTERM ends the reading: what was read
    is sent, and the summary says what became of it. A second one aborts.
    """
    dead_letter = options["dead_letter"]
    lines = _open(files, dead_letter)
    with (
        make_client(options).client as client,
        progress_bar(lines.size, lines.position) as on_progress,
        stop_once(lines.stop),
    ):
        report, error = report_of(import_events, client.engine, lines, on_progress, explain=lines.explain)
    print_summary(Console(), report, _named(files), lines.place)
    if dead_letter and report.failed and not report.unwritten:
        click.echo(f"{dead_letter} has the failed events, with the reasons.")
    for message in (*lines.damaged, _said(error)):
        if message:
            click.echo(f"Error: {message}", err=True)
    sys.exit(_status(report, error, lines))


def _open(files: tuple[str, ...], dead_letter: str | None) -> Lines:
    """Return the events of the files, after checking that every file can be read."""
    if files.count("-") > 1:
        raise click.UsageError("the standard input (-) can be read only once")
    try:
        lines = Lines(files)
    except OSError as error:
        raise CannotRun(f"cannot read {error.filename}: {error.strerror}") from error
    except OtherFormat as error:
        raise CannotRun(str(error)) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    written = dead_letter if dead_letter and os.path.exists(dead_letter) else None
    if written and any(path != "-" and os.path.samefile(path, written) for path in files):
        raise click.UsageError(f"{written} cannot be both read and written as the dead letter")
    return lines


def _named(files: tuple[str, ...]) -> str:
    names = ["the standard input" if name == "-" else name for name in files]
    return names[0] if len(names) == 1 else f"{len(names):,} files"


def _said(error: MixpressError | None) -> str:
    """Return the message about the error that ended the import, if any."""
    if error is not None and isinstance(error.__cause__, Stopped):
        return f"{error.__cause__}: the events read until then have their verdicts; the rest was not read"
    return str(error or "")


def _status(report: Report, error: MixpressError | None, lines: Lines) -> int:
    if not report.imported and (report.undelivered or isinstance(error, ImportInterrupted)):
        return 3
    if lines.unusable and not report.total:
        return 2
    return 1 if report.failed or error or lines.damaged else 0
