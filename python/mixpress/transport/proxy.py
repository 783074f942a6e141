"""Choose the proxy of a request: the `proxy` argument, or one from the environment."""

from __future__ import annotations

import base64
import ipaddress
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import unquote, urlsplit

from mixpress.address import host_problem, is_loopback
from mixpress.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

FROM_ENVIRONMENT = "environment"
_NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@dataclass(frozen=True)
class Proxy:
    """A proxy. `url` contains no credentials; `authorization` is the value of the header `Proxy-Authorization`."""

    url: str
    authorization: str | None = field(default=None, repr=False)

    @property
    def where(self) -> str:
        """The host and port, for messages."""
        return urlsplit(self.url).netloc

    def __reduce__(self) -> NoReturn:
        raise TypeError("Proxy can't be pickled: a pickle would contain its credentials as plain text")


class Proxies:
    """Chooses the proxy for each URL. The environment is read once, in the constructor."""

    def __init__(self, given: str | None, environment: Mapping[str, str] = os.environ) -> None:
        from_environment = given == FROM_ENVIRONMENT
        self.given = None if given is None or from_environment else parse_proxy(given, "proxy")
        self._variables = _variables(environment) if from_environment else {}

    def to(self, url: str) -> Proxy | None:
        """Return the proxy for a URL, None for a direct connection. Raise `TransportError` where the environment names
        a proxy that can't be used: a direct connection could be what the proxy has to prevent.
        """
        if self.given or not self._variables or is_loopback(url) or self._bypassed(url):
            return self.given
        for name in (f"{urlsplit(url).scheme}_proxy", "all_proxy"):
            if value := self._variables.get(name):
                try:
                    return parse_proxy(value, f"{name.upper()} in the environment")
                except ValueError as error:
                    raise TransportError(str(error), "proxy") from None
        return None

    def _bypassed(self, url: str) -> bool:
        """Return whether NO_PROXY lists the host: by name, domain, network or `*`, optionally with a port."""
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        names = [name.strip() for name in self._variables.get("no_proxy", "").split(",")]
        return any(_covers(name.lower(), host, port) for name in names if name)


def parse_proxy(text: str, named: str) -> Proxy:
    """Parse `http://user:password@host:port`. Raise `ValueError`, without `text` as that may contain a password."""
    try:
        url = urlsplit(text if "://" in text else f"http://{text}")
        host, port = url.hostname, url.port
    except ValueError:
        host = port = None
    if not host:
        raise ValueError(
            f"{named} must be a URL such as http://proxy.example:3128; "
            "percent-encode characters of a password that are special in a URL"
        )
    if url.scheme not in ("http", "https"):
        raise ValueError(f"{named} must be an http or https proxy, got a {url.scheme} proxy")
    if problem := host_problem(host):
        raise ValueError(f"{named}: {problem}")
    where = f"[{host}]" if ":" in host else host
    bare = f"{url.scheme}://{where}:{port or (443 if url.scheme == 'https' else 80)}"
    if url.username is None:
        return Proxy(bare)
    pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
    return Proxy(bare, f"Basic {base64.b64encode(pair.encode()).decode('ascii')}")


def _variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that are set, by lower-case name. A lower-case variable overrides, even if it is empty.

    HTTP_PROXY is ignored in a CGI script, where it is the header `Proxy:` of an untrusted request.
    """
    found = {}
    for name in _NAMES:
        upper = "" if name == "http_proxy" and "REQUEST_METHOD" in environment else environment.get(name.upper(), "")
        found[name] = environment.get(name, upper).strip()
    return {name: value for name, value in found.items() if value}


def _covers(name: str, host: str, port: int) -> bool:
    """Return whether an entry of NO_PROXY applies to a host and port."""
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(name.strip("[]"), strict=False)
    except ValueError:
        pass
    domain, colon, only = name.rpartition(":")
    if colon and only.isdecimal():
        if int(only) != port:
            return False
        name = domain.strip("[]")
    if name == "*":
        return True
    name = name.removeprefix("*").removeprefix(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))
