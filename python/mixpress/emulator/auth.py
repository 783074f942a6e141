"""The credentials of requests: which ones /import accepts, and which project a request belongs to."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Credentials = frozenset[tuple[str, str]]
"""(username, secret) of service accounts; (token, "") and (project secret, ""); ("", token) for a bearer token."""

_DIGEST_KEY = secrets.token_bytes(32)  # digests of secrets cannot be compared with those of another process


def to_credentials(pairs: Iterable[tuple[str, str]]) -> Credentials:
    """Return the pairs as a set; a TypeError or ValueError quotes no value, as it may be a secret."""
    known = frozenset(pairs)
    if not all(isinstance(pair, tuple) and [type(part) for part in pair] == [str, str] for pair in known):
        raise TypeError('credentials must be pairs of strings, such as [("username", "secret"), ("token", "")]')
    if ("", "") in known:
        raise ValueError("credentials must not be an empty username with an empty secret: no request can have them")
    return known


def check_credentials(authorization: str, query: Mapping[str, str], known: Credentials | None) -> str | None:
    """Return why /import refuses credentials, or None. With `known` None any are accepted that are not empty.

    They are a bearer token, or Basic credentials; older clients send the secret as `api_key` instead.
    """
    if is_known_key(query.get("api_key"), known):
        return None
    bearer = _read_bearer(authorization)
    if bearer:
        return None if known is None or ("", bearer) in known else "Invalid credentials"
    pair = _read_basic(authorization)
    if pair is None or not pair[0] or (known is not None and pair not in known):
        return "Invalid credentials"
    if pair[1] and not query.get("project_id"):
        return "Invalid credentials: a service account needs project_id in the query"
    return None


def is_service_account(authorization: str) -> bool:
    """Return whether credentials have the form of a service account: Basic, with a username and a secret."""
    pair = _read_basic(authorization)
    return pair is not None and all(pair)


def is_known_key(api_key: str | None, known: Credentials | None) -> bool:
    """Return whether the `api_key` of an older client is accepted, as a secret is."""
    return bool(api_key) and (known is None or (api_key, "") in known)


def project_of(authorization: str, query: Mapping[str, str]) -> str:
    """Return a digest of the `project_id`, or else of the token, secret or username; empty if there is none.

    Requests with the same digest share a rate limit. It is a digest because a token or a secret must not be kept.
    """
    if query.get("project_id"):
        return digest(f"project_id={query['project_id']}")
    basic = _read_basic(authorization)
    name = _read_bearer(authorization) or (basic[0] if basic else "") or query.get("api_key", "")
    return digest(name) if name else ""


def digest(name: str) -> str:
    """Return a keyed digest of a token or a secret, the same for the same text until the process ends."""
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16, key=_DIGEST_KEY).hexdigest()


def _read_bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


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
