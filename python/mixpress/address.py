"""The URL of the server: one of the vendor's regions, or another base URL."""

from __future__ import annotations

import ipaddress
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
    url = urlsplit(base_url)
    if url.scheme not in ("http", "https") or not _host(base_url):
        raise ValueError("base_url must be an http or https URL with a host, such as http://127.0.0.1:8400")
    if "@" in url.netloc:
        raise ValueError("base_url contains credentials; pass them as auth instead, as URLs appear in logs")
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
