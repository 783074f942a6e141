"""Heap: the tables of events that Heap Connect exports.

https://help.heap.io/heap-connect/heap-connect-guide/data-schema
"""

from __future__ import annotations

from typing import Any

from mixpress.files.vendors.not_an_event import NotAnEvent
from mixpress.files.vendors.reading import object_of, renamed
from mixpress.files.vendors.values import as_id, country, first_known, identity, insert_id, known

NAMES = {
    "app_name": "$app_name",
    "app_version": "$app_version_string",
    "browser": "$browser",
    "carrier": "$carrier",
    "city": "$city",
    "device": "$device",
    "device_type": "$device_type",
    "href": "$current_url",
    "ip": "ip",
    "platform": "$os",
    "referrer": "$referrer",
    "region": "$region",
    "title": "page_title",
}
"""Heap's columns, and Mixpanel's names for them."""

USED = frozenset({"event_id", "user_id", "identity", "time", "event_table_name", "country"})

EVENT_COLUMNS = ("event_table_name", "event_name", "name", "type")
"""Where the event's name can be. The table of one event has no such column: use `event`."""


def event_of(record: Any) -> dict[str, Any]:
    """Return the event of a row of `all_events`, or of the table of one event."""
    row = {
        str(name).lower(): value for name, value in object_of_row(record).items()
    }  # Snowflake's names are upper-case
    event = first_known(*(row.get(name) for name in EVENT_COLUMNS))
    user = as_id(row.get("identity"))
    return {
        "event": event,
        "properties": {
            **renamed(row, NAMES, USED),
            **country(row.get("country") or None),
            **identity(user if known(user) else None, as_id(row.get("user_id"))),
            "time": row["time"],
            **({"$insert_id": insert_id(f"heap-{row['event_id']}")} if known(row.get("event_id")) else {}),
        },
    }


def object_of_row(record: object) -> dict[str, Any]:
    """Return a row with Heap's own columns. Raises `NotAnEvent` for any other."""
    if not isinstance(record, dict):
        raise NotAnEvent(f"the record is not an object: {record!r:.60}")
    lower = {str(name).lower(): name for name in record}
    object_of(record, str(lower.get("time", "time")))
    object_of(record, str(lower.get("user_id", "user_id")))
    return record
