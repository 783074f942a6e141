"""The numbers of an emulator: `Emulator.stats()` and `GET /_emulator/stats`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mixpress.emulator.log import to_names

if TYPE_CHECKING:
    from mixpress.emulator.backend import Backend

_TOP = 50  # names of events
_STORED = "SELECT count(*), coalesce(max(id), 0) FROM events"
_BY_EVENT = "SELECT event, count(*) AS number FROM events GROUP BY event ORDER BY number DESC, event LIMIT ?"


def collect(backend: Backend, bucket: int = 5) -> dict[str, Any]:
    """Return the numbers; the timeline has buckets of so many seconds."""
    with backend.store.reading() as connection:
        names = connection.execute(_BY_EVENT, (_TOP,)).fetchall()
    store = backend.store.counts()
    counts = backend.log.counts()
    return {
        "stored": store.stored,
        "received": counts.received,
        "imported": counts.imported,
        "refused": counts.refused,
        "duplicates": store.duplicates,
        "ignored": counts.ignored,
        "dropped": store.dropped,
        **backend.state.counts(),
        "updates": {
            "received": counts.updates_received,
            "accepted": counts.updates_accepted,
            "refused": counts.updates_refused,
        },
        "requests": counts.requests,
        "by_status": to_names(counts.statuses),
        "by_event": [{"event": event, "count": count} for event, count in names],
        "started": backend.started_ms,
        "faults": str(backend.plan.faults),
        "keep": backend.keep,
        "webhook_dropped": backend.webhook.dropped if backend.webhook else 0,
        "timeline": backend.log.timeline(int(backend.now() * 1000), bucket),
    }


def collect_live(backend: Backend) -> dict[str, int]:
    """Return the few numbers that a listener of changes gets."""
    with backend.store.reading() as connection:
        [(stored, last_id)] = connection.execute(_STORED)
    counts = backend.log.counts()
    return {"last_id": last_id, "stored": stored, "requests": counts.requests, "refused": counts.refused}
