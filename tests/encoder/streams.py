"""Every way to make a gzipped body, and every reader to unpack it with."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import deflate
import orjson
import pyarrow
from isal import igzip
from zlib_ng import gzip_ng

from mixpress import Batch, Encoder

Body = bytes | bytearray

LEVELS = (None, 1, 6, 9)
LAYOUTS: dict[str, dict[str, Any]] = {
    "json": {},
    "ndjson": {"format": "ndjson"},
    "form": {"endpoint": "track", "format": "form", "token": "tok"},
    "form_base64": {"endpoint": "track", "format": "form", "form_base64": True, "token": "tok"},
}


def in_pieces(body: bytes) -> bytes:
    """Unpack by zlib, seven bytes at a time. The end of the stream must come with the last of them."""
    reader, out = zlib.decompressobj(31), []
    for start in range(0, len(body), 7):
        assert not reader.eof
        out.append(reader.decompress(body[start : start + 7]))
    assert reader.eof
    assert reader.unused_data == b""
    return b"".join(out)


READERS: dict[str, Callable[[bytes], Body]] = {
    "zlib": gzip.decompress,
    "zlib in pieces": in_pieces,
    "isal": igzip.decompress,
    "zlib-ng": gzip_ng.decompress,
    "libdeflate": deflate.gzip_decompress,
}


def by_builder(encoder: Encoder, events: list[Any]) -> list[Batch]:
    builder, batches = encoder.builder(), []
    for event in events:
        builder.add(event)
        # The event that did not fit may fill the next batch alone.
        while builder.full:
            batches.append(builder.finish())
    return batches + ([builder.finish()] if len(builder) else [])


def by_json(encoder: Encoder, events: list[Any]) -> list[Batch]:
    return encoder.encode_json(b"\n".join(orjson.dumps(event) for event in events)).batches


def as_table(events: list[Any]) -> pyarrow.Table:
    """Return a table with a column for each property of the first event. A value of another type is null."""
    rows = [{"event": event["event"], **event["properties"]} for event in events if isinstance(event, dict)]

    def column(name: str, kind: type) -> list[Any]:
        return [row.get(name) if type(row.get(name)) is kind else None for row in rows]

    return pyarrow.table({name: column(name, type(value)) for name, value in rows[0].items()})


SOURCES: dict[str, Callable[[Encoder, list[Any]], list[Batch]]] = {
    "encode": lambda encoder, events: encoder.encode(events).batches,
    "iter_batches": lambda encoder, events: list(encoder.iter_batches(events)),
    "builder": by_builder,
    "encode_json": by_json,
    "encode_arrow": lambda encoder, events: encoder.encode_arrow(as_table(events)).batches,
}


def check_streams(plain: Iterable[Batch], gzipped: Iterable[Batch]) -> None:
    """Check that each body is one gzip stream, without a time or a name, that every reader unpacks to the plain one."""
    for expected, batch in zip(plain, gzipped, strict=True):
        raw, body = expected.body, batch.body
        assert (batch.raw_size, list(batch.indexes)) == (len(raw), list(expected.indexes))
        assert body[:8] == b"\x1f\x8b\x08" + bytes(5)  # deflate; no flags, so no name; MTIME 0
        assert body[-8:] == zlib.crc32(raw).to_bytes(4, "little") + len(raw).to_bytes(4, "little")
        for name, read in READERS.items():
            assert read(body) == raw, name
        assert batch.events() == expected.events()
