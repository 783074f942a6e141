"""`mixpress import`: the events of files into a project."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich import progress as bars
from rich.console import Console

from mixpress.address import REGIONS, is_loopback, server_url
from mixpress.auth import ProjectToken, auth_from_environment
from mixpress.cli.group import CannotRun
from mixpress.cli.lines import Lines
from mixpress.cli.summary import print_summary
from mixpress.client import Client
from mixpress.errors import ImportInterrupted, MixpressError
from mixpress.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mixpress.address import Region
    from mixpress.auth import Auth
    from mixpress.report import Progress, Report

PLACEHOLDER = ProjectToken("placeholder-for-an-emulator")
"""What goes to a server on this machine where no credentials are given: an emulator asks for no real ones."""

MAX_SAID = 36
"""Characters beside the bar, so that the line fits a terminal of 80; the log says the whole."""

EPILOG = """
\b
Credentials come from the environment:
  MIXPRESS_SERVICE_ACCOUNT, MIXPRESS_SECRET and MIXPRESS_PROJECT_ID, a service account; or
  MIXPRESS_TOKEN, a project token.
A server on this machine, such as `mixpress emulator`, needs none.

\b
Exit status:
  0  every event was imported
  1  some events failed; the summary says which and why
  2  wrong usage; nothing was sent
  3  nothing could be delivered

\b
Examples:
  mixpress import events.ndjson.gz --to http://127.0.0.1:8400
  mixpress import 2023-*.ndjson.gz --region eu --dead-letter failed.ndjson
  jq -c '.[]' array.json | mixpress import -
"""


@click.command("import", short_help="Send the events of NDJSON files.", epilog=EPILOG)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--to", metavar="URL", help="The server, such as http://127.0.0.1:8400, instead of a region.")
@click.option("--region", type=click.Choice([*REGIONS]), help="Where the project lives.  [default: us]")
@click.option("--service-account", metavar="NAME", help="In place of MIXPRESS_SERVICE_ACCOUNT.")
@click.option("--project-id", metavar="ID", help="In place of MIXPRESS_PROJECT_ID.")
@click.option("--dead-letter", metavar="FILE", help="Append each event that failed to FILE, with its reason.")
@click.option(
    "--strict/--no-strict",
    default=True,
    show_default=True,
    help="Whether the server checks each event, and says which it refuses.",
)
@click.option("--concurrency", type=click.IntRange(1, 100), default=10, show_default=True, help="Requests at one time.")
@click.option(
    "--attempts",
    type=click.IntRange(min=1),
    default=RetryPolicy.attempts,
    show_default=True,
    help="How often a batch is sent at most, where the server is busy or does not answer.",
)
def command(
    files: tuple[str, ...],
    to: str | None,
    region: Region | None,
    service_account: str | None,
    project_id: str | None,
    dead_letter: str | None,
    strict: bool,
    concurrency: int,
    attempts: int,
) -> None:
    """Send the events of each FILE: NDJSON (one event a line), plain or gzipped; - is the standard input.

    Every event ends as imported, rejected (it breaks a rule and is not sent), refused (by the server) or
    undelivered (no answer came). An event that fails keeps no other one back. The same file can be sent
    again: events with the same $insert_id are kept once.
    """
    lines = _open(files, dead_letter)
    try:
        server = server_url(region, to)
        client = Client(
            _credentials(server, service_account, project_id),
            base_url=to,
            region=region,
            strict=strict,
            concurrency=concurrency,
            retry=RetryPolicy(attempts=attempts),
            dead_letter=dead_letter,
        )
    except ValueError as wrong:
        raise click.UsageError(str(wrong).replace("base_url", "--to")) from wrong
    with client:
        report, error = _deliver(client, lines)
    print_summary(Console(), report, _named(files), lines.place)
    if dead_letter and report.failed and not report.unwritten:
        click.echo(f"What failed stands in {dead_letter}, with the reasons.")
    for sentence in (*lines.damaged, error):
        if sentence:
            click.echo(f"Error: {sentence}", err=True)
    sys.exit(_status(report, error, lines))


def _open(files: tuple[str, ...], dead_letter: str | None) -> Lines:
    """The events of the files, each of which is found readable before anything is sent."""
    if files.count("-") > 1:
        raise click.UsageError("the standard input (-) can be read only once")
    try:
        lines = Lines(files)
    except OSError as error:
        raise CannotRun(f"{error.filename} can't be read: {error.strerror}") from error
    written = dead_letter if dead_letter and os.path.exists(dead_letter) else None
    if written and any(path != "-" and os.path.samefile(path, written) for path in files):
        raise click.UsageError(f"{written} can't be both read and written as the dead letter")
    return lines


def _credentials(server: str, service_account: str | None, project_id: str | None) -> Auth:
    auth = auth_from_environment(service_account=service_account, project_id=project_id)
    if auth or is_loopback(server):
        return auth or PLACEHOLDER
    raise CannotRun(
        "there are no credentials in the environment: set MIXPRESS_SERVICE_ACCOUNT, MIXPRESS_SECRET and "
        "MIXPRESS_PROJECT_ID (a service account), or MIXPRESS_TOKEN (a project token)"
    )


def _deliver(client: Client, lines: Lines) -> tuple[Report, MixpressError | None]:
    """The report, and the error that the import ended with, if one did."""
    try:
        with _progress(lines) as on_progress:
            return client._import(lines, on_progress, lines.explain), None
    except MixpressError as error:
        if error.report is None:
            raise CannotRun(str(error)) from error
        return error.report, error
    except KeyboardInterrupt as error:
        for note in getattr(error, "__notes__", []):
            click.echo(note, err=True)
        raise


@contextmanager
def _progress(lines: Lines) -> Iterator[Callable[[Progress], None] | None]:
    """A bar on the terminal; none where the standard error goes elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (
        bars.BarColumn(bar_width=20),
        bars.TaskProgressColumn(),
        bars.DownloadColumn(),
        bars.TextColumn("{task.fields[says]}", markup=False),
    )
    with bars.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("import", total=lines.size, says="")

        def show(progress: Progress) -> None:
            says = progress.paused[:MAX_SAID] or f"{progress.imported:,} imported"
            bar.update(task, completed=lines.position(), says=says)

        yield show


def _named(files: tuple[str, ...]) -> str:
    names = ["the standard input" if name == "-" else name for name in files]
    return names[0] if len(names) == 1 else f"{len(names):,} files"


def _status(report: Report, error: MixpressError | None, lines: Lines) -> int:
    if not report.imported and (report.undelivered or isinstance(error, ImportInterrupted)):
        return 3
    return 1 if report.failed or error or lines.damaged else 0
