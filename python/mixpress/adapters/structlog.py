"""`MixpressProcessor`: what structlog logs of a user becomes an event, under the name by which it is logged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from mixpress.adapters.safe_tracker import Happening, Quiet, is_own

if TYPE_CHECKING:
    from mixpress.client.async_client import AsyncClient
    from mixpress.client.client import Client

Entry = MutableMapping[str, Any]

LEFT_OUT = frozenset({"event", "distinct_id", "timestamp", "exc_info", "stack_info", "exception", "positional_args"})
"""What is no property: the event's own parts, and what other processors put in for people to read."""


def name_of(entry: Entry) -> object:
    """`event`: structlog's users log a constant there, and what changes as keywords."""
    return entry.get("event")


def distinct_id_of(entry: Entry) -> object:
    """What was bound or given as `distinct_id`, if anything was."""
    return entry.get("distinct_id")


def properties_of(entry: Entry) -> dict[str, object]:
    """All keywords, but those that begin with an underscore and those of `LEFT_OUT`."""
    return {name: value for name, value in entry.items() if name not in LEFT_OUT and not name.startswith("_")}


class MixpressProcessor:
    """A processor that tracks what it is given, if it names a user, and hands it on as it is.

        structlog.configure(processors=[merge_contextvars, MixpressProcessor(client), JSONRenderer()])
        structlog.get_logger().info("Paid", distinct_id="user-1", amount=5)

    It belongs before the renderer, and behind what filters and what merges context variables.

    `name`: the event's name, or a function of the dict that gives it; None leaves it out. By default its `event`.
    `distinct_id`: a function of the dict; what gives None is left out. By default its `distinct_id`.
    `properties`: a function of the dict; by default `properties_of`.

    It never raises and never waits, and leaves out what the client's own logger and threads say, as `MixpressHandler`
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
        self._quiet = Quiet(client, "MixpressProcessor")
        self._name = name
        self._distinct_id = distinct_id
        self._properties = properties

    def __call__(self, logger: Any, method_name: str, event_dict: Entry) -> Entry:  # noqa: ARG002 - its call
        """The dict as it was; structlog calls this."""
        self._quiet.track(lambda: self._look(logger, event_dict))
        return event_dict

    def _look(self, logger: Any, entry: Entry) -> Happening | None:
        record = entry.get("_record")  # where logging's records go through structlog, too
        source = getattr(record or logger, "name", None)
        if is_own(source if isinstance(source, str) else "", threading.current_thread().name):
            return None
        distinct_id = self._distinct_id(entry)
        if distinct_id is None:
            return None
        name = self._name(entry) if callable(self._name) else self._name
        return Happening(name, distinct_id, self._properties(entry))
