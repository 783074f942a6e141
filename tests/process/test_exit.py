"""A program that ends without `flush`: what it tracked is delivered, or reported with a count, in bounded time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mixpress.emulator import Emulator, Request
from mixpress.spool.show import show

from .scripts import run

PLAIN = """
made = client()
track(made, "Seen", 3000)
"""


def test_what_was_tracked_is_delivered() -> None:
    with Emulator() as server:
        ended = run(PLAIN, server.url)
        assert server.count() == 3000
    assert ended.stderr == ""


def test_a_slow_server_gets_it_all() -> None:
    def slow(_request: Request) -> None:
        time.sleep(0.5)

    with Emulator(before=slow) as server:
        run(PLAIN, server.url)
        assert server.count() == 3000


@pytest.mark.parametrize(
    "end", ["sys.exit(0)", "raise SystemExit", "threading.Thread(target=track, args=(made, 'Late', 0)).start()"]
)
def test_every_way_to_end(end: str) -> None:
    with Emulator() as server:
        run(PLAIN + end, server.url)
        assert server.count() == 3000


def test_a_program_that_raises() -> None:
    with Emulator() as server:
        ended = run(PLAIN + "1 / 0", server.url, check=False)
        assert server.count() == 3000
    assert ended.returncode == 1
    assert "ZeroDivisionError" in ended.stderr


def test_a_connection_that_is_there_already_is_used() -> None:
    """urllib3 takes the connections out of its pools at the end, too, and must not come first."""
    with Emulator() as server:
        run("made = client(linger=60)\ntrack(made, 'Seen', 5)\nmade.flush()\ntrack(made, 'Seen', 7)", server.url)
        assert server.count() == 12


def test_many_clients_have_one_deadline() -> None:
    script = """
    made = [client(exit_timeout=2) for _ in range(5)]
    for one in made:
        track(one, "Seen", 10)
    """
    with hung() as url:
        started = time.monotonic()
        ended = run(script, url)
        took = time.monotonic() - started
    assert ended.stderr.count("10 events were not delivered before the process ended") == 5
    assert took < 5 * 2


def test_a_server_that_does_not_answer_costs_the_deadline_and_is_told_of() -> None:
    with hung() as url:
        ended = run("made = client(exit_timeout=1)\ntrack(made, 'Seen', 3000)", url)
    assert "3000 events were not delivered before the process ended" in ended.stderr
    assert "the-token" not in ended.stderr


def test_a_server_that_says_later_is_not_waited_for() -> None:
    def busy(_request: Request) -> Any:
        return 429, {"Retry-After": "120"}, b'{"error": "slow down", "status": 0}'

    with Emulator(before=busy) as server:
        started = time.monotonic()
        ended = run(PLAIN, server.url)
        took = time.monotonic() - started
    assert "3000 events were not delivered" in ended.stderr
    assert took < 10  # the pause would last for two minutes, and the end of the process waits for ten seconds at most


def test_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    ended = run("track(client(exit_timeout=1), 'Seen', 10)", f"http://127.0.0.1:{port}")
    assert "10 events were not delivered" in ended.stderr


def test_with_a_spool_the_rest_stays_in_it(tmp_path: Path) -> None:
    script = f"track(client(exit_timeout=0.5, spool={str(tmp_path / 'a')!r}), 'Seen', 3000)"
    with hung() as url:
        ended = run(script, url)
    assert "3000 events stay in the spool" in ended.stderr
    assert show(tmp_path / "a", time.time()).pending == 3000
    with Emulator() as server:
        run(f"client(spool={str(tmp_path / 'a')!r}).flush()", server.url, check=False)
        assert server.count() == 0  # the file is another server's


def test_with_a_spool_and_a_server_that_hangs_the_next_client_delivers_all(tmp_path: Path) -> None:
    script = f"track(client(exit_timeout=0.5, spool={str(tmp_path / 'a')!r}), 'Seen', 3000)"
    ended = threading.Event()

    def hangs(_request: Request) -> Any:
        if not ended.is_set():
            ended.wait()
            return 503, {}, b"{}"  # of what hung nothing is stored
        return None

    with Emulator(before=hangs) as server:
        try:
            first = run(script, server.url)
        finally:
            ended.set()
        assert "3000 events stay in the spool" in first.stderr
        assert server.count() == 0
        second = run(f"print(client(spool={str(tmp_path / 'a')!r}).flush().imported)", server.url)
        assert (second.stdout, second.stderr) == ("3000\n", "")
        assert server.count() == 3000
    assert show(tmp_path / "a", time.time()).pending == 0


def test_with_a_spool_what_was_tracked_is_delivered(tmp_path: Path) -> None:
    with Emulator() as server:
        ended = run(f"track(client(spool={str(tmp_path / 'a')!r}), 'Seen', 3000)", server.url)
        assert server.count() == 3000
    assert ended.stderr == ""
    assert show(tmp_path / "a", time.time()).processes == []


def test_signal_handlers_stay_as_they_were() -> None:
    script = """
    import signal
    before = [signal.getsignal(number) for number in signal.valid_signals()]
    made = client()
    track(made, "Seen", 10)
    made.flush()
    assert before == [signal.getsignal(number) for number in signal.valid_signals()]
    """
    with Emulator() as server:
        run(script, server.url)


@contextmanager
def hung() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    taken: list[socket.socket] = []

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            taken.append(connection)
            if done.is_set():
                return

    done = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        done.set()
        socket.create_connection(listener.getsockname()).close()
        thread.join()
        for connection in [*taken, listener]:
            connection.close()
