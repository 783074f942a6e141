"""Find the credentials where a task runs. A job names their source, and never has a secret."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from mixpress.address import is_loopback
from mixpress.auth import PLACEHOLDER, ProjectToken, auth_from_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mixpress.auth import Auth

ENVIRONMENT = "environment"
FILE = "file:"

_REMEDY = (
    "set MIXPRESS_SERVICE_ACCOUNT, MIXPRESS_SECRET and MIXPRESS_PROJECT_ID (a service account), or MIXPRESS_TOKEN (a "
    "project token) in the environment of each worker, or name a file with such lines that each worker can read: "
    "credentials=file:/path"
)


class Credentials(NamedTuple):
    """The credentials of a job, and its token for updates of profiles if it has one beside them."""

    auth: Auth
    token: ProjectToken | None = None


def check_source(source: str) -> None:
    """Raise `ValueError` unless a job may name its credentials so. The message omits it: it may be a secret."""
    is_file = isinstance(source, str) and source.startswith(FILE) and source != FILE
    if source != ENVIRONMENT and not is_file:
        raise ValueError(
            'credentials must be "environment" or "file:PATH", the name of a source: a secret in the options of a job '
            "would be in its plan and in logs"
        )


def find_credentials(source: str, server: str, *, of_updates: bool) -> Credentials:
    """Return the credentials of a source, as this machine has them.

    Raises `ValueError` if there are none, or not those that updates of profiles need, and `OSError` if the file can't
    be read.
    """
    variables = _read_file(source.removeprefix(FILE)) if source.startswith(FILE) else os.environ
    account = auth_from_environment(variables)
    text = variables.get("MIXPRESS_TOKEN", "").strip()
    token = ProjectToken(text) if text else None
    if of_updates and token is None and (account is not None or not is_loopback(server)):
        raise ValueError(f"updates of profiles need the project token, MIXPRESS_TOKEN, in {source_shown(source)}")
    if account is None and not is_loopback(server):
        raise ValueError(f"no credentials in {source_shown(source)}: {_REMEDY}")
    if of_updates:
        return Credentials(token or PLACEHOLDER)
    return Credentials(account or PLACEHOLDER, None if isinstance(account, ProjectToken) else token)


def source_shown(source: str) -> str:
    """Return a source for a message."""
    return source if source.startswith(FILE) else "the environment of this worker"


def _read_file(path: str) -> Mapping[str, str]:
    """Return the variables of a file with a line `NAME=value` for each. Lines without `=` and comments are left out."""
    with open(path, encoding="utf-8") as file:
        lines = [line.strip().removeprefix("export ") for line in file]
    pairs = [line.partition("=") for line in lines if "=" in line and not line.startswith("#")]
    return {name.strip(): _unquoted(value.strip()) for name, _, value in pairs}


def _unquoted(value: str) -> str:
    is_quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if is_quoted else value
