"""`mixpress init`: look at files, and write a first mapping."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from mixpress.cli.group import CannotRun
from mixpress.files.files import Files
from mixpress.files.guess import guess
from mixpress.files.guess_updates import guess_updates
from mixpress.files.proposal import proposal

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLE = 2000
"""Records that are looked at."""

EPILOG = """
\b
Exit status:
  0  the mapping was written
  2  wrong usage, or a file cannot be used

\b
Examples:
  mixpress init orders.csv
  mixpress init exports/*.ndjson.gz --output exports.toml
  mixpress init orders.csv --output -
  mixpress init users.parquet --profiles
  mixpress init companies.csv --groups company
"""


@click.command("init", short_help="Look at a file and write a mapping for it.", epilog=EPILOG)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--output",
    "-o",
    default="mixpress.toml",
    show_default=True,
    metavar="TOML",
    help="The file to write; - is the standard output.",
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option("--profiles", is_flag=True, help="The records are updates of the profiles of users.")
@click.option("--groups", metavar="KEY", help="They are updates of groups with this key, such as company.")
def command(files: tuple[str, ...], output: str, force: bool, profiles: bool, groups: str | None) -> None:
    """Look at the first records of each FILE, and write a mapping for `mixpress import --config` and `check`.

    The columns of the event's name, time and ids are guessed by their names and their values; the file says why, and
    what to write if the guess is wrong. Nothing is sent.

    With --profiles or --groups KEY the column with the id of the profile is guessed; the others are set.
    """
    if profiles and groups is not None:
        raise click.UsageError(f"--profiles and --groups {groups!r} are for different endpoints: give one of them")
    if groups is not None and not groups.strip():
        raise click.UsageError(f"--groups must be a key that is not blank, got {groups!r}")
    if output != "-" and os.path.exists(output) and not force:
        raise click.UsageError(f"{output} exists: --force replaces it, --output names another file")
    records = _sampled(files)
    if not records:
        raise CannotRun(f"{' '.join(files)}: there are no records to look at")
    found = guess_updates(records, groups) if profiles or groups is not None else guess(records, files[0])
    text = proposal(found, files, len(records), "mixpress.toml" if output == "-" else output)
    if output == "-":
        click.echo(text, nl=False)
        return
    try:
        with open(output, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as error:
        raise CannotRun(f"cannot write {output}: {error.strerror}") from error
    click.echo(f"{output} has a mapping, guessed from {len(records):,} records:")
    for line in _summary(found.mapping.changed()):
        click.echo(f"  {line}")
    click.echo(f"Check it, then: mixpress check {' '.join(files)} --config {output}")


def _sampled(files: Sequence[str]) -> list[object]:
    """Return the first records of each file."""
    records: list[object] = []
    share = max(1, SAMPLE // len(files))
    for path in files:
        left = share
        try:
            pieces = Files([path])
            for piece in pieces:
                taken = min(left, piece.count())
                records += piece.originals(range(taken))
                left -= taken
                if not left:
                    break
        except OSError as error:
            raise CannotRun(f"cannot read {error.filename or path}: {error.strerror}") from error
        except Exception as error:
            raise CannotRun(str(error)) from error
    return records


def _summary(fields: dict[str, object]) -> list[str]:
    names = {"source": "from"}
    return [
        f"{names.get(name, name)} = {', '.join(value) if isinstance(value, tuple) else value}"
        for name, value in fields.items()
    ]
