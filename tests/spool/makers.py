"""Spools and clients on a fake clock, events as the encoder writes them, and queries of the file."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from mixpress import Client, RetryPolicy, Stats
from mixpress.spool import Spool
from support.clients import ACCOUNT
from support.clocks import FakeClock
from support.events import as_json, event
from support.server import FakeServer

HASTY = RetryPolicy(attempts=2, first_wait=0.0, jitter=(0.0, 0.0))


def text(number: int = 0, **changes: Any) -> bytes:
    """Return the JSON of an event whose $insert_id is `event-<number>`."""
    return as_json(event(number, **changes))


def texts(count: int, start: int = 0) -> list[bytes]:
    return [text(number) for number in range(start, start + count)]


def numbers_of(events: list[bytes]) -> list[int]:
    return [int(json.loads(one)["properties"]["$insert_id"].removeprefix("event-")) for one in events]


def spool(path: Path, **settings: Any) -> Spool:
    return Spool(path, **{"clock": FakeClock()} | settings)


def change(path: Path, statement: str, *parameters: object) -> None:
    """Change the file as a damaged disk or another program would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(statement, parameters)


def everything(path: Path) -> list[int]:
    """Return the numbers of all events in the file, packed or not. No other spool may have it open."""
    with Spool(path) as left:
        found: list[int] = []
        while batch := left.take(early=True, failed=True):
            found += numbers_of(batch.events())
        left.release()
    return found


def made(path: Path, server: FakeServer, **settings: Any) -> Client:
    """A client with a spool that packs no batch before a flush."""
    usual: dict[str, Any] = {"base_url": "http://127.0.0.1:8400", "retry": HASTY, "linger": 3600.0, "concurrency": 2}
    return Client(ACCOUNT, transport=server, spool=path, **usual | settings)


def track(client: Client, *numbers: int) -> None:
    for number in numbers:
        assert client.track("Seen", "user", insert_id=f"event-{number}") is None


def spool_of(client: Client) -> Spool:
    return client.engine.queue._spool  # type: ignore[attr-defined, no-any-return]


def adds_up(stats: Stats) -> bool:
    verdicts = stats.imported + stats.rejected + stats.refused + stats.undelivered + stats.dropped
    return stats.accepted == verdicts + stats.pending


def rows(path: Path, table: str = "events") -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
