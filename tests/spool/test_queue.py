"""The spool in one process: events in, batches out, none twice; and the modes of the file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mixpress.spool import Layout, Spool
from support.clocks import START, FakeClock

from .makers import everything, numbers_of, spool, text, texts

# Packing


def test_a_batch_has_the_oldest_events_byte_for_byte(tmp_path: Path) -> None:
    with spool(tmp_path / "a", max_events=3) as queue:
        assert [queue.append(one) for one in texts(5)] == [0, 1, 2, 3, 4]
        first, second, third = queue.pack(), queue.pack(), queue.pack()
        assert first is not None
        assert second is not None
        assert third is None
        assert first.events() == texts(3)
        assert second.events() == texts(2, start=3)
        assert (list(first.indexes), list(second.indexes)) == ([0, 1, 2], [3, 4])
        assert (first.count, len(second)) == (3, 2)
        assert first.headers == {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        assert first.raw_size == sum(map(len, texts(3))) + 4
        assert first.accepted == START


def test_a_batch_is_filled_up_to_max_bytes(tmp_path: Path) -> None:
    size = len(text(0))
    with spool(tmp_path / "a", max_bytes=2 * size + 3) as queue:
        queue.append_many(texts(5))
        counts = []
        while batch := queue.pack():
            assert batch.raw_size <= 2 * size + 3
            counts.append(batch.count)
    assert counts == [2, 2, 1]


def test_an_event_larger_than_a_batch_is_packed_alone(tmp_path: Path) -> None:
    with spool(tmp_path / "a", max_bytes=10) as queue:
        queue.append_many(texts(2))
        assert [batch.count for batch in iter(queue.pack, None)] == [1, 1]


def test_append_many_returns_the_range_of_numbers(tmp_path: Path) -> None:
    with spool(tmp_path / "a") as queue:
        queue.append(text(0))
        assert queue.append_many(texts(3, start=1)) == range(1, 4)
        assert queue.append_many([]) == range(4, 4)
        assert queue.append(text(4)) == 4
        assert queue.waiting == (5, sum(map(len, texts(5))))
        batch = queue.pack()
        assert batch is not None
        assert numbers_of(batch.events()) == [0, 1, 2, 3, 4]
        assert queue.waiting == (0, 0)


def test_numbers_continue_after_everything_was_settled(tmp_path: Path) -> None:
    with spool(tmp_path / "a") as queue:
        for number in range(4):
            assert queue.append(text(number)) == number
            batch = queue.pack()
            assert batch is not None
            assert list(batch.indexes) == [number]
            assert queue.settle(batch)


# Batches


def test_a_settled_batch_leaves_the_file(tmp_path: Path) -> None:
    with spool(tmp_path / "a") as queue:
        queue.append(text())
        batch = queue.pack()
        assert batch is not None
        assert queue.take() is None  # it is leased already
        assert queue.settle(batch)
        assert not queue.settle(batch)
        assert queue.stats().pending == 0


def test_a_retry_has_identical_bytes_and_is_taken_when_it_is_due(tmp_path: Path) -> None:
    clock = FakeClock()
    with spool(tmp_path / "a", clock=clock) as queue:
        queue.append(text())
        batch = queue.pack()
        assert batch is not None
        assert queue.retry(batch, wait=5)
        assert not queue.retry(batch)  # its lease has ended
        assert queue.take() is None
        clock.now += 5
        again = queue.take()
        assert again is not None
        assert again.body == batch.body
        assert again.headers == batch.headers
        assert list(again.indexes) == list(batch.indexes)
        assert again.attempts == 1
        assert queue.retry(again, attempts=3)
        assert queue.stats().attempts == 4


def test_a_kept_batch_stays_leased_until_the_release(tmp_path: Path) -> None:
    with spool(tmp_path / "a") as queue:
        queue.append(text())
        batch = queue.pack()
        assert batch is not None
        assert queue.retry(batch, keep=True)
        assert queue.take() is None
        queue.release()
        assert queue.take() is not None


def test_a_failed_batch_is_kept_with_its_reason(tmp_path: Path) -> None:
    with spool(tmp_path / "a") as queue:
        queue.append_many(texts(2))
        batch = queue.pack()
        assert batch is not None
        assert queue.fail(batch, "404 Not Found")
        assert queue.take() is None
        stats = queue.stats()
        assert (stats.pending, stats.failed, stats.failed_events) == (0, 1, 2)
        assert stats.failed_reasons == {"404 Not Found": 1}
        again = queue.take(failed=True)
        assert again is not None
        assert again.body == batch.body
        assert queue.stats().failed == 0


def test_replace_puts_the_halves_in_place_of_a_batch(tmp_path: Path) -> None:
    with spool(tmp_path / "a") as queue:
        queue.append_many(texts(5))
        batch = queue.pack()
        assert batch is not None
        parts = queue.replace(batch, batch.split())
        assert [part.count for part in parts] == [3, 2]
        assert queue.replace(batch, batch.split()) == []
        assert queue.settle(parts[0])
        queue.release()
        rest = queue.take()
        assert rest is not None
        assert rest.events() == texts(2, start=3)
        assert list(rest.indexes) == [3, 4]


def test_a_closed_spool_raises(tmp_path: Path) -> None:
    queue = spool(tmp_path / "a")
    queue.append(text())
    queue.close()
    queue.close()
    with pytest.raises(ValueError, match="is closed"):
        queue.append(text())
    assert everything(tmp_path / "a") == [0]


# The file


@pytest.mark.parametrize("mask", [0, 0o077])
def test_the_file_is_created_readable_by_its_owner_alone(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with spool(tmp_path / "a") as queue:
            queue.append(text())
            modes = {name.name: stat.S_IMODE(name.stat().st_mode) for name in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"a": 0o600, "a-wal": 0o600, "a-shm": 0o600}


def test_a_file_that_others_may_read_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "a"
    spool(path).close()
    path.chmod(0o644)
    with spool(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_close_leaves_no_file_beside_the_spool(tmp_path: Path) -> None:
    with spool(tmp_path / "a") as queue:
        queue.append(text())
    assert [name.name for name in tmp_path.iterdir()] == ["a"]


def test_batches_have_the_layout_of_the_spool_that_packed_them(tmp_path: Path) -> None:
    with spool(tmp_path / "a", layout=Layout("ndjson", gzip=False)) as queue:
        queue.append_many(texts(2))
        batch = queue.pack()
        assert batch is not None
        assert batch.body == text(0) + b"\n" + text(1) + b"\n"
        queue.retry(batch)
    with Spool(tmp_path / "a") as later:
        again = later.take(early=True)
        assert again is not None
        assert again.headers == {"Content-Type": "application/x-ndjson"}
        assert again.split()[1].body == text(1) + b"\n"
