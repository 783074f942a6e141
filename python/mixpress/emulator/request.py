"""A request as the emulator sees it, and as it logs it: without what proves who sent it."""

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
    """A POST to /import or /track, before anything was done with it."""

    number: int
    """1 for the first request since the emulator began or was cleared."""
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By lower-case name, without Authorization."""
    body: bytes = field(repr=False)
    """As it came over the wire: gzipped, if it was."""
    address: str
    """The sender's IP address."""
    denied: str | None = None
    """Why its credentials are not good for /import; None where they are."""


@dataclass(frozen=True)
class LoggedRequest:
    """What `Emulator.requests()` tells of one request."""

    method: str
    path: str
    """Without the query."""
    status: int
    """Of the reply; 0 where the connection was closed instead."""
    events: int
    """How many events the body had; 0 where it was not read."""
    body_bytes: int
    """As it came over the wire."""
    content_encoding: str
    """`gzip`, or empty."""
    fault: str = ""
    """The fault that it had, as it is written, such as `429:3`; empty where it went its way."""


def deny(authorization: str, query: Mapping[str, str], known: Credentials | None) -> str | None:
    """Why Basic credentials are not good for /import, or None. `known` None takes all that are not empty."""
    pair = _read_basic(authorization)
    if pair is None or not pair[0] or (known is not None and pair not in known):
        return "Invalid credentials"
    if pair[1] and not query.get("project_id"):
        return "Invalid credentials: a service account needs project_id in the query"
    return None


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
