"""Power loss: an event that `track` accepted is synced within 100 ms, whatever else the client does, and `flush` syncs
before it sends. Tests advance the clock, so a slow test causes no sync.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from mixpress import Client
from mixpress.errors import SpoolError
from mixpress.spool.connect import Connections
from mixpress.spool.layout import Layout
from mixpress.spool.spool import Spool
from mixpress.transport import Request, Response
from support.clocks import HeldClock
from support.replies import ok
from support.server import FakeServer

from .makers import made, spool_of, track

PROMISED = 0.1
SYNC = "fdatasync" if hasattr(os, "fdatasync") else "fsync"
SYNCS, FILLS = "mixpress-sync", "mixpress-spool"


def synced_in_time(clock: HeldClock, spool: Spool) -> None:
    """Advance the clock to each moment for which the sync thread waits, until the spool is synced."""
    start = clock.now
    assert spool.dirty
    while spool.dirty:
        wants = clock.asleep(SYNCS)
        assert wants - start <= PROMISED
        clock.go_on(wants)
        clock.asleep(SYNCS)


class Silent:
    """A server that takes requests and does not reply until the end of `asked_by`."""

    def __init__(self) -> None:
        self.asked, self._answers = threading.Event(), threading.Event()

    def __call__(self, _request: Request) -> Response:
        self.asked.set()
        assert self._answers.wait(30)
        return ok()

    @contextmanager
    def asked_by(self, client: Client) -> Iterator[None]:
        """Keep the one request that may be under way at this server."""
        track(client, 1)
        flushing = threading.Thread(target=client.flush)
        flushing.start()
        try:
            assert self.asked.wait(30)
            yield
        finally:
            self._answers.set()
            flushing.join()


def test_an_idle_client_syncs_in_time(tmp_path: Path) -> None:
    clock = HeldClock()
    with made(tmp_path / "a", FakeServer(), clock=clock) as client:
        for number in range(3):
            clock.asleep(SYNCS)
            track(client, number)
            synced_in_time(clock, spool_of(client))


def test_it_syncs_in_time_while_workers_and_a_flush_wait_for_the_server(tmp_path: Path) -> None:
    clock, server = HeldClock(), Silent()
    with made(tmp_path / "a", FakeServer(server), clock=clock, concurrency=1) as client:
        with server.asked_by(client):
            track(client, 2)
            synced_in_time(clock, spool_of(client))
        assert client.flush().pending == 0


@pytest.mark.parametrize("packer", ["flush", "the packing thread"])
def test_it_syncs_in_time_while_a_batch_is_packed(packer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gzip of ten megabytes may take longer than 100 ms."""
    clock, started, goes_on = HeldClock(), threading.Event(), threading.Event()
    lay = Layout.body

    def slow(layout: Layout, events: list[bytes]) -> tuple[bytes, int]:
        started.set()
        assert goes_on.wait(30)
        return lay(layout, events)

    monkeypatch.setattr(Layout, "body", slow)
    linger = 3600.0 if packer == "flush" else 0.0
    with made(tmp_path / "a", FakeServer(), clock=clock, linger=linger) as client, ExitStack() as ended:
        track(client, 1)
        if packer == "flush":
            flushing = threading.Thread(target=client.flush)
            flushing.start()
            ended.callback(flushing.join)
        ended.callback(goes_on.set)
        assert started.wait(30)
        track(client, 2)
        synced_in_time(clock, spool_of(client))


def test_it_syncs_in_time_while_track_waits_for_another_process(tmp_path: Path) -> None:
    clock = HeldClock()
    with made(tmp_path / "a", FakeServer(), clock=clock) as client:
        clock.asleep(FILLS)
        track(client, 1)
        late = threading.Thread(target=track, args=(client, 2))
        with closing(sqlite3.connect(tmp_path / "a", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            late.start()
            until(lambda: is_taken(spool_of(client)._session.write_lock))
            synced_in_time(clock, spool_of(client))
            other.execute("COMMIT")
        late.join()
        synced_in_time(clock, spool_of(client))


def test_the_packing_thread_checkpoints_a_long_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint writes megabytes, for which a sync must not wait."""
    clock, by = HeldClock(), []
    checkpoint = Connections.checkpoint

    def recorded(connections: Connections) -> None:
        checkpoint(connections)
        by.append(threading.current_thread().name)

    monkeypatch.setattr("mixpress.spool.connect.LOG_BYTES", 100_000)
    monkeypatch.setattr(Connections, "checkpoint", recorded)
    with made(tmp_path / "a", FakeServer(), clock=clock) as client:
        track(client, *range(100))
        clock.asleep(FILLS)
        synced_in_time(clock, spool_of(client))
        until(lambda: bool(by))
        assert client.flush().imported == 100
    assert set(by) == {FILLS}


def test_a_flush_syncs_before_it_sends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = recorded(monkeypatch)

    def server(_request: Request) -> Response:
        steps.append("request")
        return ok()

    with made(tmp_path / "a", FakeServer(server), clock=HeldClock()) as client:
        track(client, 1)
        assert steps == []
        assert client.flush().imported == 1
        assert steps == ["sync", "request"]


def test_a_flush_without_time_has_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps, server = recorded(monkeypatch), Silent()
    with (
        made(tmp_path / "a", FakeServer(server), clock=HeldClock(), concurrency=1) as client,
        server.asked_by(client),
    ):
        track(client, 2)
        assert spool_of(client).dirty
        assert client.flush(timeout=0).pending == 2
        assert not spool_of(client).dirty
        assert steps == ["sync", "sync"]


def test_a_flush_that_cannot_sync_raises_and_sends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    server = FakeServer()
    with made(tmp_path / "a", server, clock=HeldClock()) as client:
        track(client, 1)
        with monkeypatch.context() as patch:
            patch.setattr(os, SYNC, fail)
            with pytest.raises(SpoolError, match="Input/output error"):
                client.flush()
        assert server.requests == []
        assert client.flush().imported == 1


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets a "sync" for each sync of the disk."""
    steps: list[str] = []
    real = getattr(os, SYNC)

    def sync(descriptor: int) -> None:
        real(descriptor)
        steps.append("sync")

    monkeypatch.setattr(os, SYNC, sync)
    return steps


def is_taken(lock: threading.RLock) -> bool:
    """Return whether another thread holds the lock."""
    if not lock.acquire(blocking=False):
        return True
    lock.release()
    return False


def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 30
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.002)
