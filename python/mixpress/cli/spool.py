"""`mixpress spool`: show the content of a spool, or deliver it."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from mixpress.cli.group import CannotRun
from mixpress.cli.options import delivery_options, make_client, report_of
from mixpress.cli.progress import progress_bar
from mixpress.cli.signals import stop_once
from mixpress.cli.summary import in_bytes, print_summary
from mixpress.client.drain_run import drain_spool
from mixpress.errors import SpoolError
from mixpress.spool import Destination, Spool
from mixpress.spool.show import show
from mixpress.wording import counted

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from mixpress.cli.options import DeliveryOptions
    from mixpress.errors import MixpressError
    from mixpress.report.report import Failure, Report
    from mixpress.send.request import Endpoint
    from mixpress.spool import SpoolStats

SPOOL = click.Path(exists=True, dir_okay=False)

EPILOG = """
\b
Credentials are read from the environment, as for `mixpress import`.

\b
Exit status:
  0  every event that no running process holds was imported
  1  some events failed, or a signal ended the drain; the summary lists the reasons
  2  wrong usage, or the file cannot be used; nothing was sent
  3  nothing could be delivered

\b
Examples:
  mixpress spool drain events.spool --region eu
  mixpress spool drain events.spool --to http://127.0.0.1:8400 --force
"""


@click.group("spool", short_help="Show or deliver a client's spool.")
def command() -> None:
    """Show or deliver a spool, the file that keeps a client's events until the server has them.

    Each command has its own --help, with its exit statuses.

    \b
    Examples:
      mixpress spool show events.spool
      mixpress spool drain events.spool --region eu
    """


@command.command("show", short_help="Show what is in a spool.")
@click.argument("path", type=SPOOL)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show_command(path: str, as_json: bool) -> None:
    """Show how many events are in the spool PATH, the age of the oldest, and the processes that have it open.

    The file is not changed.

    \b
    Exit status:
      0  the content was shown
      2  wrong usage, or the file cannot be used

    \b
    Examples:
      mixpress spool show events.spool
      mixpress spool show events.spool --json
    """
    try:
        stats = show(path, time.time())
    except SpoolError as error:
        raise CannotRun(str(error)) from error
    if as_json:
        click.echo(json.dumps(stats.as_dict()))
        return
    console = Console()
    for line in _lines(stats):
        console.print(Text(line), soft_wrap=True)


@command.command("drain", short_help="Deliver the events in a spool.", epilog=EPILOG)
@click.argument("path", type=SPOOL)
@delivery_options
@click.option("--failed", is_flag=True, help="Also send the events that were given up.")
@click.option("--force", is_flag=True, help="Deliver to this project even if the events were accepted for another one.")
def drain_command(path: str, failed: bool, force: bool, **options: Unpack[DeliveryOptions]) -> None:
    """Deliver the events in the spool PATH that no running process holds.

    Events that the server imports or refuses are removed from the file. Undelivered ones stay in it and can be
    drained again: the server keeps events with the same $insert_id once. Ctrl-C or SIGTERM leaves the events in
    the file that are not being sent yet, and the summary says what became of the others. A second one aborts.
    """
    stops: list[str] = []
    try:
        configured = make_client(options, _endpoint(path))
        destination = Destination.of(f"{configured.server}/{configured.endpoint}", configured.auth)
        with configured.client as client, Spool(path, destination=destination, force=force) as spool:
            total = spool.stats().pending
            with progress_bar(total, counts_bytes=False) as on_progress, stop_once(stops.append):
                report, error = report_of(
                    drain_spool, client.engine, spool, on_progress, failed=failed, stopped=lambda: bool(stops)
                )
            left = spool.stats()
    except SpoolError as failure:
        advice = "; --force delivers them anyway" if failure.kind == "destination" else ""
        raise CannotRun(f"{failure}{advice}") from failure
    print_summary(Console(), report, path, _place)
    for line in _left(left, report, options["dead_letter"]):
        click.echo(line)
    for message in (*stops, error):
        if message:
            click.echo(f"Error: {message}", err=True)
    sys.exit(_status(report, error, stopped=bool(stops)))


def _place(failure: Failure) -> str:
    return f"event {failure.index + 1:,}"


def _endpoint(path: str) -> Endpoint:
    """Return the endpoint for which the file's events were encoded."""
    try:
        url = show(path, time.time()).url
    except SpoolError as error:
        if error.kind != "version":
            raise
        return "import"  # an older format, which is upgraded when the spool is opened
    return "track" if url and url.endswith("/track") else "import"


def _left(left: SpoolStats, report: Report, dead_letter: str | None) -> list[str]:
    messages = []
    if dead_letter and report.refused and not report.unwritten:
        messages.append(f"{dead_letter} has the refused events, with the reasons.")
    if left.pending:
        messages.append(f"{counted(left.pending, 'event')} left in the spool.")
    if left.failed:
        messages.append(f"{counted(left.failed_events, 'event')} given up and kept in the spool; --failed sends them.")
    if left.quarantined:
        messages.append(f"{counted(left.quarantined, 'row')} cannot be read: `mixpress spool show` lists the reasons.")
    return messages


def _status(report: Report, error: MixpressError | None, *, stopped: bool) -> int:
    if not report.imported and (report.undelivered or stopped):
        return 3
    return 1 if report.failed or error or stopped else 0


def _lines(stats: SpoolStats) -> list[str]:
    to = f", for {stats.url}" if stats.url else ""
    lines = [f"{counted(stats.pending, 'event')} in {stats.path} ({in_bytes(stats.file_bytes)} on the disk){to}"]
    rows = [
        (stats.events, "waiting", f"not batched yet, {in_bytes(stats.event_bytes)} of JSON"),
        (stats.batched, "packed", f"in {counted(stats.batches, 'batch', 'batches')} of {in_bytes(stats.batch_bytes)}"),
    ]
    lines += [f"{count:>12,} {what:<12} {meaning}" for count, what, meaning in rows if count]
    if stats.oldest is not None:
        lines.append(f"The oldest was accepted {_duration(stats.oldest)} ago.")
    if stats.attempts:
        lines.append(f"{counted(stats.attempts, 'request')} sent for the pending batches, without a verdict.")
    if stats.leased:
        held = counted(stats.leased, "batch", "batches")
        lines.append(f"{held} leased by running processes.")
    if stats.processes:
        lines.append(f"Open in process {', '.join(map(str, stats.processes))}.")
    if stats.failed:
        lines.append(f"{counted(stats.failed_events, 'event')} given up:")
        lines += [f"{count:>12,} {reason}" for reason, count in stats.failed_reasons.items()]
    if stats.quarantined:
        lines.append(f"{counted(stats.quarantined, 'row')} quarantined as unreadable:")
        lines += [f"{count:>12,} {reason}" for reason, count in stats.quarantine_reasons.items()]
    return lines


def _duration(seconds: float) -> str:
    for name, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            return counted(int(seconds // size), name)
    return f"{seconds:.1f} s"
