"""What happens to an emulator with a file: its disk is full, its process is killed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3

from mixpress.emulator import Emulator

from .sender import Sender
from .test_command import started


@contextmanager
def full_disk(server: Emulator) -> Iterator[None]:
    """Have the file no room to grow within the block."""
    with server._parts.store.reading() as connection:
        connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")
    yield
    with server._parts.store.reading() as connection:
        connection.execute("PRAGMA max_page_count = 100000")


def kill_while_sending(path: Path, send: Callable[[Sender, int, int], None], *, threads: int, least: int) -> None:
    """Start an emulator with a file, send on many threads, and kill it once a thread has sent `least` requests.

    `send` gets the number of its thread and that of its request, and sends one.
    """
    enough = threading.Event()

    def run(url: str, thread: int) -> None:
        sender = Sender(url)
        try:
            for request in range(10_000):
                send(sender, thread, request)
                if request >= least:
                    enough.set()
        except urllib3.exceptions.HTTPError:
            enough.set()
        finally:
            sender.close()

    with started("--db", str(path)) as (process, line):
        # Its log would fill the pipe.
        assert process.stderr is not None
        running = [threading.Thread(target=run, args=(line[1], each)) for each in range(threads)]
        for each in [*running, threading.Thread(target=process.stderr.read)]:
            each.start()
        assert enough.wait(120)
        process.kill()
        for each in running:
            each.join()
        process.wait(60)
