"""Events as the encoder writes them, spools on a clock that tests hold in their hand, and a look into the file."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from client.fakes import FakeClock, as_json, event
from mixpress.spool import Spool


def text(number: int = 0, **changes: Any) -> bytes:
    """The JSON of an event whose $insert_id is `event-<number>`."""
    return as_json(event(number, **changes))


def texts(count: int, start: int = 0) -> list[bytes]:
    return [text(number) for number in range(start, start + count)]


def numbers_of(events: list[bytes]) -> list[int]:
    return [int(json.loads(one)["properties"]["$insert_id"].removeprefix("event-")) for one in events]


def spool(path: Path, **settings: Any) -> Spool:
    return Spool(path, **{"clock": FakeClock()} | settings)


def change(path: Path, statement: str, *parameters: object) -> None:
    """What a damaged disk, or another program, does to the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(statement, parameters)


def everything(path: Path) -> list[int]:
    """The numbers of all events in the file, in batches or not. Nobody may have it open."""
    with Spool(path) as left:
        found: list[int] = []
        while batch := left.take(early=True, failed=True):
            found += numbers_of(batch.events())
        left.release()
    return found
