"""Events as the encoder writes them, spools and clients, clocks that tests hold in their hand, a look into the file."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

from mixpress import Client, RetryPolicy, Stats
from mixpress.clock import Clock
from mixpress.spool import Spool
from support.fakes import ACCOUNT, START, FakeClock, FakeServer, as_json, event

HASTY = RetryPolicy(attempts=2, first_wait=0.0, jitter=(0.0, 0.0))


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


def made(path: Path, server: FakeServer, **settings: Any) -> Client:
    """A client with a spool, that makes no batch before it is told to."""
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


class HeldClock(Clock):
    """Time stands still until a test lets it go on. Who waits then for what is due is woken."""

    def __init__(self) -> None:
        self.now = START
        self._asleep: dict[threading.Thread, tuple[threading.Event, float]] = {}
        self._changed = threading.Condition()

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def random(self) -> float:
        return 0.5

    def wait(self, wake: threading.Event, seconds: float) -> None:
        me = threading.current_thread()
        with self._changed:
            if self.now + seconds <= self.now:
                return
            self._asleep[me] = wake, self.now + seconds
            self._changed.notify_all()
        wake.wait(30)
        with self._changed:
            del self._asleep[me]

    def asleep(self, name: str) -> float:
        """Wait until the thread of that name has nothing to do; when it wants to go on."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._wakes_at(name) is not None, 30), f"{name} does not wait"
            return self._wakes_at(name) or 0.0

    def go_on(self, until: float) -> None:
        with self._changed:
            self.now = until
            for wake, ends in self._asleep.values():
                if ends <= until:
                    wake.set()

    def _wakes_at(self, name: str) -> float | None:
        waiting = [ends for thread, (wake, ends) in self._asleep.items() if thread.name == name and not wake.is_set()]
        return waiting[0] if waiting else None
