"""`mixpress check`: say what an import of files would do, without a network."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from mixpress._core import Encoder
from mixpress.auth import PLACEHOLDER
from mixpress.check.report import CHOICES, OF_EVENTS
from mixpress.check.run import check_pieces
from mixpress.cli.check_summary import print_check
from mixpress.cli.encoder_options import encoder_options, take_encoder_arguments
from mixpress.cli.group import CannotRun
from mixpress.cli.input import open_files
from mixpress.cli.mapping_options import mapping_options, take_mapping
from mixpress.cli.progress import progress_bar
from mixpress.cli.report_file import log_json_option, report_option, write_report
from mixpress.cli.signals import stop_once
from mixpress.cli.written import refuse_input
from mixpress.files.mapper import mapper_of

if TYPE_CHECKING:
    from mixpress.files.formats import Format

EPILOG = """
\b
Exit status:
  0  every event would be sent
  1  some events would be rejected, a file is damaged, or something of --fail-on was found
  2  wrong usage, or a file cannot be used

\b
Examples:
  mixpress check events.ndjson.gz
  mixpress check 'exports/*.csv' --config import.toml --report check.html
  mixpress check events.ndjson --fail-on duplicates --fail-on types
  mixpress check users.parquet --profiles --distinct-id-column user_id
  mixpress check events.ndjson --json | jq '.rules[] | {rule, count}'
"""


@click.command("check", short_help="Say what an import would do, without a network.", epilog=EPILOG)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--format",
    type=click.Choice(["ndjson", "json", "csv", "tsv", "parquet", "arrow"]),
    help="Format of the files.  [default: recognised by their first bytes]",
)
@mapping_options
@encoder_options
@click.option(
    "--fail-on",
    type=click.Choice(CHOICES),
    multiple=True,
    help="Exit with status 1 if this was found, too; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with all findings; see docs/check.md.")
@report_option
@log_json_option
def command(
    files: tuple[str, ...],
    format: Format | None,
    fail_on: tuple[str, ...],
    as_json: bool,
    log_json: bool,
    report: Path | None,
    **options: Any,
) -> None:
    """Read each FILE as `mixpress import` would, with the same options, and send nothing.

    The summary says how many events would pass, each broken rule with the first places, what would be cut, names,
    days, properties with values of several types, ids that look wrong, duplicates, and how long an import would take.
    The memory does not grow with the files.
    """
    mapping = take_mapping(options)
    if mapping.endpoint is not None and (useless := [choice for choice in fail_on if choice in OF_EVENTS]):
        raise click.UsageError(f"--fail-on {useless[0]} is for events: updates of profiles have no {useless[0]}")
    mapper = mapper_of(mapping)
    arguments = take_encoder_arguments(options, {**mapper.encoder_options(), "explain": True})
    token = None if mapping.endpoint is None else PLACEHOLDER.token
    encoder = Encoder(mapping.endpoint or "import", token=token, **arguments)
    refuse_input(report, "report", files)
    source = open_files(files, format)
    with (
        progress_bar(source.size, log_json=log_json, what="update" if mapper.of_updates else "event") as on_progress,
        stop_once(source.stop, "summing up what was read"),
    ):
        try:
            found = check_pieces(source, encoder, mapper, on_progress=on_progress)
        except OSError as error:
            raise CannotRun(f"cannot check {error.filename or ', '.join(files)}: {error.strerror}") from error
    if source.unusable and not found.events:
        raise CannotRun("\n".join(source.damaged))
    failures = found.failures(fail_on)
    if as_json:
        click.echo(json.dumps(found.as_dict(fail_on)))
    else:
        print_check(Console(), found, failures)
    if report is not None:
        from mixpress.check.page import page_of  # noqa: PLC0415 - not needed without a report

        write_report(report, page_of(found, failures), found.as_dict(fail_on))
        if not as_json:
            click.echo(f"{report} has the report.")
    sys.exit(1 if failures else 0)
