"""Options shared by the commands that deliver events, and the client that they configure."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, ParamSpec, TypedDict, TypeVar

import click

from mixpress.address import REGIONS, is_loopback, server_url
from mixpress.auth import PLACEHOLDER, ProjectToken, auth_from_environment
from mixpress.cli.group import CannotRun
from mixpress.client.client import Client
from mixpress.errors import MixpressError
from mixpress.retry import RetryPolicy
from mixpress.send.rate_limit import RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import NotRequired

    from mixpress._core import Encoder
    from mixpress.address import Region
    from mixpress.auth import Auth
    from mixpress.report.report import Report
    from mixpress.send.request import Endpoint

P = ParamSpec("P")
Command = TypeVar("Command", bound="Callable[..., None]")

_OPTIONS = (
    click.option("--to", metavar="URL", help="Server to send to, such as http://127.0.0.1:8400, instead of a region."),
    click.option("--region", type=click.Choice([*REGIONS]), help="Data residency of the project.  [default: us]"),
    click.option(
        "--service-account",
        metavar="NAME",
        help="User name of the service account; defaults to $MIXPRESS_SERVICE_ACCOUNT.",
    ),
    click.option("--project-id", metavar="ID", help="Project id; defaults to $MIXPRESS_PROJECT_ID."),
    click.option(
        "--dead-letter",
        metavar="FILE",
        help="Append each failed event to FILE as it was read, with the reason, the file and the line.",
    ),
    click.option(
        "--strict/--no-strict",
        default=True,
        show_default=True,
        help="Ask the server to validate each event and report the refused ones.",
    ),
    click.option(
        "--concurrency",
        type=click.IntRange(1, 100),
        default=10,
        show_default=True,
        help="Maximum number of requests at a time.",
    ),
    click.option(
        "--attempts",
        type=click.IntRange(min=1),
        default=RetryPolicy.attempts,
        show_default=True,
        help="Maximum number of attempts to send a batch while the server is busy or does not answer.",
    ),
    click.option(
        "--no-rate-limit",
        is_flag=True,
        help="Send as fast as the server takes it, not 30,000 events a second at most.",
    ),
)

retry_unsafe_option = click.option(
    "--retry-unsafe",
    is_flag=True,
    help="Send $add and $append again even if the server may have taken them: they may count twice.",
)


_DESTINATION = 4
"""The first options: where to send to, and whose account it is."""


class DeliveryOptions(TypedDict):
    """The values of `delivery_options`."""

    to: str | None
    region: Region | None
    service_account: str | None
    project_id: str | None
    dead_letter: str | None
    strict: bool
    concurrency: int
    attempts: int
    no_rate_limit: bool
    retry_unsafe: NotRequired[bool]


def destination_options(command: Command) -> Command:
    """Add the options for destination and credentials alone to a command."""
    for option in reversed(_OPTIONS[:_DESTINATION]):
        command = option(command)
    return command


def delivery_options(command: Command) -> Command:
    """Add the options for destination, credentials and delivery to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True)
class ConfiguredClient:
    """A client made from the options, with the server, endpoint and credentials that it uses."""

    client: Client
    server: str
    endpoint: Endpoint
    auth: Auth
    token: ProjectToken | None
    """That of updates beside events."""


def make_client(
    options: DeliveryOptions,
    endpoint: Endpoint = "import",
    encoder: Encoder | None = None,
    *,
    sends: bool = True,
    of_updates: bool = False,
    token_too: bool = False,
) -> ConfiguredClient:
    """Return the client for the options; one that `sends` nothing needs no credentials, one `of_updates` a token, and
    `token_too` makes one of events that needs a token for updates too.

    Raises `CannotRun` without credentials, UsageError for invalid options.
    """
    try:
        server = server_url(options["region"], options["to"])
        account = options["service_account"], options["project_id"]
        auth = _token(server, *account, needed=sends) if of_updates else credentials(server, *account, needed=sends)
        token = _token(server, None, None, needed=sends) if token_too else None
        client = Client(
            auth,
            token=token,
            base_url=options["to"],
            region=options["region"],
            endpoint=endpoint,
            strict=options["strict"],
            encoder=encoder,
            rate_limit=None if options["no_rate_limit"] else RateLimit.documented(),
            concurrency=options["concurrency"],
            retry=RetryPolicy(attempts=options["attempts"]),
            dead_letter=options["dead_letter"],
            retry_unsafe=options.get("retry_unsafe", False),
        )
    except ValueError as error:
        raise click.UsageError(str(error).replace("base_url", "--to")) from error
    return ConfiguredClient(client, server, endpoint, auth, token)


def credentials(server: str, service_account: str | None, project_id: str | None, *, needed: bool = True) -> Auth:
    """Return the credentials of the environment; any for a server on this machine, or if they are not `needed`.

    Raises `CannotRun` without them, ValueError for a part of them.
    """
    try:
        auth = auth_from_environment(service_account=service_account, project_id=project_id)
    except ValueError:
        if needed:
            raise
        auth = None
    if auth or not needed or is_loopback(server):
        return auth or PLACEHOLDER
    raise CannotRun(
        "no credentials in the environment: set MIXPRESS_SERVICE_ACCOUNT, MIXPRESS_SECRET and "
        "MIXPRESS_PROJECT_ID (a service account), or MIXPRESS_TOKEN (a project token)"
    )


def _token(server: str, service_account: str | None, project_id: str | None, *, needed: bool) -> ProjectToken:
    """Return the project token of the environment, which is all that updates of profiles need; as `credentials`."""
    if service_account or project_id:
        option = "--service-account" if service_account else "--project-id"
        raise click.UsageError(f"{option} is for events; updates of profiles need the project token, $MIXPRESS_TOKEN")
    token = os.environ.get("MIXPRESS_TOKEN", "").strip()
    if token:
        return ProjectToken(token)
    # With an account it may be a real project: /engage replies 200 for any token, and drops the updates of a wrong one.
    has_account = bool(os.environ.get("MIXPRESS_SERVICE_ACCOUNT", "").strip())
    if not needed or (is_loopback(server) and not has_account):
        return PLACEHOLDER
    raise CannotRun(
        "no project token in the environment: set MIXPRESS_TOKEN, which updates of profiles need; a service account is "
        "for events"
    )


def report_of(deliver: Callable[P, Report], *args: P.args, **kwargs: P.kwargs) -> tuple[Report, MixpressError | None]:
    """Call `deliver`; return its report, and the error that stopped it early, if any.

    Raises `CannotRun` for an error without a report, which is one before anything was sent.
    """
    try:
        return deliver(*args, **kwargs), None
    except MixpressError as error:
        if error.report is None:
            raise CannotRun(str(error)) from error
        return error.report, error
    except KeyboardInterrupt as error:
        for note in getattr(error, "__notes__", []):
            click.echo(note, err=True)
        raise
