"""Find the identity events in a batch. A project with simplified identity refuses every event of such a request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mixpress.batch import SendableBatch
    from mixpress.spool.layout import Format

IDENTITY_EVENTS = frozenset(["$identify", "$create_alias", "$merge"])

_FORMATS: dict[str, Format] = {"application/json": "json", "application/x-ndjson": "ndjson"}


def without_identity_events(batch: SendableBatch) -> SendableBatch | None:
    """Return a batch of the other events, byte for byte; None if all events are identity events, or none is."""
    from mixpress.spool.layout import Layout  # noqa: PLC0415 - most programs never need it
    from mixpress.spool.stored import pack  # noqa: PLC0415

    events, indexes, headers = batch.events(), batch.indexes, batch.headers
    kept = [place for place, event in enumerate(events) if not _is_identity_event(event)]
    if len(kept) in {0, len(events)}:
        return None
    layout = Layout(_FORMATS.get(headers["Content-Type"], "form"), "Content-Encoding" in headers)
    return pack([events[place] for place in kept], [indexes[place] for place in kept], layout=layout)


def _is_identity_event(text: bytes) -> bool:
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):  # a number of many digits, or values deeper than Python reads
        return False
    name = event.get("event") if isinstance(event, dict) else None
    return isinstance(name, str) and name in IDENTITY_EVENTS
