"""The URL of the server: one of the vendor's regions, or another base URL."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

Region = Literal["us", "eu", "in"]

REGIONS: Mapping[str, str] = {
    "us": "https://api.mixpanel.com",
    "eu": "https://api-eu.mixpanel.com",
    "in": "https://api-in.mixpanel.com",
}
"""Region -> URL. The server of a wrong region accepts events and drops them silently."""


_MAX_HOST = 254
"""253, and a dot at the end."""
_MAX_LABEL = 63


def server_url(region: str | None = None, base_url: str | None = None) -> str:
    """Return the server's URL without the endpoint, of region `"us"` by default. Raise `ValueError` for a wrong one."""
    if base_url is None:
        if region not in (None, *REGIONS):
            raise ValueError(f"region must be one of {', '.join(map(repr, REGIONS))}, got {region!r}")
        return REGIONS[region or "us"]
    if region is not None:
        raise ValueError("region and base_url exclude each other; pass one of them")
    return _checked(base_url)


def server_at(place: str) -> str:
    """Return the server's URL without the endpoint, for a region or a base URL. Raise `ValueError` for neither."""
    if not isinstance(place, str):
        raise TypeError(f"base_url must be text, not {type(place).__name__}")
    if "/" not in place and place not in REGIONS:
        raise ValueError(f"base_url must be an http or https URL with a host, or a region: {', '.join(REGIONS)}")
    return REGIONS[place] if place in REGIONS else _checked(place)


def is_loopback(base_url: str) -> bool:
    """Return whether the host of a URL is this machine."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _checked(base_url: str) -> str:
    """Return a valid base URL without a trailing slash. No message quotes it, as it may contain a password."""
    try:
        url = urlsplit(base_url)
    except ValueError as error:
        raise ValueError("base_url: the host is not a valid IPv6 address in brackets") from error
    if url.scheme not in ("http", "https") or not _host(base_url):
        raise ValueError("base_url must be an http or https URL with a host, such as http://127.0.0.1:8400")
    if "@" in url.netloc:
        raise ValueError("base_url contains credentials; pass them as auth instead, as URLs appear in logs")
    if problem := host_problem(url.hostname or ""):
        raise ValueError(f"base_url: {problem}")
    if url.query or url.fragment:
        raise ValueError("base_url must not have a query or fragment; remove it from '?' or '#' on")
    path = url.path.rstrip("/")
    if path.endswith(("/import", "/track")):
        raise ValueError(
            f"base_url must not end with the endpoint {path.rpartition('/')[2]!r}; remove it, the client adds it"
        )
    return f"{url.scheme}://{url.netloc}{path}"


def _host(base_url: str) -> str | None:
    """Return the host; None where the host is missing or the port is invalid."""
    url = urlsplit(base_url)
    try:
        return url.hostname if url.port != 0 else None
    except ValueError:
        return None


def host_problem(host: str) -> str | None:
    """Return why no host can have this name, or None: such a name is an error at once, as a retry can't succeed."""
    if ":" in host:
        return None if _is_address(host) else f"the host {host!r} is not a valid IPv6 address"
    if len(host) > _MAX_HOST:
        return f"the host name has {len(host)} characters, and a name has at most {_MAX_HOST}"
    if any(not 0 < len(label) <= _MAX_LABEL for label in host.removesuffix(".").split(".")):
        return f"the host name {host!r} is impossible: each part between dots must have 1 to {_MAX_LABEL} characters"
    try:
        encoded = host.encode("idna").decode("ascii")
    except UnicodeError:
        return f"the host name {host!r} is impossible: it has no form for DNS"
    wrong = re.search(r"[^A-Za-z0-9._-]", encoded)
    return f"the host name {host!r} is impossible: it must not contain {wrong[0]!r}" if wrong else None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
