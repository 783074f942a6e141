"""`MixpressProcessor`: track structlog entries that name a user."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from mixpress.adapters.safe_tracker import Event, SafeTracker, is_own

if TYPE_CHECKING:
    from mixpress.client.async_client import AsyncClient
    from mixpress.client.client import Client

Entry = MutableMapping[str, Any]

NOT_PROPERTIES = frozenset(
    {"event", "distinct_id", "timestamp", "exc_info", "stack_info", "exception", "positional_args"}
)
"""Keys that are not properties: name, user, and what other processors add for human readers."""


def name_of(entry: Entry) -> object:
    """Return the entry's `event`, by convention a constant string; variable data are keywords."""
    return entry.get("event")


def distinct_id_of(entry: Entry) -> object:
    """Return the `distinct_id` that was bound or passed, else None."""
    return entry.get("distinct_id")


def properties_of(entry: Entry) -> dict[str, object]:
    """Return all keywords, except those with a leading underscore and those in `NOT_PROPERTIES`."""
    return {name: value for name, value in entry.items() if name not in NOT_PROPERTIES and not name.startswith("_")}


class MixpressProcessor:
    """A processor that tracks each entry that names a user, and passes every entry on unchanged.

        structlog.configure(processors=[merge_contextvars, MixpressProcessor(client), JSONRenderer()])
        structlog.get_logger().info("Paid", distinct_id="user-1", amount=5)

    Place it before the renderer, and after the processors that filter or merge context variables.

    `name`: the event's name, or a function of the entry that returns it; None skips the entry. Default: its `event`.
    `distinct_id`: a function of the entry; None skips the entry. Default: its `distinct_id`.
    `properties`: a function of the entry; default `properties_of`.

    It never raises and never blocks, and skips entries of the client's own logger and threads, as `MixpressHandler`
    does.
    """

    def __init__(
        self,
        client: Client | AsyncClient,
        *,
        name: str | Callable[[Entry], object] = name_of,
        distinct_id: Callable[[Entry], object] = distinct_id_of,
        properties: Callable[[Entry], Mapping[str, object]] = properties_of,
    ) -> None:
        self._tracker = SafeTracker(client, "MixpressProcessor")
        self._name = name
        self._distinct_id = distinct_id
        self._properties = properties

    def __call__(self, logger: Any, method_name: str, event_dict: Entry) -> Entry:  # noqa: ARG002 - structlog's signature
        """Track the entry and return it unchanged; structlog's entry point."""
        self._tracker.track(self._event, logger, event_dict)
        return event_dict

    def _event(self, logger: Any, entry: Entry) -> Event | None:
        record = entry.get("_record")  # present where records of `logging` go through structlog
        source = getattr(record or logger, "name", None)
        if is_own(source if isinstance(source, str) else "", threading.current_thread().name):
            return None
        distinct_id = self._distinct_id(entry)
        if distinct_id is None:
            return None
        name = self._name(entry) if callable(self._name) else self._name
        return Event(name, distinct_id, self._properties(entry))
