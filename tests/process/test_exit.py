"""A program that ends without `flush`: its events are delivered or their number is logged, in bounded time."""

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
from support.listener import closed_port

from .scripts import run

PLAIN = """
made = client()
track(made, "Seen", 3000)
"""


def test_tracked_events_are_delivered_at_exit() -> None:
    with Emulator() as server:
        ended = run(PLAIN, server.url)
        assert server.count() == 3000
    assert ended.stderr == ""


def test_a_slow_server_gets_every_event() -> None:
    def slow(_request: Request) -> None:
        time.sleep(0.5)

    with Emulator(before=slow) as server:
        run(PLAIN, server.url)
        assert server.count() == 3000


@pytest.mark.parametrize(
    ("end", "late"),
    [
        ("sys.exit(0)", 0),
        ("raise SystemExit", 0),
        ("threading.Thread(target=lambda: time.sleep(0.2) or track(made, 'Late', 7)).start()", 7),
    ],
    ids=["sys.exit", "SystemExit", "a thread that goes on"],
)
def test_every_way_to_end_delivers(end: str, late: int) -> None:
    with Emulator() as server:
        run(PLAIN + end, server.url)
        assert (server.count("Seen"), server.count("Late")) == (3000, late)


def test_a_program_that_raises_delivers_and_keeps_its_traceback() -> None:
    with Emulator() as server:
        ended = run(PLAIN + "1 / 0", server.url, check=False)
        assert server.count() == 3000
    assert ended.returncode == 1
    assert "ZeroDivisionError" in ended.stderr


def test_a_connection_made_before_the_exit_still_works() -> None:
    """urllib3 also closes its connections at exit, and must do so after the client."""
    with Emulator() as server:
        run("made = client(linger=60)\ntrack(made, 'Seen', 5)\nmade.flush()\ntrack(made, 'Seen', 7)", server.url)
        assert server.count() == 12


def test_a_handler_that_runs_after_the_flush_of_the_exit_delivers_too() -> None:
    script = """
    import atexit, weakref
    atexit._clear()  # the handlers of mixpress and of weakref, which closes urllib3's connections, run first
    atexit.register(lambda: (track(made, "Late", 3), print(made.flush().pending)))
    weakref.finalize._registered_with_atexit = False
    weakref.finalize(threading, lambda: None)
    from mixpress import process
    atexit.register(process._end)
    made = client()
    track(made, "Seen", 2)
    made.flush()
    """
    with Emulator() as server:
        ended = run(script, server.url)
        assert (server.count("Seen"), server.count("Late")) == (2, 3)
    assert (ended.stdout, ended.stderr) == ("0\n", "")


def test_where_no_thread_may_start_at_exit_the_caller_sends() -> None:
    script = """
    import atexit
    def refuse(_thread):
        raise RuntimeError("can't create new thread at interpreter shutdown")
    one, other = client(), client()
    def end():
        threading.Thread.start = refuse
        track(one, "Late", 1)
    atexit.register(end)
    track(other, "Seen", 30)
    """
    with Emulator() as server:
        run(script, server.url)
        assert (server.count("Seen"), server.count("Late")) == (30, 1)


def test_where_no_thread_may_start_at_exit_a_spooled_client_delivers(tmp_path: Path) -> None:
    """An event of a handler that runs after the flush: CPython 3.12.0 to 3.12.3 start no thread there."""
    script = f"""
    import atexit
    made, spool = client(spool={str(tmp_path / "made")!r}), {str(tmp_path / "spool")!r}
    other = client(spool=spool)
    from mixpress import process
    def end():
        track(made, "Late", 1)
        track(other, "Late", 2)
    def refuse(thread):
        raise RuntimeError("can't create new thread at interpreter shutdown")
    atexit.unregister(process._end)
    atexit.register(end)
    atexit.register(lambda: sys.version_info >= (3, 12) or setattr(threading.Thread, "start", refuse))
    atexit.register(process._end)
    track(other, "Seen", 30)
    """
    with Emulator() as server:
        ended = run(script, server.url)
        assert (server.count("Seen"), server.count("Late")) == (30, 3)
    assert ended.stderr == ""
    assert [show(tmp_path / name, time.time()).pending for name in ("made", "spool")] == [0, 0]


@pytest.mark.parametrize("missing", ["mixpress-sync", "mixpress-spool"])
def test_a_spooled_client_without_threads_for_a_moment_goes_on(missing: str, tmp_path: Path) -> None:
    script = f"""
    start = threading.Thread.start
    def refuse(thread):
        if thread.name == {missing!r}:
            raise RuntimeError("can't start new thread")
        start(thread)
    threading.Thread.start = refuse
    made = client(spool={str(tmp_path / "a")!r}, linger=0.1)
    track(made, "Seen", 10)
    threading.Thread.start = start
    track(made, "Seen", 1)
    ends = time.monotonic() + 20
    while made.stats().imported < 11 and time.monotonic() < ends:
        time.sleep(0.01)
    assert made.stats().imported == 11, made.stats()
    """
    with Emulator() as server:
        run(script, server.url)
        assert server.count() == 11


@pytest.mark.parametrize("spool", [False, True])
def test_where_no_thread_may_start_a_silent_server_does_not_extend_the_exit(spool: bool, tmp_path: Path) -> None:
    options = f", spool={str(tmp_path / 'a')!r}" if spool else ""
    script = f"""
    import atexit
    made = client(exit_timeout=1{options})
    def refuse(thread):
        raise RuntimeError("can't create new thread at interpreter shutdown")
    atexit.register(track, made, "Late", 5)
    atexit.register(lambda: setattr(threading.Thread, "start", refuse))
    """
    with hung() as url:
        started = time.monotonic()
        ended = run(script, url)
        took = time.monotonic() - started
    assert ("5 events stay in the spool" if spool else "5 events were not delivered") in ended.stderr
    assert took < 15  # the read timeout is 60 s


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
    assert took < 5 * 2  # five deadlines one after another


def test_events_for_a_silent_server_are_logged_with_their_number() -> None:
    with hung() as url:
        ended = run("made = client(exit_timeout=1)\ntrack(made, 'Seen', 3000)", url)
    assert "3000 events were not delivered before the process ended" in ended.stderr
    assert "the-token" not in ended.stderr


def test_a_pause_that_outlasts_the_deadline_is_not_waited_for() -> None:
    def busy(_request: Request) -> Any:
        return 429, {"Retry-After": "120"}, b'{"error": "slow down", "status": 0}'

    with Emulator(before=busy) as server:
        started = time.monotonic()
        ended = run(PLAIN, server.url)
        took = time.monotonic() - started
    assert "3000 events were not delivered" in ended.stderr
    assert took < 10  # the pause lasts two minutes, and the exit waits for ten seconds at most


def test_events_for_a_refused_port_are_logged_with_their_number() -> None:
    with closed_port() as port:
        ended = run("track(client(exit_timeout=1), 'Seen', 10)", f"http://127.0.0.1:{port}")
    assert "10 events were not delivered" in ended.stderr


def test_with_a_spool_the_rest_stays_in_the_file_of_that_server(tmp_path: Path) -> None:
    script = f"track(client(exit_timeout=0.5, spool={str(tmp_path / 'a')!r}), 'Seen', 3000)"
    with hung() as url:
        ended = run(script, url)
    assert "3000 events stay in the spool" in ended.stderr
    assert show(tmp_path / "a", time.time()).pending == 3000
    with Emulator() as server:
        ended = run(f"client(spool={str(tmp_path / 'a')!r}).flush()", server.url, check=False)
        assert server.count() == 0
    assert "SpoolError" in ended.stderr  # the events are for another server


def test_with_a_spool_the_next_client_delivers_what_a_hung_server_did_not_take(tmp_path: Path) -> None:
    script = f"track(client(exit_timeout=0.5, spool={str(tmp_path / 'a')!r}), 'Seen', 3000)"
    ended = threading.Event()

    def hangs(_request: Request) -> Any:
        if not ended.is_set():
            ended.wait()
            return 503, {}, b"{}"  # nothing is stored
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


def test_with_a_spool_tracked_events_are_delivered_at_exit(tmp_path: Path) -> None:
    with Emulator() as server:
        ended = run(f"track(client(spool={str(tmp_path / 'a')!r}), 'Seen', 3000)", server.url)
        assert server.count() == 3000
    assert ended.stderr == ""
    assert show(tmp_path / "a", time.time()).processes == []


def test_signal_handlers_are_not_changed() -> None:
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
    """A server that accepts connections and never replies."""
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
