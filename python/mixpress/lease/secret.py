"""The key that a lease server and its workers share, and the address of a server."""

from __future__ import annotations

import hmac
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mixpress.auth import Auth

VARIABLE = "MIXPRESS_LEASE_SECRET"
"""The environment variable with a secret for the lease alone."""
LABEL = "mixpress lease 1"
"""What the key is derived for: a key derived for something else is another one."""


def key_of_text(secret: str) -> bytes:
    """Return the key of a secret. `ValueError` if it is empty, `TypeError` if it is no text."""
    if not isinstance(secret, str):
        raise TypeError(f"secret must be text, got {type(secret).__name__}")
    if not secret.strip():
        raise ValueError("secret is empty; pass a long random text, or leave it out")
    return hmac.digest(secret.strip().encode(), LABEL.encode(), "sha256")


def key_of_environment(environment: Mapping[str, str] = os.environ) -> bytes | None:
    """Return the key of the secret in $MIXPRESS_LEASE_SECRET; None without one."""
    secret = environment.get(VARIABLE, "").strip()
    return key_of_text(secret) if secret else None


def key_of_server(secret: str | Auth | None) -> bytes:
    """Return the key of a server: of a text, of credentials, or of the environment. `ValueError` without any."""
    if secret is None:
        key = key_of_environment()
        if key is None:
            raise ValueError(
                "LeaseServer needs a secret that its workers have too: pass secret=auth, the credentials of their "
                f"clients, or set ${VARIABLE} for the driver and the workers"
            )
        return key
    return secret.derive_key(LABEL) if hasattr(secret, "derive_key") else key_of_text(secret)


def host_and_port(address: str) -> tuple[str, int]:
    """Return the parts of "host:port" or "[::1]:port". `ValueError` for another text, `TypeError` for no text."""
    if not isinstance(address, str):
        raise TypeError(f'address must be text such as "driver:7400", got {type(address).__name__}')
    host, colon, port = address.strip().rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    is_named = bool(colon and bare) and (bare != host or ":" not in host) and not any(map(str.isspace, bare))
    if not is_named or not (port.isascii() and port.isdigit()) or not 1 <= int(port[:6]) <= 65535:
        raise ValueError(
            f'address must be "host:port" with a port from 1 to 65535, such as LeaseServer.address, got {address!r}'
        )
    return bare, int(port)
