"""Send updates of people and groups, as batches of plain JSON through a client's engine.

Only one request is in flight at a time, since a later update must not overtake an earlier one. Updates have no
`$insert_id`: one that is retried because no answer came may be applied twice, as with the official client's retries.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mixpress.client.engine import EngineHolder

if TYPE_CHECKING:
    from mixpress.client.options import Options
    from mixpress.report.report import Report

MAX_UPDATES = 2000
"""Updates in a request (documentation of /engage and /groups)."""
MAX_UPDATE_BYTES = 1_000_000
"""An update must be smaller than this."""
FULL_BYTES = 8_500_000
"""A batch of this size is full: with one more update it is still below 9.5 MB, the limit of a batch of events."""


@dataclass(frozen=True)
class UpdateBatch:
    """Updates in one request; a `SendableBatch`."""

    start: int
    updates: Sequence[bytes] = field(repr=False)

    @property
    def body(self) -> bytes:
        """A JSON array."""
        return b"[%b]" % b",".join(self.updates)

    @property
    def headers(self) -> dict[str, str]:
        """Headers without Content-Encoding: the documentation of /engage and /groups does not mention gzip."""
        return {"Content-Type": "application/json"}

    @property
    def count(self) -> int:
        """Number of updates."""
        return len(self.updates)

    @property
    def indexes(self) -> Sequence[int]:
        """Indexes of the updates."""
        return range(self.start, self.start + self.count)

    @property
    def raw_size(self) -> int:
        """Size of the body in bytes."""
        return sum(map(len, self.updates)) + self.count + 1

    def events(self) -> list[bytes]:
        """Return the JSON of each update."""
        return list(self.updates)

    def split(self) -> Sequence[UpdateBatch]:
        """Return two halves, or the batch itself if it has one update."""
        if self.count == 1:
            return [self]
        half = self.count // 2
        return [UpdateBatch(self.start, self.updates[:half]), UpdateBatch(self.start + half, self.updates[half:])]


class UpdateBuilder:
    """Collects updates that are already JSON; the engine uses it like the `Builder` of an `Encoder`."""

    def __init__(self) -> None:
        self._start = 0
        self._updates: list[bytes] = []
        self._size = 0

    def builder(self) -> UpdateBuilder:
        """Return a new builder."""
        return UpdateBuilder()

    def add(self, update: bytes) -> None:
        """Add an update."""
        self._updates.append(update)
        self._size += len(update) + 1

    def tallies(self) -> None:
        """Return None: no string is truncated and nothing is warned about."""

    def __len__(self) -> int:
        """Number of updates in the open batch."""
        return len(self._updates)

    @property
    def full(self) -> bool:
        """Whether the batch is full."""
        return len(self._updates) >= MAX_UPDATES or self._size >= FULL_BYTES

    def finish(self) -> UpdateBatch:
        """Return the batch and start a new one."""
        batch = UpdateBatch(self._start, tuple(self._updates))
        self._start += batch.count
        self._updates, self._size = [], 0
        return batch


class Updates:
    """Sends updates to one URL, as a `Client` sends events."""

    def __init__(self, options: Options) -> None:
        self._holder = EngineHolder(options)

    def take(self, update: object) -> None:
        """Queue an update. ValueError if it is too large or holds NaN or an infinity."""
        text = json.dumps(update, separators=(",", ":"), allow_nan=False).encode()
        if len(text) >= MAX_UPDATE_BYTES:
            raise ValueError(f"the update must have fewer than {MAX_UPDATE_BYTES} bytes, got {len(text)}: split it")
        self._holder.engine.queue.add(text)

    def flush(self, timeout: float | None) -> Report:
        """Do what `Client.flush` does."""
        return self._holder.engine.flush(timeout)

    def close(self, timeout: float) -> Report:
        """Do what `Client.close` does."""
        return self._holder.engine.close(timeout)


def url_of_updates(url: str) -> str:
    """Return the URL with `verbose=1` (error messages) and `ip=0` (no geolocation by the sender's address)."""
    return f"{url}{'&' if '?' in url else '?'}verbose=1&ip=0"
