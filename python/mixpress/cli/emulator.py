"""`mixpress emulator`: run the local server until it is interrupted."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mixpress.cli.emulator_export import ServerGroup, export_command
from mixpress.cli.emulator_help import HELP
from mixpress.cli.emulator_options import api_options, to_lookup_tables
from mixpress.cli.group import CannotRun
from mixpress.cli.signals import stop_signals
from mixpress.emulator import Emulator, Faults
from mixpress.emulator.collector import spare_stored_events
from mixpress.emulator.faults.faults import to_faults
from mixpress.emulator.hosts import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.group("emulator", cls=ServerGroup, short_help="Run a local server of the ingestion API.", help=HELP)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8400,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 picks a free one.",
)
@click.option(
    "--db",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Keep the events in this SQLite file, created if missing.  [default: memory]",
)
@click.option(
    "--keep",
    default=1_000_000,
    show_default=True,
    type=click.IntRange(min=1),
    metavar="N",
    help="Keep the last N events, also in the file; older ones are deleted.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND[:HOW-OFTEN]",
    help="Make requests fail, as described above, or the path of a schedule.toml; may be repeated.",
)
@click.option("--fault-seed", type=int, metavar="N", help="Seed that selects the failing requests.  [default: 0]")
@click.option(
    "--lookup-table",
    "lookup_tables",
    multiple=True,
    metavar="ID[:NAME]",
    callback=to_lookup_tables,
    help="A lookup table that the project has; may be repeated.",
)
@click.option("--webhook", metavar="URL", help="Post each batch, with its accepted and refused events, to this URL.")
@click.option(
    "--i-know-this-is-not-authenticated",
    "allow_other_hosts",
    is_flag=True,
    help="Allow a --host that other machines can reach, such as 0.0.0.0.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Another name of this machine, by which the page is opened; may be repeated.",
)
@api_options
def command(host: str, db: Path | None, faults: tuple[str, ...], fault_seed: int | None, **settings: Any) -> None:
    """Run the server; HELP is the text for users."""
    with stop_signals() as stop, log_to_terminal():
        try:
            with Emulator(host=host, db=db, faults=read_faults(faults, fault_seed), **settings) as server:
                spare_stored_events()
                announce(server, str(db or "memory"), host)
                stop.get()
                click.echo(f"stopped; events in {db or 'memory'}: {server.count():,}")
        except (ValueError, OSError) as error:
            raise CannotRun(str(error)) from error


command.add_command(export_command)


def announce(server: Emulator, kept: str, host: str) -> None:
    """Print the URL, whether other machines reach it, and the faults."""
    click.echo(f"listening on {server.url}, events kept in {kept}; Ctrl-C stops")
    if not is_loopback(host):
        click.echo(f"without authentication, for every machine that can reach {host}")
    if server.faults.phases:
        click.echo(f"faults: a schedule of {len(server.faults.phases)} phases, seed={server.faults.seed}")
    elif server.faults.rules:
        click.echo(f"faults: {server.faults}")


def read_faults(texts: tuple[str, ...], seed: int | None) -> Faults:
    """Return the faults of all `--fault` options. ValueError if one is invalid, OSError if it cannot be read."""
    if len(texts) > 1 and any(text.endswith(".toml") for text in texts):
        raise ValueError("a schedule must be the only --fault: write the other faults into its phases")
    faults = to_faults(",".join(texts)) if texts else Faults()
    return faults if seed is None else replace(faults, seed=seed)


@contextmanager
def log_to_terminal() -> Iterator[None]:
    """Write the emulator's log, a line for each request, to stderr."""
    logger = logging.getLogger("mixpress.emulator")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
