"""Several processes and threads on one file: each event is delivered once."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from .makers import everything, numbers_of, spool, text
from .test_crash import TESTS


def test_processes_share_a_file(tmp_path: Path) -> None:
    """They also create it at the same time."""
    count, path = 200, tmp_path / "a"
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "spool.sharer", str(path), str(first), str(count)],
            stdout=subprocess.PIPE,
            cwd=TESTS,
        )
        for first in range(0, 4 * count, count)
    ]
    delivered = [int(number) for process in running for number in process.communicate()[0].split()]
    assert [process.returncode for process in running] == [0] * 4
    assert sorted(delivered + everything(path)) == list(range(4 * count))


def test_threads_share_a_spool(tmp_path: Path) -> None:
    given: list[int] = []
    delivered: list[int] = []
    done = threading.Event()
    with spool(tmp_path / "a", max_events=11) as queue:

        def append(first: int) -> None:
            for number in range(first, first + 100):
                given.append(queue.append(text(number)))

        def deliver() -> None:
            while not done.is_set() or queue.waiting[0]:
                batch = queue.pack()
                if batch and queue.settle(batch):
                    delivered.extend(numbers_of(batch.events()))

        writers = [threading.Thread(target=append, args=(first,)) for first in (0, 100, 200)]
        readers = [threading.Thread(target=deliver) for _ in range(2)]
        for thread in (*writers, *readers):
            thread.start()
        for thread in writers:
            thread.join()
        done.set()
        for thread in readers:
            thread.join()
    assert sorted(given) == list(range(300))
    assert sorted(delivered) == list(range(300))
