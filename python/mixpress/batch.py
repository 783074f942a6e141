"""What sending asks of a batch and of who takes the verdicts: an encoder's `Batch` and a spool's `StoredBatch` go
through the same `Sender`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress.report.report import Failure


class Outgoing(Protocol):
    """A request body, and what is in it."""

    @property
    def body(self) -> bytes:
        """The bytes to send."""
        ...

    @property
    def headers(self) -> dict[str, str]:
        """What the body is."""
        ...

    @property
    def count(self) -> int:
        """Events in it."""
        ...

    @property
    def indexes(self) -> Sequence[int]:
        """Position in the batch -> position in the input."""
        ...

    @property
    def raw_size(self) -> int:
        """Bytes before gzip."""
        ...

    def events(self) -> list[bytes]:
        """The JSON of each event."""
        ...

    def split(self) -> Sequence[Outgoing]:
        """Two batches with half of the events each; itself where there is one event alone."""
        ...


class Verdicts(Protocol):
    """Where it is entered what became of a batch."""

    def sent(self, batch: Outgoing, attempt: int) -> None:
        """A request is about to be made."""
        ...

    def throttled(self) -> None:
        """A request was answered by 429."""
        ...

    def settle(self, batch: Outgoing, failures: Sequence[Failure] = ()) -> None:
        """Every event is imported, but for the failures."""
        ...

    def undeliver(self, batch: Outgoing, reason: str) -> None:
        """No answer came for any event."""
        ...


class FailureSink(Protocol):
    """Where each failure is written with its event, such as a dead letter."""

    def write(self, failure: Failure, event: object) -> bool:
        """Append one; whether that could be done."""
        ...
