"""What the commands that deliver events have in common: where to, as whom, and how."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, TypeVar

import click
from rich import progress as bars
from rich.console import Console

from mixpress.address import REGIONS, is_loopback, server_url
from mixpress.auth import ProjectToken, auth_from_environment
from mixpress.cli.group import CannotRun
from mixpress.client.client import Client
from mixpress.errors import MixpressError
from mixpress.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mixpress.address import Region
    from mixpress.auth import Auth
    from mixpress.report.report import Progress, Report
    from mixpress.send.request import Endpoint

PLACEHOLDER = ProjectToken("placeholder-for-an-emulator")
"""What goes to a server on this machine where no credentials are given: an emulator asks for no real ones."""

MAX_SAID = 36
"""Characters beside the bar, so that the line fits a terminal of 80; the log says the whole."""

Command = TypeVar("Command", bound="Callable[..., None]")

_OPTIONS = (
    click.option("--to", metavar="URL", help="The server, such as http://127.0.0.1:8400, instead of a region."),
    click.option("--region", type=click.Choice([*REGIONS]), help="Where the project lives.  [default: us]"),
    click.option("--service-account", metavar="NAME", help="In place of MIXPRESS_SERVICE_ACCOUNT."),
    click.option("--project-id", metavar="ID", help="In place of MIXPRESS_PROJECT_ID."),
    click.option("--dead-letter", metavar="FILE", help="Append each event that failed to FILE, with its reason."),
    click.option(
        "--strict/--no-strict",
        default=True,
        show_default=True,
        help="Whether the server checks each event, and says which it refuses.",
    ),
    click.option(
        "--concurrency", type=click.IntRange(1, 100), default=10, show_default=True, help="Requests at one time."
    ),
    click.option(
        "--attempts",
        type=click.IntRange(min=1),
        default=RetryPolicy.attempts,
        show_default=True,
        help="How often a batch is sent at most, where the server is busy or does not answer.",
    ),
)


class DeliveryOptions(TypedDict):
    """The values of `delivery_options`."""

    to: str | None
    region: Region | None
    service_account: str | None
    project_id: str | None
    dead_letter: str | None
    strict: bool
    concurrency: int
    attempts: int


def delivery_options(command: Command) -> Command:
    """Give a command the options that say where to deliver, as whom, and how."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True)
class Delivering:
    """A client as the options want it, the server that it sends to, and the credentials."""

    client: Client
    server: str
    endpoint: Endpoint
    auth: Auth


def make_client(options: DeliveryOptions, endpoint: Endpoint = "import") -> Delivering:
    """The client. `CannotRun` where there are no credentials, a usage error where the options make no sense."""
    try:
        server = server_url(options["region"], options["to"])
        auth = _credentials(server, options["service_account"], options["project_id"])
        client = Client(
            auth,
            base_url=options["to"],
            region=options["region"],
            endpoint=endpoint,
            strict=options["strict"],
            concurrency=options["concurrency"],
            retry=RetryPolicy(attempts=options["attempts"]),
            dead_letter=options["dead_letter"],
        )
    except ValueError as wrong:
        raise click.UsageError(str(wrong).replace("base_url", "--to")) from wrong
    return Delivering(client, server, endpoint, auth)


def _credentials(server: str, service_account: str | None, project_id: str | None) -> Auth:
    auth = auth_from_environment(service_account=service_account, project_id=project_id)
    if auth or is_loopback(server):
        return auth or PLACEHOLDER
    raise CannotRun(
        "there are no credentials in the environment: set MIXPRESS_SERVICE_ACCOUNT, MIXPRESS_SECRET and "
        "MIXPRESS_PROJECT_ID (a service account), or MIXPRESS_TOKEN (a project token)"
    )


def outcome(deliver: Callable[[], Report]) -> tuple[Report, MixpressError | None]:
    """The report, and the error that the delivery ended with, if one did."""
    try:
        return deliver(), None
    except MixpressError as error:
        if error.report is None:
            raise CannotRun(str(error)) from error
        return error.report, error
    except KeyboardInterrupt as error:
        for note in getattr(error, "__notes__", []):
            click.echo(note, err=True)
        raise


@contextmanager
def progress_bar(
    total: int | None, done: Callable[[Progress], int], *, of_bytes: bool
) -> Iterator[Callable[[Progress], None] | None]:
    """A bar on the terminal, filled by what is `done` of `total`; none where the standard error goes elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (
        bars.BarColumn(bar_width=20),
        bars.TaskProgressColumn(),
        bars.DownloadColumn() if of_bytes else bars.MofNCompleteColumn(),
        bars.TextColumn("{task.fields[says]}", markup=False),
    )
    with bars.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("delivery", total=total, says="")

        def show(progress: Progress) -> None:
            says = progress.paused[:MAX_SAID] or f"{progress.imported:,} imported"
            bar.update(task, completed=done(progress), says=says)

        yield show
