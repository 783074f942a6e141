"""Forks: the parent keeps its events, the child reopens the file with none, and neither hangs."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from mixpress.errors import SpoolError
from mixpress.spool import session

from .makers import everything, numbers_of, spool, text, texts

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
]


def in_child(work: Callable[[], None], meanwhile: Callable[[], None] = lambda: None) -> int:
    """Run `work` in a forked child, killed after 30 seconds, and return its exit status: 0 unless it raised."""
    pid = os.fork()
    if not pid:
        signal.alarm(30)
        try:
            work()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - the child must not go on as the test
            traceback.print_exc()
            os._exit(1)
    meanwhile()
    return os.waitpid(pid, 0)[1]


def test_the_child_has_none_of_its_parents_events(tmp_path: Path) -> None:
    with spool(tmp_path / "a", max_events=2) as queue:
        queue.append_many(texts(3))
        batch = queue.pack()
        assert batch is not None

        def work() -> None:
            assert queue.waiting == (0, 0)
            assert queue.append(text(10)) == 0
            assert queue.take() is None
            mine = queue.pack()
            assert mine is not None
            assert numbers_of(mine.events()) == [10]
            assert queue.settle(mine)
            queue.append(text(11))
            queue.close()

        assert in_child(work) == 0
        assert queue.waiting[0] == 1
        assert queue.append(text(3)) == 3
        rest = queue.pack()
        assert rest is not None
        assert numbers_of(rest.events()) == [2, 3]
        left = queue.take()
        assert left is not None
        assert numbers_of(left.events()) == [11]
        assert queue.settle(batch)


def test_events_of_the_child_survive_the_close_of_the_parent(tmp_path: Path) -> None:
    """A child with copied locks would write to a log that the parent removes."""
    queue = spool(tmp_path / "a")
    queue.append(text(0))
    appended, ready = os.pipe()
    closed, goes_on = os.pipe()

    def work() -> None:
        queue.append(text(1))
        os.write(ready, b"x")
        os.read(closed, 1)
        queue.append(text(2))

    def close() -> None:
        os.close(ready)  # so that the end of the child ends the read
        os.read(appended, 1)
        queue.close()
        os.write(goes_on, b"x")

    assert in_child(work, meanwhile=close) == 0
    for end in (appended, closed, goes_on):
        os.close(end)
    assert sorted(everything(tmp_path / "a")) == [0, 1, 2]


def test_forks_while_threads_use_the_spool(tmp_path: Path) -> None:
    with spool(tmp_path / "a", max_events=5) as queue:
        stop = threading.Event()
        given: list[int] = []

        def append() -> None:
            while not stop.is_set():
                given.append(queue.append(text(len(given))))

        def keep() -> None:
            while not stop.is_set():
                queue.pack()
                queue.sync()

        def work() -> None:
            queue.append(text(1_000_000))
            queue.sync()

        threads = [threading.Thread(target=append), threading.Thread(target=keep)]
        for thread in threads:
            thread.start()
        try:
            statuses = [in_child(work) for _ in range(20)]
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert statuses == [0] * 20
    left = everything(tmp_path / "a")
    assert sorted(number for number in left if number < 1_000_000) == list(range(len(given)))
    assert left.count(1_000_000) == 20


def test_a_child_of_a_fork_without_hooks_gets_an_error(tmp_path: Path) -> None:
    """Python did not run the hooks before the fork, so the child must not use its copy."""
    with spool(tmp_path / "a") as queue:
        queue.append(text(0))
        left = queue._session.reset_in_child()
        assert left is not None
        with pytest.raises(SpoolError, match="open it in the child") as caught:
            queue.append(text(1))
        assert caught.value.kind == "forked"
        left.close()


def test_a_fork_waits_for_a_busy_thread_for_a_bounded_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "FORK_TIMEOUT", 0.01)
    with spool(tmp_path / "a") as queue:
        queue.append(text(0))
        held, free = threading.Event(), threading.Event()

        def hold() -> None:
            with queue._session.write_lock:
                held.set()
                free.wait(30)

        thread = threading.Thread(target=hold)
        thread.start()
        assert held.wait(30)

        def work() -> None:
            with pytest.raises(SpoolError, match="open it in the child"):
                queue.append(text(1))

        try:
            assert in_child(work) == 0
        finally:
            free.set()
            thread.join()
        queue.append(text(2))
    assert everything(tmp_path / "a") == [0, 2]
