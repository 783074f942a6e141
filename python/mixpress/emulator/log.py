"""What the emulator was sent: the last requests, the last refused events, counters; listeners hear of each request."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mixpress.emulator.kept import Kept
from mixpress.emulator.updates.checks import UPDATE_PATHS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mixpress.emulator.request import LoggedRequest, RefusedEvent

KEPT_REQUESTS = 10_000  # bounds the memory of an emulator that runs for weeks
KEPT_REFUSED = 10_000
KEPT_BYTES = 64_000_000  # of the text of the requests, and as much of the refused events
KEPT_SECONDS = 300  # of the timeline


@dataclass
class Counts:
    """Counters of requests and of their events."""

    requests: int = 0
    received: int = 0
    """Events in readable requests."""
    imported: int = 0
    refused: int = 0
    """Events that were refused one by one."""
    ignored: int = 0
    """Imported events that were not stored, because of their property `$ignore`."""
    updates_received: int = 0
    """Updates of profiles in readable requests to /engage and /groups; they are no events."""
    updates_accepted: int = 0
    updates_refused: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    """Number of requests by the status of the reply; 0 if the connection was closed instead."""

    def add(self, request: LoggedRequest) -> None:
        """Count a request."""
        self.requests += 1
        if request.path in UPDATE_PATHS:
            self.updates_received += request.events
            self.updates_accepted += request.imported
            self.updates_refused += request.refused
        else:
            self.received += request.events
            self.imported += request.imported
            self.refused += request.refused
            self.ignored += request.ignored
        self.statuses[request.status] += 1

    def merge(self, other: Counts) -> None:
        """Add the other's counters."""
        self.requests += other.requests
        self.received += other.received
        self.imported += other.imported
        self.refused += other.refused
        self.ignored += other.ignored
        self.updates_received += other.updates_received
        self.updates_accepted += other.updates_accepted
        self.updates_refused += other.updates_refused
        self.statuses.update(other.statuses)


class RequestLog:
    """The last 10,000 requests and refused events, counters of all, and of each of the last 300 seconds.

    Beyond 64 MB of text in requests, or in refused events, the oldest of them are dropped; the last one is always kept.
    Any thread may call it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Callable[[LoggedRequest], None]] = []
        self._on_clear: list[Callable[[], None]] = []
        self._forget()

    def _forget(self) -> None:
        self._requests: Kept[LoggedRequest] = Kept(KEPT_REQUESTS, KEPT_BYTES, _size_of_request)
        self._refused: Kept[RefusedEvent] = Kept(KEPT_REFUSED, KEPT_BYTES, _size_of_refused)
        self._refused_ever = 0
        self._counts = Counts()
        self._seconds: dict[int, Counts] = {}

    def clear(self) -> None:
        """Forget all requests and refused events."""
        with self._lock:
            self._forget()
            listeners = list(self._on_clear)
        for tell in listeners:
            tell()

    def add(self, request: LoggedRequest, refused: list[RefusedEvent]) -> None:
        """Enter a request and the events of it that were refused, and tell the listeners."""
        with self._lock:
            self._requests.extend([request])
            self._refused.extend(refused)
            self._refused_ever += len(refused)
            self._counts.add(request)
            self._second(request.received // 1000).add(request)
            listeners = list(self._listeners)
        for tell in listeners:
            tell(request)

    def _second(self, second: int) -> Counts:
        counts = self._seconds.get(second)
        if counts is None:
            counts = self._seconds[second] = Counts()
            if len(self._seconds) > KEPT_SECONDS:
                del self._seconds[min(self._seconds)]
        return counts

    def requests(self) -> list[LoggedRequest]:
        """Return the last requests, oldest first."""
        with self._lock:
            return list(self._requests)

    def refused(self) -> list[RefusedEvent]:
        """Return the last refused events, oldest first."""
        with self._lock:
            return list(self._refused)

    def numbered_refused(self) -> list[tuple[int, RefusedEvent]]:
        """Return the last refused events, oldest first, each with its number: 1 for the first since `clear`."""
        with self._lock:
            first = self._refused_ever - len(self._refused) + 1
            return list(enumerate(self._refused, first))

    def counts(self) -> Counts:
        """Return the counters since the start or `clear`."""
        with self._lock:
            counts = Counts()
            counts.merge(self._counts)
            return counts

    def timeline(self, now_ms: int, bucket: int) -> list[dict[str, Any]]:
        """Return the counters of the last 300 seconds in buckets of `bucket` seconds, oldest first, empty ones too.

        `at` is the start of a bucket in milliseconds, a multiple of its length; the last bucket holds `now_ms`.
        """
        last = now_ms // 1000 // bucket
        buckets = {number: Counts() for number in range(last - -(-KEPT_SECONDS // bucket) + 1, last + 1)}
        with self._lock:
            for second, counts in self._seconds.items():
                if second // bucket in buckets:
                    buckets[second // bucket].merge(counts)
        return [
            {
                "at": number * bucket * 1000,
                "imported": counts.imported,
                "refused": counts.refused,
                "statuses": to_names(counts.statuses),
            }
            for number, counts in buckets.items()
        ]

    def listen(
        self, tell: Callable[[LoggedRequest], None], on_clear: Callable[[], None] = lambda: None
    ) -> Callable[[], None]:
        """Call `tell` after each request, on the thread that answers it, and `on_clear` after `clear`.

        Returns a function that ends this.
        """
        with self._lock:
            self._listeners.append(tell)
            self._on_clear.append(on_clear)

        def stop() -> None:
            with self._lock:
                self._listeners.remove(tell)
                self._on_clear.remove(on_clear)

        return stop


def _size_of_request(request: LoggedRequest) -> int:
    maps = (request.query, request.headers)
    return sum(_size_of((*each.keys(), *each.values())) for each in maps) + _size_of(
        [request.method, request.path, request.content_encoding, request.fault, request.error]
    )


def _size_of_refused(refused: RefusedEvent) -> int:
    return _size_of([refused.json, refused.insert_id, refused.field, refused.message])


def _size_of(texts: Iterable[str | bytes]) -> int:
    return sum(map(sys.getsizeof, texts))


def to_names(statuses: Counter[int]) -> dict[str, int]:
    """Return the counts of statuses as JSON has them, by text, in the order of the statuses."""
    return {str(status): statuses[status] for status in sorted(statuses)}
