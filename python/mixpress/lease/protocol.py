r"""How a worker and a lease server know each other, and the lines that they exchange.

    worker   {"mixpress-lease": 1, "endpoint": "import", "nonce": "<64 hex>"}
    server   {"server": "<32 hex>", "nonce": "<64 hex>"}
    worker   {"proof": "<64 hex>"}        HMAC-SHA256(key, "worker" + what was said before)
    server   {"proof": "<64 hex>"}        HMAC-SHA256(key, "server" + what was said before)

The secret is never sent. Either side leaves if the proof of the other is wrong; the worker proves first, so that a
stranger gets nothing to compare guesses with. After this each line is `<64 hex> <JSON>`. The digits are the HMAC of the
direction, the number of the line and the text, with a key that is derived for the connection. So a line cannot be
changed, repeated, left out or moved. Lines are not encrypted: they hold numbers of events and bytes.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from typing import Any, NoReturn

MAX_LINE = 4096
"""The longest line in bytes, with its newline."""
MAX_GREETING = 512
"""The longest line before the peer is known."""
ENDPOINTS = ("import", "track", "engage", "groups")
VERSION = 1

_HEX = re.compile(r"[0-9a-f]*\Z")
_DIGITS = 64


class ProtocolError(Exception):
    """The peer does not speak this protocol."""


class WrongSecretError(ProtocolError):
    """The peer has another secret."""


def nonce() -> str:
    """Return 32 random bytes, as hexadecimal digits."""
    return secrets.token_hex(32)


class Meeting:
    """What both sides said before they know each other, and the proofs that they owe."""

    def __init__(self, key: bytes, endpoint: str, worker: str, server: str, server_nonce: str) -> None:
        self._key = key
        self._said = "\n".join([endpoint, worker, server, server_nonce]).encode()

    def proof(self, side: str) -> str:
        """Return the proof of the `"worker"` or the `"server"`."""
        return self._digest(side).hex()

    def check(self, side: str, proof: str) -> None:
        """Raise `WrongSecretError` unless it is the proof of a side."""
        if not hmac.compare_digest(self.proof(side), proof):
            raise WrongSecretError(f"the {side} has another secret")

    def seals(self) -> tuple[Seal, Seal]:
        """Return the seals of the lines of the worker, and of the server."""
        key = self._digest("session")
        return Seal(key, b"worker"), Seal(key, b"server")

    def _digest(self, use: str) -> bytes:
        return hmac.digest(self._key, use.encode() + b"\n" + self._said, "sha256")


class Seal:
    """Seals the lines of one direction, or opens them, in their order."""

    def __init__(self, key: bytes, direction: bytes) -> None:
        self._key = key
        self._direction = direction
        self._number = 0

    def close(self, message: dict[str, Any]) -> bytes:
        """Return a message as a sealed line."""
        text = line_of(message)[:-1]
        return self._mac(text) + b" " + text + b"\n"

    def open(self, line: bytes) -> dict[str, Any]:
        """Return the message of a line. Raise `ProtocolError` if it is not the next one of this peer."""
        mac, text = line[:_DIGITS], line[_DIGITS + 1 :]
        if line[_DIGITS : _DIGITS + 1] != b" " or not hmac.compare_digest(self._mac(text), mac):
            raise ProtocolError("a line is not the next one of its sender")
        return message_of(text)

    def _mac(self, text: bytes) -> bytes:
        self._number += 1
        sealed = b"%s %d %s" % (self._direction, self._number, text)
        return hmac.digest(self._key, sealed, "sha256").hex().encode()


def line_of(message: dict[str, Any]) -> bytes:
    """Return a message as a line of JSON."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def message_of(line: bytes) -> dict[str, Any]:
    """Return the object in a line of JSON. Raise `ProtocolError` for anything else."""
    try:
        message = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a line is not JSON") from error
    if not isinstance(message, dict):
        raise ProtocolError("a line is not an object")
    return message


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def text_in(message: dict[str, Any], name: str, digits: int) -> str:
    """Return the hexadecimal digits of a member. Raise `ProtocolError` if it is something else."""
    value = message.get(name)
    if not isinstance(value, str) or len(value) != digits or not _HEX.match(value):
        raise ProtocolError(f"{name} must be {digits} hexadecimal digits")
    return value


def endpoint_in(message: dict[str, Any]) -> str:
    """Return the endpoint of a worker's first line. Raise `ProtocolError` for another one."""
    endpoint = message.get("endpoint")
    if message.get("mixpress-lease") != VERSION or endpoint not in ENDPOINTS:
        raise ProtocolError("the first line must name the version and the endpoint")
    return str(endpoint)
