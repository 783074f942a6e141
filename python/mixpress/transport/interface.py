"""The interface of a transport: `Request`, `Response` and the protocol `Transport`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NoReturn, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_REPLY_BYTES = 8 << 20
"""The most bytes, after decompression, that are read of a reply's body: enough for 2000 refusals of 4 KiB each."""


@dataclass(frozen=True)
class Request:
    """A request. `headers` contain the credentials, so `repr` omits them and a request can't be pickled.

    `method`: `"POST"` for events and updates, `"GET"` and `"PUT"` for lookup tables.
    `repeatable`: whether the server may receive it twice. Otherwise the transport must not send it again by itself.
    `timeout`: seconds within which the reply is useful; None leaves it to the transport. It is set at exit, where no
    thread may start that could cut the request off.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    method: Literal["POST", "GET", "PUT"] = field(default="POST", kw_only=True, repr=False)
    timeout: float | None = field(default=None, init=False, repr=False)
    repeatable: bool = field(default=True, init=False, repr=False)

    def __reduce__(self) -> NoReturn:
        raise TypeError("Request can't be pickled: a pickle would contain the credentials in its headers as plain text")


@dataclass(frozen=True)
class Response:
    """The server's reply. The names in `headers` are in lower case; `body` is decompressed."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Transport(Protocol):
    """An object that sends requests. Several threads call it concurrently."""

    def send(self, request: Request) -> Response:
        """Return the server's reply, whatever its status. Raise `TransportError` where there was none."""
        ...
