"""Owners of events: which processes count as dead, and when their events are free for others."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mixpress.spool.owner import LEASE, Process
from support.clocks import FakeClock

from .makers import change, numbers_of, spool, texts

ME = Process.current()


def test_this_process_is_alive() -> None:
    assert not ME.is_gone(ME)


def test_an_ended_process_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert replace(ME, pid=child.pid, started="").is_gone(ME)


def test_a_zombie_process_is_dead() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("needs /proc")
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert replace(ME, pid=child.pid, started="").is_gone(ME)
    child.communicate()


def test_a_process_with_another_start_time_is_dead() -> None:
    assert replace(ME, started="1").is_gone(ME)


def test_a_process_of_an_earlier_boot_is_dead() -> None:
    assert replace(ME, boot="another").is_gone(ME)


def test_a_process_of_another_pid_namespace_counts_as_alive() -> None:
    assert not replace(ME, namespace="pid:[1]", pid=2**22 + 1).is_gone(ME)


def test_an_impossible_pid_is_dead() -> None:
    assert replace(ME, pid=1 << 70).is_gone(ME)


# In the file


def test_two_spools_of_one_process_do_not_take_each_others_events(tmp_path: Path) -> None:
    with spool(tmp_path / "a") as one, spool(tmp_path / "a") as other:
        one.append_many(texts(3))
        assert other.pack() is None
        assert other.take() is None
        batch = one.pack()
        assert batch is not None
        assert other.take() is None
        assert not other.retry(batch)
        assert one.retry(batch)
        taken = other.take()
        assert taken is not None
        assert taken.id == batch.id


def test_events_of_a_closed_spool_are_free(tmp_path: Path) -> None:
    with spool(tmp_path / "a") as other:
        one = spool(tmp_path / "a", max_events=2)
        one.append_many(texts(5))
        one.pack()
        one.close()
        first, second = other.take(), other.take()
        assert first is not None
        assert second is not None
        assert numbers_of(first.events()) == [0, 1]
        assert numbers_of(second.events()) == [2, 3, 4]
        assert list(second.indexes) == [0, 1, 2]
        assert other.take() is None


@pytest.mark.parametrize("changes", ["pid = 4194305", "started = '1'", "boot = 'another'"])
def test_events_of_a_dead_process_are_free_at_once(tmp_path: Path, changes: str) -> None:
    with spool(tmp_path / "a", max_events=2) as dead, spool(tmp_path / "a") as alive:
        dead.append_many(texts(3))
        dead.pack()
        assert alive.take() is None
        change(tmp_path / "a", f"UPDATE owners SET {changes} WHERE id = (SELECT min(id) FROM owners)")
        found = [numbers_of(batch.events()) for batch in iter(alive.take, None)]
        assert found == [[0, 1], [2]]


def test_a_lease_expires_unless_it_is_renewed(tmp_path: Path) -> None:
    clock = FakeClock()
    with spool(tmp_path / "a", clock=clock) as silent, spool(tmp_path / "a", clock=clock) as other:
        silent.append_many(texts(2))
        batch = silent.pack()
        assert batch is not None
        for _ in range(4):
            clock.now += LEASE / 2
            silent.tend()
            assert other.take() is None
        clock.now += LEASE + 1
        taken = other.take()
        assert taken is not None
        assert taken.body == batch.body
        assert not silent.retry(batch)
        assert silent.settle(batch)  # a verdict of the server is final, whoever owns the batch
        assert not other.settle(taken)


def test_events_taken_from_a_process_without_lease_are_packed_once(tmp_path: Path) -> None:
    clock = FakeClock()
    with spool(tmp_path / "a", clock=clock) as silent, spool(tmp_path / "a", clock=clock, max_events=2) as other:
        silent.append_many(texts(3))
        clock.now += LEASE + 1
        taken = other.take()
        assert taken is not None
        assert numbers_of(taken.events()) == [0, 1]
        silent.tend()
        rest = silent.pack()
        assert rest is not None
        assert numbers_of(rest.events()) == [2]
        assert silent.pack() is None
        assert silent.waiting == (0, 0)
        assert other.take() is None
