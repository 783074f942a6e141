"""`mixpress ping`: what a server makes of the credentials."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from mixpress.address import REGIONS, is_loopback, server_url
from mixpress.auth import ServiceAccount
from mixpress.cli.options import credentials
from mixpress.client.ping import ping

if TYPE_CHECKING:
    from mixpress.auth import Auth
    from mixpress.client.ping import Outcome, Ping

STATUS: dict[Outcome, int] = {"accepted": 0, "unproven": 0, "refused": 1, "no answer": 3}
COLOR: dict[Outcome, str] = {"accepted": "green", "unproven": "yellow", "refused": "red", "no answer": "red"}

EPILOG = """
\b
Exit status:
  0  the server accepts the credentials, or takes a request with them
  1  the server refuses the credentials
  2  wrong usage, or there are no credentials
  3  no answer of this API came

\b
Examples:
  mixpress ping --region eu
  mixpress ping --find-region
  mixpress ping --to http://127.0.0.1:8400
"""


@click.command("ping", short_help="Say what a server makes of the credentials.", epilog=EPILOG)
@click.option("--to", metavar="URL", help="Server to ask, such as http://127.0.0.1:8400, instead of a region.")
@click.option("--region", type=click.Choice([*REGIONS]), help="Data residency of the project.  [default: us]")
@click.option(
    "--find-region",
    is_flag=True,
    help="Ask the servers of all regions, which sends the credentials to each, and say which accepts them.",
)
@click.option(
    "--service-account",
    metavar="NAME",
    help="User name of the service account; defaults to $MIXPRESS_SERVICE_ACCOUNT.",
)
@click.option("--project-id", metavar="ID", help="Project id; defaults to $MIXPRESS_PROJECT_ID.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a server.")
def command(
    to: str | None,
    region: str | None,
    find_region: bool,
    service_account: str | None,
    project_id: str | None,
    as_json: bool,
) -> None:
    """Send one request without events, and say whether the server accepts the credentials.

    Nothing is stored. A service account is checked with its project. A project token is not: the server takes
    requests with any token, and drops the events of one that does not exist or is of another region.
    """
    if find_region and (to or region):
        raise click.UsageError("--find-region asks all regions: leave out --to and --region")
    try:
        servers = [*REGIONS.values()] if find_region else [server_url(region, to)]
    except ValueError as error:
        raise click.UsageError(str(error).replace("base_url", "--to")) from error
    auth = credentials(servers[0], service_account, project_id)
    found = [(server, ping(auth, server)) for server in servers]
    for server, one in found:
        _print(server, one, auth, as_json)
    if not as_json:
        _advise(found, find_region)
    sys.exit(min(STATUS[one.outcome] for _, one in found))


def _print(server: str, found: Ping, auth: Auth, as_json: bool) -> None:
    region = next((name for name, url in REGIONS.items() if url == server), None)
    project = auth.project_id if isinstance(auth, ServiceAccount) else None
    if as_json:
        shown = {
            "server": server,
            "region": region,
            "project_id": project,
            "outcome": found.outcome,
            "status": found.status,
            "seconds": round(found.seconds, 3),
            "message": found.message,
        }
        click.echo(json.dumps(shown))
        return
    where = f"{server}/import" + (f" (region {region})" if region else "") + (f", project {project}" if project else "")
    console = Console()
    console.print(Text.assemble((where, "bold"), f", {found.seconds * 1000:,.0f} ms"), soft_wrap=True)
    console.print(Text.assemble((f"  {found.outcome}: ", COLOR[found.outcome]), found.message), soft_wrap=True)


def _advise(found: list[tuple[str, Ping]], find_region: bool) -> None:
    if find_region:
        accepting = [name for name, url in REGIONS.items() for server, one in found if server == url and _is_good(one)]
        if accepting:
            click.echo(f"Use --region {accepting[0]}.")
        return
    [(server, one)] = found
    if one.outcome == "refused" and not is_loopback(server):
        click.echo("If name, secret and project are right, the project may be in another region: --find-region")


def _is_good(found: Ping) -> bool:
    return found.outcome == "accepted"
