"""The options of `mixpress emulator` that say which of the API's readings, projects and credentials it has."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mixpress.emulator import RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_CREDENTIALS_BYTES = 1_000_000  # a larger file is none of credentials


def to_rate_limit(_context: click.Context, _option: click.Parameter, value: str) -> RateLimit | None:
    """Return the rate limit of the option; None for `off`."""
    if value in {"documented", "off"}:
        return RateLimit.documented() if value == "documented" else None
    events, _, size = value.partition(",")
    try:
        return RateLimit(int(events), int(size) if size else RateLimit.documented().bytes)
    except ValueError:
        allowed = "must be documented, off, or integers >= 1 as EVENTS or EVENTS,BYTES of a minute"
        raise click.BadParameter(f"{allowed}, got '{value}'") from None


def to_lookup_tables(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Return the names of lookup tables by their ids."""
    return {id_: name for id_, _, name in (value.partition(":") for value in values)}


_OPTIONS = [
    click.option(
        "--limits",
        type=click.Choice(["documented", "observed"]),
        default="documented",
        show_default=True,
        help="Limits by the documentation, or as reported of the real server: depth 10, 10 MiB, 255 bytes.",
    ),
    click.option(
        "--identity",
        type=click.Choice(["original", "simplified"]),
        default="original",
        show_default=True,
        help="Identity merge of the project; simplified takes $user_id and $device_id.",
    ),
    click.option(
        "--rate-limit",
        callback=to_rate_limit,
        default="documented",
        show_default=True,
        metavar="EVENTS[,BYTES]",
        help="Answer 429 beyond this in a minute, for each project; off for no limit.",
    ),
    click.option(
        "--credentials-file",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        metavar="FILE",
        help="Accept only the credentials in this file, one a line: username:secret, token: or :bearer.",
    ),
    click.option(
        "--credentials-env",
        metavar="NAME",
        help="Accept only the credentials in this environment variable, in the same form.",
    ),
]


def api_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets them as keyword arguments of `Emulator`."""

    @functools.wraps(command)
    def with_api(
        limits: str,
        identity: str,
        rate_limit: RateLimit | None,
        credentials_file: Path | None,
        credentials_env: str | None,
        **others: Any,
    ) -> None:
        api = {
            "limits": limits,
            "identity": identity,
            "rate_limit": rate_limit,
            "credentials": read_credentials(credentials_file, credentials_env),
        }
        command(**others, **api)

    decorated: Callable[..., None] = with_api
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def read_credentials(path: Path | None, variable: str | None) -> list[tuple[str, str]] | None:
    """Return the credentials of a file and of an environment variable; None if neither is given.

    Raises click.UsageError, which names the line and never quotes it.
    """
    if path is None and variable is None:
        return None
    pairs: list[tuple[str, str]] = []
    if path is not None:
        try:
            with path.open("rb") as file:
                text = file.read(_MAX_CREDENTIALS_BYTES + 1).decode()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise click.UsageError(f"--credentials-file {path} cannot be read: {reason}") from None
        pairs += parse_credentials(text, f"--credentials-file {path}")
    if variable is not None:
        value = os.environ.get(variable)
        if value is None:
            # A secret given by mistake instead of a name must not be shown.
            raise click.UsageError("--credentials-env must be the name of an environment variable that is set")
        pairs += parse_credentials(value, "the variable of --credentials-env")
    return pairs


def parse_credentials(text: str, source: str) -> list[tuple[str, str]]:
    """Return the pairs in a text: one a line, without blank lines and those that start with `#`."""
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        username, colon, secret = entry.partition(":")
        if not colon or entry == ":":
            raise click.UsageError(
                f"line {number} of {source} must be username:secret, token: or :bearer-token (the line is not shown)"
            )
        pairs.append((username, secret))
    if not pairs:
        raise click.UsageError(f"{source} has no credentials; one a line: username:secret, token: or :bearer-token")
    return pairs
