"""What a transport is given, what it gives back, and what it must be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NoReturn, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_REPLY_BYTES = 8 << 20
"""What is read of a reply's body, in bytes after decompression: 2000 refusals of 4 KiB each."""


@dataclass(frozen=True)
class Request:
    """A POST. `headers` carry the credentials, so they are in no `repr`, and a request is not pickled."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def method(self) -> Literal["POST"]:
        """`"POST"`, for a library that asks."""
        return "POST"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Request is not pickled, as that would write the credentials in its headers in plain text")


@dataclass(frozen=True)
class Response:
    """What came back: the names in `headers` are in lower case, `body` is decompressed."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Transport(Protocol):
    """Anything that can carry a request to the server. It is called from several threads at once."""

    def send(self, request: Request) -> Response:
        """The server's answer, whatever its status. `TransportError` where there was none."""
        ...
