"""Refuse requests of other sites' pages to the page, the control API, /import and unknown paths.

A browser sends requests to this machine on behalf of any page that is open in it. Two checks keep such pages out:

- `Host`: a name of another site that resolves to this machine (DNS rebinding) makes the browser treat the emulator as
  that site. An emulator that listens on a loopback address accepts loopback names only. One that other machines reach
  also accepts addresses, and names without a dot, such as those of containers: no site of the internet has them.
  Only the page and the control API have this check.
- `Origin` and `Sec-Fetch-Site`: with them the browser says that a page of another origin sends the request.

Programs other than browsers send neither `Origin` nor `Sec-Fetch-Site`, and are not affected.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_OWN = frozenset({"same-origin", "none"})  # "none": the user entered the address


@dataclass(frozen=True)
class Guard:
    """Decides which requests are refused."""

    only_loopback: bool = True
    """Whether `Host` must be a loopback name or one of `hosts`; else an address or a name without a dot will do."""
    hosts: frozenset[str] = frozenset()
    """Other names that `Host` may have, without a port, in lower case."""

    def refusal(self, method: str, path: str, headers: Mapping[str, str]) -> str | None:
        """Return why a request is refused, as a sentence, or None. `headers` has lower-case names."""
        host = headers.get("host", "")
        name = to_name(host)
        if name is None:
            return "the Host header must be a name or an address, with a port if there is one"
        if not self._is_own(name):
            return (
                f"the Host header must name this machine, such as localhost or 127.0.0.1, got '{name[:100]}': "
                "a page of another site could use any other name. If this name is yours: --allowed-host, in Python "
                "allowed_hosts="
            )
        return foreign(method, path, headers)

    def _is_own(self, name: str) -> bool:
        if is_loopback(name) or name in self.hosts:
            return True
        return not self.only_loopback and ("." not in name or is_address(name))


def foreign(method: str, path: str, headers: Mapping[str, str]) -> str | None:
    """Return why a request is one of a page of another origin, as a sentence, or None."""
    origin = headers.get("origin")
    if origin is not None and to_authority(origin) != headers.get("host", "").lower():
        return "the request comes from a page of another origin; the emulator answers its own page and programs"
    if headers.get("sec-fetch-site", "none") not in _OWN and not _is_link(method, path, headers):
        return "the request comes from a page of another site; the emulator answers its own page and programs"
    return None


def _is_link(method: str, path: str, headers: Mapping[str, str]) -> bool:
    """Return whether the user follows a link of another page to the page: this discloses nothing to the other one."""
    opens = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    return method == "GET" and path == "/" and opens


def to_name(host: str) -> str | None:
    """Return the name or address in a `Host` header, in lower case, without port and brackets; None if it has none."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # ValueError if it is no number
    except ValueError:
        return None
    if not parts.hostname or parts.netloc != host or "@" in host or any(char.isspace() for char in host):
        return None
    return parts.hostname.rstrip(".")


def is_address(name: str) -> bool:
    """Return whether a name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(name: str) -> bool:
    """Return whether a name or address always means this machine."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def to_authority(origin: str) -> str | None:
    """Return the host and port of an `Origin` header in lower case; None for `null` and anything that is no URL."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme in {"http", "https"} else None
