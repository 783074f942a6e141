"""Updates of people and groups on their way: batches of plain JSON through the engine of a client.

One request is under way at a time, since a later update must not overtake an earlier one. They have no `$insert_id`:
what is sent again because no answer came may be applied twice, as by the official client's retries.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from mixpress import process
from mixpress.client.engine import Engine, Settings

if TYPE_CHECKING:
    from mixpress._core import Encoder, Finding, Truncation
    from mixpress.report.report import Report

MAX_UPDATES = 2000
"""Updates in a request (the documents of /engage and /groups)."""
MAX_UPDATE_BYTES = 1_000_000
"""An update is smaller than 1 MB."""
FULL_BYTES = 8_500_000
"""Bytes at which a batch is full: with one update more it stays below 9.5 MB, which is what one of events has."""


@dataclass(frozen=True)
class UpdateBatch:
    """Updates in one request; an `Outgoing`."""

    start: int
    updates: Sequence[bytes] = field(repr=False)

    @property
    def body(self) -> bytes:
        """A JSON array."""
        return b"[%b]" % b",".join(self.updates)

    @property
    def headers(self) -> dict[str, str]:
        """It is not gzipped: the documents of /engage and /groups don't say that it may be."""
        return {"Content-Type": "application/json"}

    @property
    def count(self) -> int:
        """Updates in it."""
        return len(self.updates)

    @property
    def indexes(self) -> Sequence[int]:
        """Their numbers."""
        return range(self.start, self.start + self.count)

    @property
    def raw_size(self) -> int:
        """Bytes of the body."""
        return sum(map(len, self.updates)) + self.count + 1

    def events(self) -> list[bytes]:
        """The JSON of each."""
        return list(self.updates)

    def split(self) -> Sequence[UpdateBatch]:
        """Two halves."""
        if self.count == 1:
            return [self]
        half = self.count // 2
        return [UpdateBatch(self.start, self.updates[:half]), UpdateBatch(self.start + half, self.updates[half:])]


class UpdateBuilder:
    """Collects updates that are JSON text already; to the engine it is as the `Builder` of an `Encoder`."""

    truncated: Sequence[Truncation] = ()
    warnings: Sequence[Finding] = ()

    def __init__(self) -> None:
        self._start = 0
        self._updates: list[bytes] = []
        self._size = 0

    def builder(self) -> UpdateBuilder:
        """A new one."""
        return UpdateBuilder()

    def add(self, update: bytes) -> None:
        """Take one."""
        self._updates.append(update)
        self._size += len(update) + 1

    @property
    def full(self) -> bool:
        """Whether the batch must be finished."""
        return len(self._updates) >= MAX_UPDATES or self._size >= FULL_BYTES

    def finish(self) -> UpdateBatch:
        """The batch."""
        batch = UpdateBatch(self._start, tuple(self._updates))
        self._start += batch.count
        self._updates, self._size = [], 0
        return batch


class Updates:
    """Sends updates to one URL, as a `Client` sends events."""

    def __init__(self, make_settings: Callable[[Encoder], Settings]) -> None:
        self._settings = make_settings(cast("Encoder", UpdateBuilder()))
        self._engine = Engine(self._settings)
        process.clients.add(self)

    def take(self, update: object) -> None:
        """Queue one; ValueError where it is too large, or holds a number that JSON has no word for."""
        text = json.dumps(update, separators=(",", ":"), allow_nan=False).encode()
        if len(text) >= MAX_UPDATE_BYTES:
            raise ValueError(
                f"the update has {len(text)} bytes, and must have fewer than {MAX_UPDATE_BYTES}: divide it"
            )
        self._engine.add(text)

    def flush(self, timeout: float | None) -> Report:
        """As `Client.flush`."""
        self._engine.drain(timeout)
        return self._engine.report()

    def close(self, timeout: float) -> Report:
        """As `Client.close`."""
        return self._engine.close(timeout)

    def _renew(self) -> None:
        self._engine = Engine(self._settings)


def url_of_updates(url: str) -> str:
    """`verbose` makes the answer say what was wrong, `ip=0` leaves the sender's address alone."""
    return f"{url}{'&' if '?' in url else '?'}verbose=1&ip=0"
