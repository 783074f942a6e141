"""Where to send to: the vendor's regions, or a server of one's own."""

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
"""Where projects live. A wrong region takes the events and drops them without a word."""


def server_url(region: str | None = None, base_url: str | None = None) -> str:
    """What stands before the endpoint in a URL; `"us"` where neither is given."""
    if base_url is None:
        if region not in (None, *REGIONS):
            raise ValueError(f"region must be one of {', '.join(map(repr, REGIONS))}, and is {region!r}")
        return REGIONS[region or "us"]
    if region is not None:
        raise ValueError("region and base_url both say where to send to: give one of them")
    return _checked(base_url)


def server_at(place: str) -> str:
    """Likewise, of one word for both: a region, or the URL of a server."""
    if not isinstance(place, str):
        raise TypeError(f"base_url must be text, not {type(place).__name__}")
    if "/" not in place and place not in REGIONS:
        raise ValueError(f"base_url must be an http or https URL with a host, or a region: {', '.join(REGIONS)}")
    return REGIONS[place] if place in REGIONS else _checked(place)


def is_loopback(base_url: str) -> bool:
    """Whether the server of that URL is on this machine."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _checked(base_url: str) -> str:
    """The URL without a slash at its end. No message repeats it: it may hold a password."""
    url = urlsplit(base_url)
    if url.scheme not in ("http", "https") or not _host(base_url):
        raise ValueError("base_url must be an http or https URL with a host, such as http://127.0.0.1:8400")
    if "@" in url.netloc:
        raise ValueError("base_url holds credentials; pass them as auth, as URLs are logged by everybody")
    if url.query or url.fragment:
        raise ValueError("base_url ends with its path: leave out what follows '?' or '#'")
    path = url.path.rstrip("/")
    if path.endswith(("/import", "/track")):
        raise ValueError(f"base_url ends with {path.rpartition('/')[2]!r}: leave it out, the endpoint is added")
    return f"{url.scheme}://{url.netloc}{path}"


def _host(base_url: str) -> str | None:
    """The host; None where there is none, or its port is no port."""
    url = urlsplit(base_url)
    try:
        return url.hostname if url.port != 0 else None
    except ValueError:
        return None
