"""`mixpress spool`: show the content of a spool, or deliver it."""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import click
from rich.console import Console
from rich.text import Text

from mixpress.cli.group import CannotRun
from mixpress.cli.options import delivery_options, make_client, report_of, retry_unsafe_option
from mixpress.cli.progress import progress_bar
from mixpress.cli.signals import stop_once
from mixpress.cli.spool_files import KINDS, files_of
from mixpress.cli.summary import in_bytes, print_summary
from mixpress.client.drain_run import drain_spool
from mixpress.errors import SpoolError
from mixpress.retry import NOT_REPEATED
from mixpress.spool.show import show
from mixpress.wording import counted

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from mixpress.cli.options import ConfiguredClient, DeliveryOptions
    from mixpress.cli.spool_files import SpoolFile
    from mixpress.client.engine import Engine
    from mixpress.errors import MixpressError
    from mixpress.report.report import Failure, Report
    from mixpress.spool import Spool, SpoolStats

SPOOL = click.Path(exists=True, dir_okay=False)

EPILOG = """
\b
Credentials are read from the environment, as for `mixpress import`: updates need MIXPRESS_TOKEN.

\b
Exit status:
  0  every event and update that no running process holds was imported
  1  some failed, or a signal ended the drain; the summary lists the reasons
  2  wrong usage, or a file cannot be used; nothing was sent
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

    The same is shown of the updates of profiles, which are in files beside it, PATH.engage and PATH.groups. No file is
    changed.

    \b
    Exit status:
      0  the content was shown
      2  wrong usage, or a file cannot be used

    \b
    Examples:
      mixpress spool show events.spool
      mixpress spool show events.spool --json
    """
    try:
        files = list(files_of(path))
        found = [(file, show(file.path, time.time())) for file in files]
    except SpoolError as error:
        raise CannotRun(str(error)) from error
    if as_json:
        (_, first), *others = found
        updates = {file.endpoint: stats.as_dict() for file, stats in others}
        click.echo(json.dumps(first.as_dict() | {"updates": updates}))
        return
    console = Console()
    for file, stats in found:
        for line in _lines(stats, file):
            console.print(Text(line), soft_wrap=True)


@command.command("drain", short_help="Deliver the events in a spool.", epilog=EPILOG)
@click.argument("path", type=SPOOL)
@delivery_options
@retry_unsafe_option
@click.option("--failed", is_flag=True, help="Also send the events that were given up.")
@click.option("--force", is_flag=True, help="Deliver to this project even if the events were accepted for another one.")
def drain_command(path: str, failed: bool, force: bool, **options: Unpack[DeliveryOptions]) -> None:
    """Deliver the events in the spool PATH that no running process holds, and the updates of profiles in the files
    beside it, PATH.engage and PATH.groups.

    Events that the server imports or refuses are removed from the file. Undelivered ones stay in it and can be
    drained again: the server keeps events with the same $insert_id once. Ctrl-C or SIGTERM leaves the events in
    the file that are not being sent yet, and the summary says what became of the others. A second one aborts.

    Updates are sent in their order, one request at a time. The first ones without an answer end their drain and
    stay in the file. A batch with $add or $append, which would count twice, is not sent again if the server may have
    taken it: its updates are undelivered and leave the file, unless --retry-unsafe. --dead-letter gets them.
    """
    stops: list[str] = []
    drained: list[Drained] = []
    try:
        files = [file for number, file in enumerate(files_of(path)) if not number or not file.is_empty(failed=failed)]
        configured = _client(options, files)
        with ExitStack() as stack:
            stack.enter_context(configured.client)
            # All are opened before anything is sent: one that is for another project is known then.
            spools = [stack.enter_context(file.open(configured, force=force)) for file in files]
            stack.enter_context(stop_once(stops.append))
            for file, spool in zip(files, spools, strict=True):
                drained.append(_drain(file, spool, file.engine(configured), stops, failed=failed))
    except SpoolError as failure:
        advice = "; --force delivers them anyway" if failure.kind == "destination" else ""
        raise CannotRun(f"{failure}{advice}") from failure
    for one in drained:
        print_summary(Console(), one.report, one.file.name, partial(_place, one.file), what=one.file.what)
        for line in _left(one, options["dead_letter"]):
            click.echo(line)
    for message in (*stops, *(one.error for one in drained)):
        if message:
            click.echo(f"Error: {message}", err=True)
    sys.exit(_status(drained, stopped=bool(stops)))


class Drained(NamedTuple):
    """What became of one file."""

    file: SpoolFile
    report: Report
    error: MixpressError | None
    left: SpoolStats


def _client(options: DeliveryOptions, files: list[SpoolFile]) -> ConfiguredClient:
    first, *others = files
    if first.updates:
        return make_client(options, of_updates=True)
    return make_client(options, first.endpoint, token_too=bool(others))  # type: ignore[arg-type] # it is of events


def _drain(file: SpoolFile, spool: Spool, engine: Engine, stops: list[str], *, failed: bool) -> Drained:
    total = spool.stats().pending
    with progress_bar(total, counts_bytes=False, what=file.what) as on_progress:
        report, error = report_of(drain_spool, engine, spool, on_progress, failed=failed, stopped=lambda: bool(stops))
    return Drained(file, report, error, spool.stats())


def _place(file: SpoolFile, failure: Failure) -> str:
    return f"{file.what} {failure.index + 1:,}"


def _left(one: Drained, dead_letter: str | None) -> list[str]:
    what, left, report = one.file.what, one.left, one.report
    messages = []
    gone = any(NOT_REPEATED in tally.example.message for tally in report.by_reason.values())
    if dead_letter and (report.refused or gone) and not report.unwritten:
        failed = "undelivered" if gone else "refused"
        failed = "refused and undelivered" if gone and report.refused else failed
        messages.append(f"{dead_letter} has the {failed} {what}s that left the spool, with the reasons.")
    if left.pending:
        messages.append(f"{counted(left.pending, what)} left in the spool.")
    if left.failed:
        messages.append(f"{counted(left.failed_events, what)} given up and kept in the spool; --failed sends them.")
    if left.quarantined:
        messages.append(f"{counted(left.quarantined, 'row')} cannot be read: `mixpress spool show` lists the reasons.")
    return messages


def _status(drained: list[Drained], *, stopped: bool) -> int:
    reports = [one.report for one in drained]
    if not any(report.imported for report in reports) and (any(report.undelivered for report in reports) or stopped):
        return 3
    return 1 if stopped or any(one.report.failed or one.error for one in drained) else 0


def _lines(stats: SpoolStats, file: SpoolFile) -> list[str]:
    what = file.what
    to = f", for {stats.url}" if stats.url else ""
    of = f" of {KINDS[file.updates]}" if file.updates else ""
    lines = [f"{counted(stats.pending, what)}{of} in {stats.path} ({in_bytes(stats.file_bytes)} on the disk){to}"]
    rows = [
        (stats.events, "waiting", f"not batched yet, {in_bytes(stats.event_bytes)} of JSON"),
        (stats.sent_events, "sent", "without an answer yet: their process ended, or waits for it"),
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
        lines.append(f"{counted(stats.failed_events, what)} given up:")
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
