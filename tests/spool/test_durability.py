"""Durability of the file: each append is synced to the disk within the promised time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mixpress.errors import SpoolError
from mixpress.spool.connect import Connections
from mixpress.spool.spool import SYNC_WITHIN
from support.clocks import FakeClock

from .makers import spool, text, texts

PROMISED = 0.1
SYNC = "fdatasync" if hasattr(os, "fdatasync") else "fsync"


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were synced."""
    names: list[str] = []
    real = getattr(os, SYNC)

    def sync(descriptor: int) -> None:
        names.append(Path(f"/proc/self/fd/{descriptor}").resolve().name)
        real(descriptor)

    monkeypatch.setattr(os, SYNC, sync)
    return names


def test_a_sync_is_due_in_half_of_the_promised_time(tmp_path: Path, synced: list[str]) -> None:
    clock = FakeClock()
    woken: list[float] = []
    with spool(tmp_path / "a", clock=clock, on_dirty=lambda: woken.append(clock.now)) as queue:
        assert queue.tend() > PROMISED
        assert not queue.dirty
        start = clock.now
        queue.append(text(0))
        assert woken == [start]
        assert queue.dirty
        wait = queue.tend()
        assert 0 < wait <= SYNC_WITHIN < PROMISED
        assert synced == []
        clock.now += wait / 2
        queue.append(text(1))
        assert woken == [start]  # one sync covers both
        clock.now += queue.tend() + 1e-6
        queue.tend()
        assert clock.now - start <= PROMISED / 2 + 1e-3
        assert synced == ["a-wal"]
        assert not queue.dirty
        queue.append(text(2))
        assert len(woken) == 2


def test_sync_writes_once_and_clears_dirty(tmp_path: Path, synced: list[str]) -> None:
    with spool(tmp_path / "a") as queue:
        queue.append_many(texts(3))
        queue.sync()
        assert synced == ["a-wal"]
        assert not queue.dirty
        queue.sync()
        assert synced == ["a-wal"]


def test_an_append_during_a_sync_needs_another_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    with spool(tmp_path / "a", clock=clock) as queue:
        queue.append(text(0))

        def sync(_descriptor: int) -> None:
            queue.append(text(1))
            clock.now += 0.03

        with monkeypatch.context() as patch:
            patch.setattr(os, SYNC, sync)
            queue.sync()
        assert queue.dirty
        assert queue.tend() <= SYNC_WITHIN - 0.03 + 1e-6


def test_a_failed_sync_leaves_the_file_dirty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with spool(tmp_path / "a") as queue:
        queue.append(text(0))
        with monkeypatch.context() as patch:
            patch.setattr(os, SYNC, fail)
            with pytest.raises(SpoolError, match="Input/output error"):
                queue.sync()
        assert queue.dirty


def test_the_write_ahead_log_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixpress.spool.connect.LOG_BYTES", 100_000)
    clock, checkpoints = FakeClock(), []
    checkpoint = Connections.checkpoint

    def counted(connections: Connections) -> None:
        checkpoints.append(clock.now)
        checkpoint(connections)

    monkeypatch.setattr(Connections, "checkpoint", counted)
    with spool(tmp_path / "a", clock=clock) as queue:
        for number in range(1000):
            queue.append(text(number))
            clock.now += SYNC_WITHIN / 10
            queue.tend()
        assert (tmp_path / "a-wal").stat().st_size < 300_000
        # An append writes a page or two, so a long log is not checkpointed on every append.
        assert 10 < len(checkpoints) < 60
        batch = queue.pack()
        assert batch is not None
        assert batch.events() == texts(1000)
