"""`mixpress emulator export`: write the events of an emulator to a file."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from mixpress.cli.group import CannotRun
from mixpress.emulator.export import MissingExtraError, choose_writer, export, refuse_existing
from mixpress.emulator.stored import UnreadableEventsError, read_file, read_url, to_base

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

URL = "http://127.0.0.1:8400"


class ServerGroup(click.Group):
    """A group whose own function runs a server, if no subcommand is called."""

    def __init__(self, name: str, *, callback: Callable[..., None], **settings: Any) -> None:
        @functools.wraps(callback)
        @click.pass_context
        def serve(ctx: click.Context, /, **options: Any) -> None:
            if ctx.invoked_subcommand is None:
                callback(**options)
            else:
                refuse_options(ctx, ctx.invoked_subcommand)

        super().__init__(name, callback=serve, invoke_without_command=True, **settings)


def refuse_options(ctx: click.Context, command: str) -> None:
    """Raise UsageError for an option of the server before a subcommand, which would be without effect."""
    for parameter in ctx.command.params:
        if ctx.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"{parameter.opts[0]} before '{command}' is an option of the server; "
                f"see `mixpress emulator {command} --help` for those of the command"
            )


@click.command("export", short_help="Write the stored events to a file.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--db",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Read the events of this file, which `mixpress emulator --db` wrote.",
)
@click.option("--url", metavar="URL", help=f"Read the events of the emulator that runs there.  [default: {URL}]")
@click.option("--event", "names", multiple=True, metavar="NAME", help="Only events of this name; may be repeated.")
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def export_command(file: Path, db: Path | None, url: str | None, names: tuple[str, ...], force: bool) -> None:
    """Write the events that an emulator stores to FILE, in order of first arrival.

    They are read from a running emulator, or with --db from its file, whether an emulator uses it or not. FILE
    appears when it is complete. Its suffix gives the format.

    \b
    .ndjson, .jsonl  a JSON object a line, as `mixpress import` reads it
    .parquet         the columns event, time (UTC), distinct_id, insert_id, endpoint and
                     properties (JSON); needs `pip install 'mixpress[parquet]'`

    \b
    Exit status:
      0  the events were written, even if there are none
      2  wrong usage, or the events cannot be read or written

    \b
    Examples:
      mixpress emulator export events.parquet
      mixpress emulator export signups.ndjson --event 'Signed Up' --url http://127.0.0.1:9000
      mixpress emulator export events.ndjson --db events.db
      duckdb -c "SELECT event, count(*) FROM 'events.parquet' GROUP BY event"
    """
    if db is not None and url is not None:
        raise click.UsageError("--db and --url exclude each other: the events come from a file or from an emulator")
    try:
        choose_writer(file)
        refuse_existing(file, force=force)
        with (
            read_file(db, names) if db is not None else read_url(to_base(url or URL), names) as stored,
            _progress(None if names else stored.total) as on_progress,
        ):
            number = export(stored.pages, file, force=force, on_progress=on_progress)
    except FileExistsError as error:
        raise CannotRun(str(error)) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except (MissingExtraError, UnreadableEventsError) as error:
        raise CannotRun(str(error)) from error
    except OSError as error:
        raise CannotRun(f"cannot write {file}: {error.strerror or error}") from error
    click.echo(f"{number:,} event{'' if number == 1 else 's'} written to {file}")


@contextmanager
def _progress(total: int | None) -> Iterator[Callable[[int], None]]:
    """Yield the function that shows how many events are written, on a terminal."""
    from rich import progress as bars  # noqa: PLC0415 - the server does not need it
    from rich.console import Console  # noqa: PLC0415 - as above

    console = Console(stderr=True)
    columns = (bars.SpinnerColumn(), bars.BarColumn(bar_width=12), bars.TextColumn("{task.completed:,} events"))
    with bars.Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as display:
        task = display.add_task("", total=total)
        yield lambda number: display.update(task, completed=number)
