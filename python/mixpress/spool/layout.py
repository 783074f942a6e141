"""How the events of a batch make a body: the layouts of `Encoder`, for events that are JSON already."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote_from_bytes, unquote_to_bytes

from mixpress._core import gzip

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Format = Literal["json", "ndjson", "form", "form-base64"]

_TYPES: dict[Format, str] = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "form": "application/x-www-form-urlencoded",
    "form-base64": "application/x-www-form-urlencoded",
}
_GZIP_WINDOW = 31
"""zlib's way to say: the largest window, in a gzip stream."""


@dataclass(frozen=True)
class Layout:
    """A format, and whether gzip is laid around it.

    `level` is an encoder's: 1 (fastest) to 9 (smallest), None for the default.
    """

    format: Format = "json"
    gzip: bool = True
    level: int | None = None

    def __post_init__(self) -> None:
        if self.format not in _TYPES:
            raise ValueError(f"format must be one of {', '.join(map(repr, _TYPES))}, and is {self.format!r}")
        if self.level is not None and self.level not in range(1, 10):
            raise ValueError(f"level must be a whole number from 1 to 9, and is {self.level!r}")

    @property
    def headers(self) -> dict[str, str]:
        """`Content-Type` and, where gzipped, `Content-Encoding`. A new dict each time."""
        return {"Content-Type": _TYPES[self.format]} | ({"Content-Encoding": "gzip"} if self.gzip else {})

    def body(self, events: Sequence[bytes]) -> tuple[bytes, int]:
        """The body of some events, and its bytes before gzip. The interpreter's lock is let go for the gzip."""
        raw = _LAY[self.format](_json(self.format, events))
        return (gzip(raw, self.level) if self.gzip else raw), len(raw)

    def events(self, body: bytes, sizes: Sequence[int], raw_size: int) -> list[bytes]:
        """The events of a body, byte for byte, by their sizes. ValueError where the body is not one of such events."""
        if raw_size < 0:
            raise ValueError(f"it says to hold {raw_size} bytes")
        raw = _decompress(body, raw_size) if self.gzip else body
        if len(raw) != raw_size:
            raise ValueError(f"its body holds {len(raw)} bytes, and not {raw_size}")
        json = _TAKE[self.format](raw)
        events, at = [], 0 if self.format == "ndjson" else 1
        for size in sizes:
            events.append(json[at : at + size])
            at += size + 1
        if _json(self.format, events) != json:
            raise ValueError(f"its body is not one of {len(sizes)} events")
        return events


def _json(format: Format, events: Sequence[bytes]) -> bytes:
    if format == "ndjson":
        return b"".join(event + b"\n" for event in events)
    return b"[" + b",".join(events) + b"]"


def _form(json: bytes) -> bytes:
    return b"data=" + quote_from_bytes(json, safe="").encode("ascii")


def _unform(raw: bytes) -> bytes:
    if not raw.startswith(b"data="):
        raise ValueError("its body is no form")
    return unquote_to_bytes(raw[5:])


_LAY: dict[Format, Callable[[bytes], bytes]] = {
    "json": bytes,
    "ndjson": bytes,
    "form": _form,
    "form-base64": lambda json: _form(base64.b64encode(json)),
}
_TAKE: dict[Format, Callable[[bytes], bytes]] = {
    "json": bytes,
    "ndjson": bytes,
    "form": _unform,
    "form-base64": lambda raw: base64.b64decode(_unform(raw), validate=True),
}


def _decompress(body: bytes, size: int) -> bytes:
    """What a gzip stream holds, and at most one byte more than it should: a damaged one may claim gigabytes."""
    stream = zlib.decompressobj(_GZIP_WINDOW)
    try:
        raw = stream.decompress(body, size + 1)
        if len(raw) == size and not stream.eof:
            raw += stream.decompress(stream.unconsumed_tail, 1)  # the stream's end, with its checksum
    except zlib.error as error:
        raise ValueError(f"its body does not decompress: {error}") from error
    if not stream.eof or stream.unused_data:
        raise ValueError("its body does not decompress to its end")
    return raw
