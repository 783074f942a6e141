"""A request, and its entry in the log. No field but `body` has credentials, and no `repr` shows the body."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Credentials = frozenset[tuple[str, str]]
"""(username, secret) of service accounts; (token, "") and (project secret, "")."""


@dataclass(frozen=True)
class Request:
    """A request to /import or /track, before it is processed."""

    number: int
    """1 for the first request since the emulator was started or cleared."""
    method: str
    path: str
    query: Mapping[str, str]
    """Without `api_key`."""
    headers: Mapping[str, str]
    """By lower-case name, without Authorization."""
    body: bytes = field(repr=False)
    """As received, still gzipped if it was; a form of an older client may contain its `api_key`."""
    address: str
    """The sender's IP address."""
    denied: str | None = None
    """Why /import refuses its credentials; None if it accepts them."""


@dataclass(frozen=True)
class LoggedRequest:
    """A request in `Emulator.requests()`."""

    method: str
    path: str
    """Without the query."""
    status: int
    """Of the reply; 0 if the connection was closed instead."""
    events: int
    """Number of events in the body; 0 if it was not read."""
    body_bytes: int
    """As received."""
    content_encoding: str
    """`gzip`, or empty."""
    fault: str = ""
    """The fault applied to it, as written, such as `429:3`; empty if none."""


def check_credentials(authorization: str, query: Mapping[str, str], known: Credentials | None) -> str | None:
    """Return why /import refuses Basic credentials, or None. With `known` None any are accepted that are not empty.

    Older clients send the secret as `api_key` instead.
    """
    if is_known_key(query.get("api_key"), known):
        return None
    pair = _read_basic(authorization)
    if pair is None or not pair[0] or (known is not None and pair not in known):
        return "Invalid credentials"
    if pair[1] and not query.get("project_id"):
        return "Invalid credentials: a service account needs project_id in the query"
    return None


def is_known_key(api_key: str | None, known: Credentials | None) -> bool:
    """Return whether the `api_key` of an older client is accepted, as a secret is."""
    return bool(api_key) and (known is None or (api_key, "") in known)


def _read_basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return None
    username, colon, secret = text.partition(":")
    return (username, secret) if colon else None
