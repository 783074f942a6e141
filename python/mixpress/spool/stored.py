"""`StoredBatch`: a request body as it lies in a spool, with all that sending needs of an encoder's `Batch`."""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mixpress.spool.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = "id, layout, gzip, count, raw_size, attempts, accepted, indexes, sizes, body"
"""The columns that a `StoredBatch` is read from, in order."""


@dataclass(frozen=True)
class StoredBatch:
    """A body, and what is in it. What a restart finds is sent as the identical bytes."""

    id: int
    """Its row in the spool; 0 of a part that `split` made, which has none."""
    body: bytes = field(repr=False)
    """The bytes to send."""
    indexes: Sequence[int] = field(repr=False)
    """Position in the batch -> number of the event, as `Spool.append` gave it in the process that took it; from 0 on
    where the batch is of what dead processes left."""
    raw_size: int
    """Bytes of the body before gzip."""
    sizes: Sequence[int] = field(repr=False)
    """Bytes of each event's JSON."""
    layout: Layout = field(default_factory=Layout, repr=False)
    attempts: int = 0
    """Requests made with it before it was taken."""
    accepted: float = 0.0
    """When its oldest event was appended, in seconds since 1970."""

    @property
    def headers(self) -> dict[str, str]:
        """`Content-Type` and, where gzipped, `Content-Encoding`. A new dict each time."""
        return self.layout.headers

    @property
    def count(self) -> int:
        """Events in the batch; `len(batch)` is the same."""
        return len(self.sizes)

    @property
    def lines(self) -> None:
        """None: no event of a spool comes from a line of text."""
        return

    def __len__(self) -> int:
        return len(self.sizes)

    def events(self) -> list[bytes]:
        """The JSON of each event as it was written. ValueError where the body is damaged."""
        return self.layout.events(self.body, self.sizes, self.raw_size)

    def split(self) -> list[StoredBatch]:
        """Two batches with half of the events each, as they were written; itself where there is one event alone."""
        if self.count < 2:
            return [self]
        events, half = self.events(), (self.count + 1) // 2
        return [self._part(events, slice(0, half)), self._part(events, slice(half, self.count))]

    def at(self, number: int) -> StoredBatch:
        """The same batch, in a row of the spool."""
        return replace(self, id=number)

    def _part(self, events: list[bytes], part: slice) -> StoredBatch:
        return pack(
            events[part], self.indexes[part], layout=self.layout, attempts=self.attempts, accepted=self.accepted
        )

    def row(self) -> tuple[object, ...]:
        """The values of `COLUMNS`, but the id."""
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
    """A batch of some events that are JSON already, in no spool yet."""
    body, raw_size = layout.body(events)
    return StoredBatch(0, body, indexes, raw_size, array("I", map(len, events)), layout, attempts, accepted)


def from_row(row: Sequence[Any]) -> StoredBatch:
    """The batch of a row. ValueError, or TypeError, where the row is damaged; the body is not looked into."""
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
        raise ValueError(f"it says to hold {count} events, and lists {batch.count}")
    return batch


def _numbers(code: str, numbers: Sequence[int]) -> bytes:
    """Little-endian on every machine: a file may be carried to another."""
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
