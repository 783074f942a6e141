"""One process and its spool: events in, batches out, nothing twice."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mixpress.spool import Layout, Spool
from support.fakes import START, FakeClock

from .makers import everything, numbers_of, spool, text, texts

# Events wait, and become batches


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


def test_a_batch_is_as_large_as_is_allowed(tmp_path: Path) -> None:
    size = len(text(0))
    with spool(tmp_path / "a", max_bytes=2 * size + 3) as queue:
        queue.append_many(texts(5))
        counts = []
        while batch := queue.pack():
            assert batch.raw_size <= 2 * size + 3
            counts.append(batch.count)
    assert counts == [2, 2, 1]


def test_an_event_that_is_larger_than_a_batch_goes_alone(tmp_path: Path) -> None:
    with spool(tmp_path / "a", max_bytes=10) as queue:
        queue.append_many(texts(2))
        assert [batch.count for batch in iter(queue.pack, None)] == [1, 1]


def test_many_are_appended_at_once(tmp_path: Path) -> None:
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


def test_numbers_go_on_when_all_was_packed(tmp_path: Path) -> None:
    with spool(tmp_path / "a") as queue:
        for number in range(4):
            assert queue.append(text(number)) == number
            batch = queue.pack()
            assert batch is not None
            assert list(batch.indexes) == [number]
            assert queue.settle(batch)


# What becomes of a batch


def test_a_settled_batch_is_gone(tmp_path: Path) -> None:
    with spool(tmp_path / "a") as queue:
        queue.append(text())
        batch = queue.pack()
        assert batch is not None
        assert queue.take() is None  # it is leased already
        assert queue.settle(batch)
        assert not queue.settle(batch)
        assert queue.stats().pending == 0


def test_a_retry_sends_the_identical_bytes_when_it_is_due(tmp_path: Path) -> None:
    clock = FakeClock()
    with spool(tmp_path / "a", clock=clock) as queue:
        queue.append(text())
        batch = queue.pack()
        assert batch is not None
        assert queue.retry(batch, wait=5)
        assert not queue.retry(batch)  # it is nobody's now
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


def test_a_batch_that_was_given_up_is_kept_with_its_reason(tmp_path: Path) -> None:
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


def test_parts_take_the_place_of_a_batch(tmp_path: Path) -> None:
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


def test_a_closed_spool_says_so(tmp_path: Path) -> None:
    queue = spool(tmp_path / "a")
    queue.append(text())
    queue.close()
    queue.close()
    with pytest.raises(ValueError, match="is closed"):
        queue.append(text())
    assert everything(tmp_path / "a") == [0]


# The file


@pytest.mark.parametrize("mask", [0, 0o077])
def test_the_file_is_its_owners_alone_from_the_beginning(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with spool(tmp_path / "a") as queue:
            queue.append(text())
            modes = {name.name: stat.S_IMODE(name.stat().st_mode) for name in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"a": 0o600, "a-wal": 0o600, "a-shm": 0o600}


def test_a_file_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "a"
    spool(path).close()
    path.chmod(0o644)
    with spool(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_but_the_file_is_left_when_it_is_closed(tmp_path: Path) -> None:
    with spool(tmp_path / "a") as queue:
        queue.append(text())
    assert [name.name for name in tmp_path.iterdir()] == ["a"]


def test_the_layout_of_the_batches_is_chosen(tmp_path: Path) -> None:
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
