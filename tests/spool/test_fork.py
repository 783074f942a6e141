"""Forks: the parent keeps what it has, the child starts with nothing, and neither hangs."""

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


def in_child(work: Callable[[], None]) -> int:
    """The child's exit status: 0 where nothing was raised. It is killed after 30 seconds."""
    pid = os.fork()
    if not pid:
        signal.alarm(30)
        try:
            work()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - nothing may get out of the child
            traceback.print_exc()
            os._exit(1)
    return os.waitpid(pid, 0)[1]


def test_the_child_has_nothing_of_its_parents(tmp_path: Path) -> None:
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


def test_what_the_child_writes_outlives_the_parents_closing(tmp_path: Path) -> None:
    """A child on copied locks would go on in a log that the parent removes."""
    queue = spool(tmp_path / "a")
    queue.append(text(0))
    closed, goes_on = os.pipe()

    pid = os.fork()
    if not pid:
        signal.alarm(30)
        queue.append(text(1))
        os.read(closed, 1)  # the parent has closed its own
        queue.append(text(2))
        os._exit(0)
    while queue.stats().events < 2:
        pass
    queue.close()
    os.write(goes_on, b"x")
    assert os.waitpid(pid, 0)[1] == 0
    assert sorted(everything(tmp_path / "a")) == [0, 1, 2]


def test_forks_while_threads_are_at_work(tmp_path: Path) -> None:
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


def test_a_fork_that_python_does_not_see_is_told(tmp_path: Path) -> None:
    """As if `_before_fork` had not run: the child must not touch what it was given."""
    with spool(tmp_path / "a") as queue:
        queue.append(text(0))
        left = queue._session.reset_in_child()
        assert left is not None
        with pytest.raises(SpoolError, match="open it in the child") as caught:
            queue.append(text(1))
        assert caught.value.kind == "forked"
        left.close()


def test_a_fork_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
        held.wait(30)

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
