"""`mixpress import`: send the events of files to a project."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from mixpress.cli.delivery import deliver_files
from mixpress.cli.encoder_options import encoder_options
from mixpress.cli.mapping_options import mapping_options
from mixpress.cli.options import delivery_options, retry_unsafe_option
from mixpress.cli.report_file import log_json_option, report_option

if TYPE_CHECKING:
    from mixpress.files.formats import Format

EPILOG = """
\b
Credentials are read from the environment:
  MIXPRESS_SERVICE_ACCOUNT, MIXPRESS_SECRET and MIXPRESS_PROJECT_ID (a service account), or
  MIXPRESS_TOKEN (a project token); updates of profiles need this one.
A server on this machine, such as `mixpress emulator`, and --dry-run need none. Updates
need the token there, too, if the environment has a service account.

\b
Exit status:
  0  every event was imported; a warning says so if there was none
  1  some events failed, a file is damaged, or the report can't be written; the summary lists the reasons
  2  wrong usage, or a file cannot be used; nothing was sent
  3  nothing could be delivered

\b
Examples:
  mixpress import events.ndjson.gz --to http://127.0.0.1:8400
  mixpress import 'exports/2023-*.ndjson.gz' --region eu --state import.state --dead-letter failed.ndjson
  mixpress import orders.csv --event Ordered --time-column paid_at --time-zone Europe/Berlin \\
      --distinct-id-column customer --insert-id-from order_id --dry-run
  mixpress import amplitude/ --from amplitude --since 2023-01-01 --max-errors 1% --report import.html
  curl -s https://example.com/events.json | mixpress import -
  mixpress import users.parquet --profiles --distinct-id-column user_id --drop password --region eu
  mixpress import logins.csv --profiles --operation add --state logins.state --dead-letter failed.ndjson
  mixpress import companies.csv --groups company --group-id-column company_id --region eu
"""


@click.command("import", short_help="Send the events of files.", epilog=EPILOG)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--format",
    type=click.Choice(["ndjson", "json", "csv", "tsv", "parquet", "arrow"]),
    help="Format of the files.  [default: recognised by their first bytes]",
)
@mapping_options
@encoder_options
@delivery_options
@retry_unsafe_option
@click.option(
    "--state",
    type=click.Path(),
    metavar="FILE",
    help="Record in FILE what has its verdict: the same command goes on where an earlier one ended, however it ended.",
)
@click.option("--max-errors", metavar="N|P%", help="Stop once more events failed: a number, or a share.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Read N events.")
@click.option("--dry-run", is_flag=True, help="Do all but send: say what would be sent, and what would fail.")
@report_option
@log_json_option
def command(files: tuple[str, ...], format: Format | None, **options: Any) -> None:
    """Send the events of each FILE: NDJSON, a JSON array, CSV, Parquet or Arrow, plain or packed by gzip or zstd.
    A FILE may be a folder, a pattern, or - for the standard input.

    Every event gets a verdict: imported, rejected (breaks a rule, not sent), refused (by the server) or
    undelivered (no answer). A failed event does not stop the others. Importing a file again is safe: the
    server keeps events with the same $insert_id once.

    With --profiles or --groups KEY, the records are updates of profiles. A record is one of the API, such as
    {"$distinct_id": "u", "$set": {"plan": "pro"}}, or a row: one column has the id, and the others are set, or what
    --operation says. Those of one profile arrive in the order of the records. With --state, the import ends at the
    first updates without an answer, and the same command goes on. A batch with $add or $append, which would count
    twice, is not sent again if the server may have taken it: its updates are undelivered, unless --retry-unsafe.

    Ctrl-C or SIGTERM ends the reading: what was read is sent, and the summary says what became of it. A second
    one aborts. With --state, the same command goes on later.
    """
    sys.exit(deliver_files(files, format, options))
