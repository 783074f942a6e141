"""Join events that are JSON already into a request body, in the formats of `Encoder`, and split it again."""

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
"""zlib's `wbits` for a gzip stream with the largest window: 16 + 15."""


@dataclass(frozen=True)
class Layout:
    """The format of a request body.

    `format`: `"json"`, the default, `"ndjson"`, `"form"` or `"form-base64"`.
    `gzip`: whether the body is gzipped; True by default.
    `level`: the gzip level of `Encoder`, 1 (fastest) to 9 (smallest); None for the default.

    Another value is a `ValueError`.
    """

    format: Format = "json"
    gzip: bool = True
    level: int | None = None

    def __post_init__(self) -> None:
        if self.format not in _TYPES:
            raise ValueError(f"format must be one of {', '.join(map(repr, _TYPES))}, got {self.format!r}")
        if self.level is not None and self.level not in range(1, 10):
            raise ValueError(f"level must be an integer from 1 to 9, got {self.level!r}")

    @property
    def headers(self) -> dict[str, str]:
        """`Content-Type` and, where gzipped, `Content-Encoding`, in a new dict."""
        return {"Content-Type": _TYPES[self.format]} | ({"Content-Encoding": "gzip"} if self.gzip else {})

    def body(self, events: Sequence[bytes]) -> tuple[bytes, int]:
        """Return the body of some events, and its bytes before gzip. Gzip runs without the interpreter's lock."""
        raw = _WRAP[self.format](_json(self.format, events))
        return (gzip(raw, self.level) if self.gzip else raw), len(raw)

    def events(self, body: bytes, sizes: Sequence[int], raw_size: int) -> list[bytes]:
        """Return the events of a body, byte for byte. `ValueError` where the body does not match the sizes."""
        if raw_size < 0:
            raise ValueError(f"its raw_size must be >= 0, got {raw_size}")
        raw = _decompress(body, raw_size) if self.gzip else body
        if len(raw) != raw_size:
            raise ValueError(f"its body has {len(raw)} bytes, not {raw_size}")
        json = _UNWRAP[self.format](raw)
        events, at = [], 0 if self.format == "ndjson" else 1
        for size in sizes:
            events.append(json[at : at + size])
            at += size + 1
        if _json(self.format, events) != json:
            raise ValueError(f"its body does not consist of {len(sizes)} events")
        return events


def _json(format: Format, events: Sequence[bytes]) -> bytes:
    if format == "ndjson":
        return b"".join(event + b"\n" for event in events)
    return b"[" + b",".join(events) + b"]"


def _form(json: bytes) -> bytes:
    return b"data=" + quote_from_bytes(json, safe="").encode("ascii")


def _unform(raw: bytes) -> bytes:
    if not raw.startswith(b"data="):
        raise ValueError("its body is not a form")
    return unquote_to_bytes(raw[5:])


_WRAP: dict[Format, Callable[[bytes], bytes]] = {
    "json": bytes,
    "ndjson": bytes,
    "form": _form,
    "form-base64": lambda json: _form(base64.b64encode(json)),
}
_UNWRAP: dict[Format, Callable[[bytes], bytes]] = {
    "json": bytes,
    "ndjson": bytes,
    "form": _unform,
    "form-base64": lambda raw: base64.b64decode(_unform(raw), validate=True),
}


def _decompress(body: bytes, size: int) -> bytes:
    """Decompress at most `size + 1` bytes: a damaged stream may expand to gigabytes."""
    stream = zlib.decompressobj(_GZIP_WINDOW)
    try:
        raw = stream.decompress(body, size + 1)
        if len(raw) == size and not stream.eof:
            raw += stream.decompress(stream.unconsumed_tail, 1)  # read up to the checksum at the stream's end
    except zlib.error as error:
        raise ValueError(f"its body does not decompress: {error}") from error
    if not stream.eof or stream.unused_data:
        raise ValueError("its body does not decompress to its end")
    return raw
