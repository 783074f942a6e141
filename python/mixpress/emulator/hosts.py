"""The address that an emulator listens on, and the names by which it is reached."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from mixpress.emulator.control.guard import to_name

if TYPE_CHECKING:
    from collections.abc import Iterable


def to_host_names(names: Iterable[str]) -> frozenset[str]:
    """Return names of this machine in lower case; ValueError for one with a port or a scheme."""
    if isinstance(names, str):
        raise TypeError(f"allowed_hosts must be a list of names, such as ['mixpanel.test'], got the string {names!r}")
    found = frozenset(name.lower().rstrip(".") for name in names)
    for name in found:
        if not name or to_name(name) != name:
            raise ValueError(
                f"an allowed host must be a name without scheme and port, such as mixpanel.test, got '{name}'"
            )
    return found


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a host that `to_address` accepts."""
    return ipaddress.ip_address(to_address(host, allow_others=True)).is_loopback


def to_address(host: str, *, allow_others: bool = False) -> str:
    """Return the host as an address; ValueError for one that is not loopback, unless `allow_others`."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is not None and (address.is_loopback or allow_others):
        return str(address)
    if allow_others:
        raise ValueError(f"host must be localhost or an IP address of this machine, such as 0.0.0.0, got '{host}'")
    raise ValueError(
        f"host must be 127.0.0.1, ::1, localhost or another loopback address, got '{host}': the emulator accepts any "
        "credentials, so it must not be reachable from other machines. If this network is trusted: "
        "--i-know-this-is-not-authenticated, in Python allow_other_hosts=True"
    )
