"""Mixpanel: the files of its Raw Event Export API.

https://docs.mixpanel.com/reference/raw-event-export
"""

from __future__ import annotations

from typing import Any

from mixpress.files.vendors.not_an_event import NotAnEvent
from mixpress.files.vendors.reading import object_of

ADDED = frozenset({"mp_processing_time_ms", "$mp_api_endpoint", "$mp_api_timestamp_ms", "$import"})
"""Properties that Mixpanel added when it received the event."""


def event_of(record: Any) -> dict[str, Any]:
    """Return an exported event without what Mixpanel adds."""
    event = object_of(record, "event")
    properties = event.get("properties")
    if not isinstance(properties, dict):
        raise NotAnEvent("the record has no 'properties'")
    return {
        "event": event["event"],
        "properties": {name: value for name, value in properties.items() if name not in ADDED},
    }
