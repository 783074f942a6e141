"""`mixpress spool`: what waits in a spool, and its delivery."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from mixpress.cli.group import CannotRun
from mixpress.cli.options import delivery_options, make_client, outcome, progress_bar
from mixpress.cli.summary import counted, in_bytes, print_summary
from mixpress.errors import SpoolError
from mixpress.spool import Destination, Spool
from mixpress.spool.show import show

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from mixpress.cli.options import DeliveryOptions
    from mixpress.errors import MixpressError
    from mixpress.report.report import Report
    from mixpress.send.request import Endpoint
    from mixpress.spool import SpoolStats

SPOOL = click.Path(exists=True, dir_okay=False)

EPILOG = """
\b
Credentials come from the environment, as for `mixpress import`.

\b
Exit status:
  0  every event was imported, and the spool is empty of what was free
  1  some events failed; the summary says which and why
  2  wrong usage, or a file that can't be used; nothing was sent
  3  nothing could be delivered

\b
Examples:
  mixpress spool drain events.spool --region eu
  mixpress spool drain events.spool --to http://127.0.0.1:8400 --force
"""


@click.group("spool", short_help="Look into a client's spool, or deliver it.")
def command() -> None:
    """The file in which a client keeps its events until the server has them."""


@command.command("show", short_help="Say what is in a spool.")
@click.argument("path", type=SPOOL)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
def show_command(path: str, as_json: bool) -> None:
    """Say how many events wait in the spool PATH, for how long, and who has it open. Nothing is changed."""
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


@command.command("drain", short_help="Deliver what is left in a spool.", epilog=EPILOG)
@click.argument("path", type=SPOOL)
@delivery_options
@click.option("--failed", is_flag=True, help="Also send again what was given up before.")
@click.option("--force", is_flag=True, help="Deliver to this project, whatever project the events were accepted for.")
def drain_command(path: str, failed: bool, force: bool, **options: Unpack[DeliveryOptions]) -> None:
    """Deliver the events of the spool PATH that no running process has.

    What the server takes or refuses is gone from the file. What is undelivered stays in it, and can be drained again:
    events with the same $insert_id are kept once.
    """
    try:
        made = make_client(options, _endpoint(path))
        destination = Destination.of(f"{made.server}/{made.endpoint}", made.auth)
        with made.client as client, Spool(path, destination=destination, force=force) as spool:
            total = spool.stats().pending
            with progress_bar(total, lambda progress: progress.total, of_bytes=False) as on_progress:
                report, error = outcome(lambda: client._drain(spool, on_progress, failed=failed))
            left = spool.stats()
    except SpoolError as trouble:
        advice = "; --force delivers them all the same" if trouble.kind == "destination" else ""
        raise CannotRun(f"{trouble}{advice}") from trouble
    print_summary(Console(), report, path, lambda index: f"event {index + 1:,}")
    for line in _left(left, report, options["dead_letter"]):
        click.echo(line)
    if error:
        click.echo(f"Error: {error}", err=True)
    sys.exit(_status(report, error))


def _endpoint(path: str) -> Endpoint:
    """What the file's events were made for; it is drained to nothing else."""
    try:
        url = show(path, time.time()).url
    except SpoolError as error:
        if error.kind != "version":
            raise
        return "import"  # an older file is brought up to date when it is opened
    return "track" if url and url.endswith("/track") else "import"


def _left(left: SpoolStats, report: Report, dead_letter: str | None) -> list[str]:
    says = []
    if dead_letter and report.refused and not report.unwritten:
        says.append(f"What was refused stands in {dead_letter}, with the reasons.")
    if left.pending:
        says.append(f"{counted(left.pending, 'event')} stay in the spool.")
    if left.failed:
        says.append(f"{counted(left.failed_events, 'event')} that were given up are in it too; --failed sends them.")
    if left.quarantined:
        says.append(f"{counted(left.quarantined, 'row')} of it can't be read: `mixpress spool show` says why.")
    return says


def _status(report: Report, error: MixpressError | None) -> int:
    if not report.imported and report.undelivered:
        return 3
    return 1 if report.failed or error else 0


def _lines(stats: SpoolStats) -> list[str]:
    to = f", for {stats.url}" if stats.url else ""
    lines = [f"{counted(stats.pending, 'event')} in {stats.path} ({in_bytes(stats.file_bytes)} on the disk){to}"]
    rows = [
        (stats.events, "waiting", f"in no batch yet, {in_bytes(stats.event_bytes)} of JSON"),
        (stats.batched, "packed", f"in {counted(stats.batches, 'batch', 'batches')} of {in_bytes(stats.batch_bytes)}"),
    ]
    lines += [f"{count:>12,} {what:<12} {meaning}" for count, what, meaning in rows if count]
    if stats.oldest is not None:
        lines.append(f"The oldest has waited for {_duration(stats.oldest)}.")
    if stats.attempts:
        lines.append(f"{counted(stats.attempts, 'request')} went out with the batches that wait, and got no verdict.")
    if stats.leased:
        held = counted(stats.leased, "batch", "batches")
        lines.append(f"{held} in the hands of running processes.")
    if stats.processes:
        lines.append(f"Open in process {', '.join(map(str, stats.processes))}.")
    if stats.failed:
        lines.append(f"{counted(stats.failed_events, 'event')} given up:")
        lines += [f"{count:>12,} {reason}" for reason, count in stats.failed_reasons.items()]
    if stats.quarantined:
        lines.append(f"{counted(stats.quarantined, 'row')} can't be read, and kept apart:")
        lines += [f"{count:>12,} {reason}" for reason, count in stats.quarantine_reasons.items()]
    return lines


def _duration(seconds: float) -> str:
    for name, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            return counted(int(seconds // size), name)
    return f"{seconds:.1f} s"
