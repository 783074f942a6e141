"""Accepted events in memory, which SQLite has not stored yet: a dict takes a fourth of the time."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress.emulator.accept import Row
    from mixpress.emulator.store.schema import Values

_EVENT_BYTES = 600  # of an event beside its properties: the key, its strings, and the places in the dict and the queue


Origin = tuple[str, int, int]
"""Where events came from: endpoint, time of arrival, number of the request. A tuple, which the garbage collector
ignores, so that it need not visit a million events; it does not ignore objects of a class."""


class Buffer:
    """The latest event for each key, in order of first arrival. The caller locks it."""

    def __init__(self) -> None:
        # An event without an $insert_id has a number instead of the id, so that it equals no other event.
        self._events: dict[tuple[Any, ...], tuple[Origin, bytes]] = {}
        self._order: deque[tuple[Any, ...]] = deque()
        self._numbers = 0
        self._text_bytes = 0

    def __len__(self) -> int:
        return len(self._order)

    @property
    def bytes(self) -> int:
        """About how much memory the events take."""
        return self._text_bytes + _EVENT_BYTES * len(self._order)

    def add(self, origin: Origin, rows: Sequence[Row]) -> int:
        """Add events; return how many of them replaced an event."""
        events, append = self._events, self._order.append
        setdefault = events.setdefault  # one look-up for a new key, and nearly all are new
        size = replaced = 0
        for row in rows:
            key: tuple[Any, ...] = row[:4]
            if key[3] is None:
                self._numbers += 1
                key = (*key[:3], self._numbers)
            text = row[4]
            size += len(text)
            value = (origin, text)
            before = setdefault(key, value)
            if before is value:
                append(key)
            else:
                size -= len(before[1])
                replaced += 1
                events[key] = value
        self._text_bytes += size
        return replaced

    def first(self, count: int) -> list[Values]:
        """Return the values of the oldest events, at most `count`."""
        found: list[Values] = []
        for key in self._order:
            if len(found) == count:
                break
            (endpoint, received, request), text = self._events[key]
            event, time_ms, distinct_id, insert_id = key
            known = insert_id if type(insert_id) is str else None
            found.append((endpoint, event, time_ms, distinct_id, known, text.decode(), received, request))
        return found

    def drop(self, count: int) -> None:
        """Remove the oldest events, at most `count`."""
        for _ in range(min(count, len(self._order))):
            _, text = self._events.pop(self._order.popleft())
            self._text_bytes -= len(text)

    def drop_until(self, count: int, max_bytes: int) -> int:
        """Remove the oldest events until at most `count` remain, of about `max_bytes`; return how many were removed."""
        before = len(self._order)
        self.drop(before - count)
        while self.bytes > max_bytes:
            self.drop(1)
        return before - len(self._order)

    def clear(self) -> None:
        """Remove all events."""
        self._events.clear()
        self._order.clear()
        self._text_bytes = 0
