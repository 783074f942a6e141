"""`mixpress lookup`: list a project's lookup tables, and replace the rows of one."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from mixpress.address import Region, is_loopback, server_url
from mixpress.auth import ServiceAccount
from mixpress.cli.group import CannotRun
from mixpress.cli.log_lines import json_log, tell_error
from mixpress.cli.options import credentials, destination_options
from mixpress.cli.summary import in_bytes
from mixpress.client.client import Client
from mixpress.client.lookup_tables import LookupReplacement, check_id
from mixpress.errors import LookupTableError, MixpressError
from mixpress.files.remote import shown
from mixpress.lookup.source import read_table
from mixpress.report.page.markup import visible
from mixpress.retry import RetryPolicy
from mixpress.wording import counted, in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mixpress.auth import Auth
    from mixpress.lookup.source import Format

PLACEHOLDER = ServiceAccount("placeholder", "for-an-emulator", project_id="1")
"""Credentials if none are given, for a server on this machine, as an emulator accepts any."""

EPILOG = """
\b
Credentials are read from the environment: MIXPRESS_SERVICE_ACCOUNT, MIXPRESS_SECRET and MIXPRESS_PROJECT_ID.
A server on this machine, such as `mixpress emulator`, and --dry-run need none.
"""

STATUS = {"invalid": 1, "refused": 1, "not-found": 1, "too-large": 1, "unreadable": 2, "rate-limited": 3}
"""The exit status for a kind of `LookupTableError`; 3 for the others, as no table was replaced for sure."""


@click.group("lookup", short_help="List lookup tables, and replace the rows of one.")
def command() -> None:
    """List the lookup tables of a project, and replace the rows of one.

    A lookup table has properties of things that events name, such as songs or products. It is created on
    Mixpanel's page; the API replaces its rows. Each command has its own --help, with its exit statuses.

    \b
    Examples:
      mixpress lookup list --region eu
      mixpress lookup replace ID songs.csv --dry-run
    """


@command.command("list", short_help="List the lookup tables of a project.", epilog=EPILOG)
@destination_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array of objects with id and name.")
def list_command(as_json: bool, **options: Any) -> None:
    """Print the id and the name of each lookup table, a line each. It needs a service account.

    \b
    Exit status:
      0  the tables were listed, even if there are none
      2  wrong usage, or there are no credentials for it
      3  the server does not accept the credentials, or no answer came

    \b
    Examples:
      mixpress lookup list --region eu
      mixpress lookup list --json | jq -r '.[] | select(.name == "Songs") | .id'
    """
    with _client(options) as client:
        try:
            tables = client.lookup_tables.list()
        except MixpressError as error:
            sys.exit(_fail(error, log_json=False))
    if as_json:
        click.echo(json.dumps([asdict(table) for table in tables]))
        return
    width = max((len(table.id) for table in tables), default=0)
    for table in tables:
        click.echo(f"{visible(table.id):<{width}}  {visible(table.name)}")
    if not tables:
        click.echo("The project has no lookup tables: they are created on Mixpanel's page.", err=True)


@command.command("replace", short_help="Replace the rows of a lookup table.", epilog=EPILOG)
@click.argument("id", metavar="ID")
@click.argument("file", metavar="FILE")
@click.option(
    "--format",
    type=click.Choice(["csv", "tsv", "parquet", "arrow"]),
    help="Format of the file.  [default: recognised by its first bytes]",
)
@click.option("--dry-run", is_flag=True, help="Only check the file, without a network.")
@destination_options
@click.option(
    "--attempts",
    type=click.IntRange(min=1),
    default=RetryPolicy.attempts,
    show_default=True,
    help="Maximum number of attempts while the server is busy or does not answer.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: what was sent, or what is wrong.")
@click.option(
    "--log-json", is_flag=True, help="Write messages, such as about retries, to stderr as one JSON object a line."
)
def replace_command(
    id: str,
    file: str,
    format: Format | None,
    dry_run: bool,
    attempts: int,
    as_json: bool,
    log_json: bool,
    **options: Any,
) -> None:
    """Replace all rows of the lookup table ID by those of FILE, or none: a table is taken as a whole.

    FILE is CSV, TSV, Parquet or Arrow, plain or packed by gzip or zstd, up to 100 MB of CSV; - is the standard
    input. The first column is the id of a row. Before it is sent, the file is checked: UTF-8, a header of
    unique names, at least two columns, ids that are unique and not blank, and each row as wide as the header.

    `mixpress lookup list` shows the ids of the tables. A project has 100 replacements in any 24 hours.

    \b
    Exit status:
      0  the table was replaced; with --dry-run, the file breaks no rule
      1  the file breaks a rule, or the server refuses it; the rows are listed, and the table is as it was
      2  wrong usage, there are no credentials for it, or the file cannot be read; nothing was sent
      3  the server does not accept the credentials, allows no more replacements today, or did not answer

    \b
    Examples:
      mixpress lookup replace ID songs.csv --dry-run
      mixpress lookup replace ID songs.parquet --region eu
      duckdb -csv -c 'SELECT * FROM songs' app.db | mixpress lookup replace ID -
    """
    try:
        check_id(id)
        with json_log(log_json), _showing(log_json) as on_progress:
            if dry_run:
                table = read_table(file, format, on_progress)
                done = LookupReplacement(id, table.rows, table.columns, len(table.csv), 0, 0, 0.0)
            else:
                with _client(options, attempts) as client:
                    done = client.lookup_tables.replace(id, file, format=format, on_progress=on_progress)
    except (ImportError, ValueError) as error:
        raise CannotRun(str(error)) from error
    except OSError as error:
        name = visible(shown(file) if "://" in file else file)
        raise CannotRun(f"cannot read {name}: {error.strerror or error}") from error
    except MixpressError as error:
        sys.exit(_fail(error, log_json=log_json, as_json=as_json))
    _print(done, file, dry_run=dry_run, as_json=as_json)


def _client(options: dict[str, Any], attempts: int = RetryPolicy.attempts) -> Client:
    region: Region | None = options["region"]
    try:
        server = server_url(region, options["to"])
        auth = _account(server, options["service_account"], options["project_id"])
        return Client(auth, base_url=options["to"], region=region, retry=RetryPolicy(attempts=attempts))
    except ValueError as error:
        raise click.UsageError(str(error).replace("base_url", "--to")) from error


def _account(server: str, service_account: str | None, project_id: str | None) -> Auth:
    """Return the service account of the environment; any for a server on this machine."""
    auth = credentials(server, service_account, project_id)
    if isinstance(auth, ServiceAccount):
        return auth
    if is_loopback(server):
        return PLACEHOLDER
    raise CannotRun(
        "lookup tables need a service account, not a project token: set MIXPRESS_SERVICE_ACCOUNT, MIXPRESS_SECRET and "
        "MIXPRESS_PROJECT_ID"
    )


@contextmanager
def _showing(log_json: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Yield the function that shows the progress of the reading and the check, on a terminal."""
    console = Console(stderr=True)
    if log_json or not console.is_terminal:
        yield None
        return
    with console.status("reading") as status:
        yield lambda rows, size: status.update(f"checking: {counted(rows, 'row')}, {in_bytes(size)}")


def _fail(error: MixpressError, *, log_json: bool, as_json: bool = False) -> int:
    """Say why a call failed; return the exit status."""
    if as_json and isinstance(error, LookupTableError):
        problems = [asdict(problem) for problem in error.problems]
        click.echo(json.dumps({"error": str(error), "kind": error.kind, "count": error.count, "problems": problems}))
    else:
        tell_error(visible_lines(str(error)), log_json=log_json)
    if isinstance(error, LookupTableError):
        return STATUS.get(error.kind, 3)
    return 3


def visible_lines(text: str) -> str:
    """Return a message of several lines, each without control characters."""
    return "\n".join(map(visible, text.split("\n")))


def _print(done: LookupReplacement, file: str, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({**asdict(done), "dry_run": dry_run}))
        return
    size = f"{counted(done.rows, 'row')} of {counted(len(done.columns), 'column')}, {in_bytes(done.bytes)} of CSV"
    if dry_run:
        click.echo(f"{visible(file)} breaks no rule: {size}; this was a dry run, nothing was sent")
        return
    tries = f" in {done.attempts} attempts" if done.attempts > 1 else ""
    click.echo(f"replaced {done.id}: {size}, sent as {in_bytes(done.bytes_sent)}{tries} ({in_words(done.elapsed)})")
