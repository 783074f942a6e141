"""The batch that a `Sender` delivers: an encoder's `Batch`, a spool's `StoredBatch` or another object of this shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class SendableBatch(Protocol):
    """A request body and the events in it."""

    @property
    def body(self) -> bytes:
        """The bytes to send."""
        ...

    @property
    def headers(self) -> dict[str, str]:
        """The headers that describe the body."""
        ...

    @property
    def count(self) -> int:
        """Number of events."""
        ...

    @property
    def indexes(self) -> Sequence[int]:
        """Input index of each event, by its position in the batch."""
        ...

    @property
    def raw_size(self) -> int:
        """Bytes before gzip."""
        ...

    def events(self) -> list[bytes]:
        """Return the JSON of each event."""
        ...

    def split(self) -> Sequence[SendableBatch]:
        """Return two batches with half of the events each; the batch itself if it has one event."""
        ...
