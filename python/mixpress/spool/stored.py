"""`StoredBatch`: a request body in a spool, with the interface of an encoder's `Batch` that sending needs."""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mixpress.spool.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = "id, layout, gzip, count, raw_size, attempts, accepted, indexes, sizes, body"
"""The columns of a `StoredBatch`, in the order of `from_row`."""


@dataclass(frozen=True)
class StoredBatch:
    """A request body and what it contains. Every attempt sends the identical bytes, also after a restart."""

    id: int
    """Its row in the spool; 0 for a part returned by `split`."""
    body: bytes = field(repr=False)
    """The bytes to send."""
    indexes: Sequence[int] = field(repr=False)
    """Position in the batch -> number of the event, as returned by `Spool.append`; numbered from 0 in a batch of
    events without a live owner."""
    raw_size: int
    """Bytes of the body before gzip."""
    sizes: Sequence[int] = field(repr=False)
    """Bytes of each event's JSON."""
    layout: Layout = field(default_factory=Layout, repr=False)
    attempts: int = 0
    """Requests made before this process took it."""
    accepted: float = 0.0
    """When its oldest event was appended, in seconds since 1970."""

    @property
    def headers(self) -> dict[str, str]:
        """`Content-Type` and, where gzipped, `Content-Encoding`, in a new dict."""
        return self.layout.headers

    @property
    def count(self) -> int:
        """The number of events, also `len(batch)`."""
        return len(self.sizes)

    @property
    def lines(self) -> None:
        """None: events of a spool have no line numbers."""
        return

    def __len__(self) -> int:
        return len(self.sizes)

    def events(self) -> list[bytes]:
        """Return the JSON of each event, byte for byte. `ValueError` where the body is damaged."""
        return self.layout.events(self.body, self.sizes, self.raw_size)

    def split(self) -> list[StoredBatch]:
        """Return two batches with half of the events each, or the batch itself where it has one event."""
        if self.count < 2:
            return [self]
        events, half = self.events(), (self.count + 1) // 2
        return [self._part(events, slice(0, half)), self._part(events, slice(half, self.count))]

    def at(self, number: int) -> StoredBatch:
        """Return the batch with `number` as its row."""
        return replace(self, id=number)

    def _part(self, events: list[bytes], part: slice) -> StoredBatch:
        return pack(
            events[part], self.indexes[part], layout=self.layout, attempts=self.attempts, accepted=self.accepted
        )

    def row(self) -> tuple[object, ...]:
        """Return the values of `COLUMNS` without the id."""
        return (
            self.layout.format,
            self.layout.gzip,
            self.count,
            self.raw_size,
            self.attempts,
            self.accepted,
            _numbers("Q", self.indexes),
            _numbers("I", self.sizes),
            self.body,
        )


def pack(
    events: Sequence[bytes], indexes: Sequence[int], *, layout: Layout, attempts: int = 0, accepted: float = 0.0
) -> StoredBatch:
    """Return a batch, in no spool yet, of events that are JSON already."""
    body, raw_size = layout.body(events)
    return StoredBatch(0, body, indexes, raw_size, array("I", map(len, events)), layout, attempts, accepted)


def from_row(row: Sequence[Any]) -> StoredBatch:
    """Return the batch of a row, without a check of its body. `ValueError` or `TypeError` where the row is damaged."""
    number, format, gzip, count, raw_size, attempts, accepted, indexes, sizes, body = row
    batch = StoredBatch(
        number,
        bytes(body),
        _read("Q", indexes),
        int(raw_size),
        _read("I", sizes),
        Layout(format, bool(gzip)),
        int(attempts),
        float(accepted),
    )
    if not count == len(batch.indexes) == batch.count > 0:
        raise ValueError(f"its count is {count}, but it lists {batch.count} events")
    return batch


def _numbers(code: str, numbers: Sequence[int]) -> bytes:
    """Pack numbers little-endian on every machine, as a file may be copied to another one."""
    packed = array(code, numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _read(code: str, content: bytes) -> Sequence[int]:
    packed = array(code)
    packed.frombytes(content)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed
