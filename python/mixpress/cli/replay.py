"""`mixpress replay`: send the failed events of a dead letter again."""

from __future__ import annotations

import sys
from typing import Any

import click

from mixpress.cli.delivery import deliver_files
from mixpress.cli.encoder_options import encoder_options
from mixpress.cli.mapping_options import mapping_options
from mixpress.cli.options import delivery_options, retry_unsafe_option
from mixpress.cli.report_file import log_json_option, report_option
from mixpress.files.replay import DeadLetterInput

EPILOG = """
\b
Each line of a dead letter is a JSON object: its "event" is the event, or the record of the file, as it was
read; "rule" and "message" say why it failed, "file" and "line" where it is. Correct the event, and replay:

\b
  mixpress import events.ndjson --region eu --dead-letter failed.ndjson
  sed -i 's/"distinct_id": "null"/"distinct_id": "anonymous"/' failed.ndjson
  mixpress replay failed.ndjson --region eu --dead-letter failed-again.ndjson

\b
Records of a table, or of another tool, need the mapping with which they were imported:
  mixpress replay failed.ndjson --config orders.toml --region eu
"""


@click.command("replay", short_help="Send the failed events of a dead letter again.", epilog=EPILOG)
@click.argument("files", nargs=-1, required=True, metavar="DEAD_LETTER...")
@mapping_options
@encoder_options
@delivery_options
@retry_unsafe_option
@click.option(
    "--state",
    type=click.Path(),
    metavar="FILE",
    help="Record in FILE what has its verdict, to go on after an early end.",
)
@click.option("--max-errors", metavar="N|P%", help="Stop once more events failed: a number, or a share.")
@click.option("--dry-run", is_flag=True, help="Do all but send.")
@report_option
@log_json_option
def command(files: tuple[str, ...], **options: Any) -> None:
    """Send the events in the lines of each DEAD_LETTER, which `mixpress import --dead-letter` wrote.

    The file is only read. What fails again is written to another dead letter. Lines that failed because no
    answer came, or because a rule was broken, are sent alike: the server keeps an event that it has once.

    Updates of profiles need --profiles or --groups KEY, and rows the --operation with which they were imported. A
    line that needs other options is left out, and the summary names them. Updates arrive after everything that was
    sent meanwhile. An $add or $append that the server may have taken is left out, unless with --retry-unsafe.
    """
    sys.exit(deliver_files(files, "ndjson", options, DeadLetterInput))
