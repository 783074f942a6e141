"""Forks of real processes: the child starts without events, the parent keeps its own, and nothing hangs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mixpress.emulator import Emulator

from .scripts import run, run_file

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")


def names(server: Emulator) -> dict[str, int]:
    counted: dict[str, int] = {}
    for one in server.events():
        counted[one["event"]] = counted.get(one["event"], 0) + 1
    return counted


def test_parent_and_child_deliver_their_own_events() -> None:
    script = """
    made = client(linger=60)
    track(made, "Before", 1500)
    child = os.fork()
    if child == 0:
        assert made.stats().accepted == 0
        track(made, "Child", 2500)
        report = made.flush()
        assert (report.total, report.imported) == (2500, 2500), report
        os._exit(0)
    track(made, "Parent", 700)
    assert os.waitpid(child, 0)[1] == 0
    report = made.flush()
    assert (report.total, report.imported) == (2200, 2200), report
    """
    with Emulator() as server:
        run(script, server.url)
        assert names(server) == {"Before": 1500, "Child": 2500, "Parent": 700}


def test_the_child_does_not_log_the_suppressed_lines_of_the_parent() -> None:
    script = """
    import logging
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    made = client(queue_size=2, on_full="drop", linger=60)
    track(made, "Before", 2 + 3)       # the first dropped event is logged
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        print("child")
        track(made, "Child", 2 + 5)    # and logged again here
        made.close()
        sys.stdout.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    print("parent")
    made.close()
    """
    with Emulator() as server:
        lines = [line.partition(" in the last ")[0] for line in run(script, server.url).stdout.splitlines()]
    dropped = "an event was dropped because the queue is full: 2 events wait"
    assert lines == [dropped, "child", dropped, "4 more", "parent", "2 more"]


def test_the_child_opens_its_own_connections() -> None:
    script = """
    made = client()
    track(made, "Before", 1)
    made.flush()                       # opens a connection
    children = []
    for number in range(4):
        child = os.fork()
        if child == 0:
            for _ in range(20):
                track(made, "Child", 1)
                assert made.flush().retries == 0
            made.close()
            os._exit(0)
        children.append(child)
    for _ in range(20):
        track(made, "Parent", 1)
        assert made.flush().retries == 0
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    """
    with Emulator() as server:
        run(script, server.url)
        assert names(server) == {"Before": 1, "Child": 80, "Parent": 20}


def test_a_child_that_exits_is_flushed() -> None:
    script = """
    made = client()
    track(made, "Before", 10)
    if os.fork() == 0:
        track(made, "Child", 300)
        sys.exit(0)
    os.wait()
    """
    with Emulator() as server:
        run(script, server.url)
        assert names(server) == {"Before": 10, "Child": 300}


LOCKED = """
import mixpress.transport, mixpress.send.backoff, logging

def of(made, place):
    engine = made.engine
    sender = engine.sender
    return {
        "queue": lambda: engine.queue._lock,
        "engine": lambda: engine._lock,
        "workers": lambda: engine.workers._lock,
        "totals": lambda: engine.reporter.totals._lock,
        "verdicts": lambda: engine.queue._period.rejected._lock,
        "backoff": lambda: sender.backoff._lock,
        "throttle": lambda: sender.throttle._released,
        "sockets": lambda: sender._transport._pools.sockets._lock,
        "settled": lambda: engine.queue._settled._cond,
        "changed": lambda: engine.workers._changed._cond,
    }[place]()

made = client(linger=60)
track(made, "Before", 10)
taken, go = threading.Event(), threading.Event()

def hold():
    with of(made, PLACE):
        taken.set()
        go.wait(30)

threading.Thread(target=hold).start()
assert taken.wait(10)
child = os.fork()
if child == 0:
    track(made, "Child", 20)
    assert made.flush(timeout=20).imported == 20
    assert made.import_events([]).total == 0
    made.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
go.set()
assert made.flush().imported == 10
"""


@pytest.mark.parametrize(
    "place",
    ["queue", "engine", "workers", "totals", "verdicts", "backoff", "throttle", "sockets", "settled", "changed"],
)
def test_a_fork_while_another_thread_holds_a_lock(place: str) -> None:
    with Emulator() as server:
        run(f"PLACE = {place!r}\n" + LOCKED, server.url)
        assert names(server) == {"Before": 10, "Child": 20}


def test_the_core_runs_no_python_code_for_the_first_builder_of_a_process() -> None:
    """The core inspects the interpreter once, by Python code. A fork during that in another thread than the importing
    one would leave the child with a half of it.
    """
    script = """
    import datetime
    now = datetime.datetime.now(datetime.timezone.utc)
    event = {"event": "e", "properties": {"time": now, "distinct_id": "u", "$insert_id": "i"}}
    ran = []
    sys.setprofile(lambda frame, kind, argument: ran.append(frame.f_code.co_name) if kind == "call" else None)
    builder = Encoder().builder()
    assert builder.add(event) is None
    batch = builder.finish()
    sys.setprofile(None)
    assert (ran, batch.count) == ([], 1), ran
    """
    run(script, "http://127.0.0.1:1")


def test_forks_while_threads_track_and_send() -> None:
    """`FORK_ROUNDS` sets the number of forks, 12 by default."""
    forks = int(os.environ.get("FORK_ROUNDS", "12"))
    script = """
    made = client(encoder=Encoder(limits=Limits(max_batch_events=50)))
    over = threading.Event()
    counts = []

    def run():
        count = 0
        while not over.is_set():
            track(made, "Parent", 10)
            count += 10
        counts.append(count)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(FORKS):
        child = os.fork()
        if child == 0:
            track(made, "Child", 60)
            assert made.flush(timeout=20).imported == 60
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    over.set()
    for thread in threads:
        thread.join()
    report = made.flush()
    stats = made.stats()
    assert stats.imported == stats.accepted == sum(counts), (stats, counts)
    print(sum(counts))
    """
    with Emulator() as server:
        ended = run(script.replace("FORKS", str(forks)), server.url)
        assert names(server) == {"Parent": int(ended.stdout), "Child": 60 * forks}


def test_a_fork_inside_an_import_waits_for_no_lock_of_the_parent() -> None:
    script = """
    child = None

    def events():
        yield {"event": "Import", "properties": {"time": 1700000000, "distinct_id": "u", "$insert_id": "a"}}
        held, forked = threading.Event(), threading.Event()

        def hold():
            with made.engine.workers._lock:
                held.set()
                assert forked.wait(20)

        thread = threading.Thread(target=hold)
        thread.start()
        assert held.wait(20)
        global child
        child = os.fork()
        forked.set()
        if child:
            thread.join()

    made = client(encoder=Encoder())
    try:
        report = made.import_events(events())
    except Exception as error:
        assert child == 0 and "forked" in str(error), error
        os._exit(7)
    assert os.waitpid(child, 0)[1] == 7 << 8
    assert report.imported == 1
    """
    with Emulator() as server:
        run(script, server.url)


def test_a_fork_inside_a_call_continues_in_the_parent_and_raises_in_the_child() -> None:
    script = """
    child = None

    def convert(value):
        global child
        child = os.fork()
        return "converted"

    def events():
        yield {"event": "Import", "properties": {"time": 1700000000, "distinct_id": "u", "$insert_id": "a"}}
        global child
        child = os.fork()

    made = client(encoder=Encoder(default=convert), linger=60)
    made.track("Parent", "u", {"x": object()})
    if child == 0:
        assert made.flush().total == 0
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    try:
        report = made.import_events(events())
    except Exception as error:
        assert child == 0 and "forked" in str(error), error
        os._exit(7)
    assert os.waitpid(child, 0)[1] == 7 << 8
    assert report.imported == 1
    """
    with Emulator() as server:
        run(script, server.url)
        assert names(server) == {"Parent": 1, "Import": 1}


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("made_in", ["parent", "child"])
def test_children_of_multiprocessing_are_flushed(method: str, made_in: str, tmp_path: Path) -> None:
    """They end without `atexit`, and these do not call flush."""
    script = f"""
    import multiprocessing

    made = client()
    MADE_IN = {made_in!r}

    def work(number):
        one = made if MADE_IN == "parent" else client()
        track(one, "Child", 100)

    if __name__ == "__main__":
        track(made, "Parent", 50)
        context = multiprocessing.get_context({method!r})
        children = [context.Process(target=work, args=(number,)) for number in range(3)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        assert [child.exitcode for child in children] == [0, 0, 0]
    """
    with Emulator() as server:
        run_file(tmp_path / "program.py", script, server.url)
        assert names(server) == {"Parent": 50, "Child": 300}


def test_workers_of_a_process_pool_are_flushed(tmp_path: Path) -> None:
    script = """
    import concurrent.futures, multiprocessing

    made = client()

    def work(number):
        track(made, "Child", 10)

    if __name__ == "__main__":
        context = multiprocessing.get_context("fork")
        with concurrent.futures.ProcessPoolExecutor(3, context) as pool:
            list(pool.map(work, range(30)))
    """
    with Emulator() as server:
        run_file(tmp_path / "program.py", script, server.url)
        assert names(server) == {"Child": 300}


def test_a_fork_that_ran_no_hooks_gives_the_child_a_fresh_client() -> None:
    script = """
    import ctypes
    made = client()
    track(made, "Parent", 1)
    made.flush()
    pid = ctypes.PyDLL(None).fork()
    if pid == 0:
        track(made, "Child", 1)
        assert made.flush(10).imported == 1
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    """
    with Emulator() as server:
        run(script, server.url)
        assert names(server) == {"Parent": 1, "Child": 1}


def test_a_fork_that_ran_no_hooks_makes_a_spool_raise_at_once(tmp_path: Path) -> None:
    script = f"""
    import ctypes
    from mixpress import SpoolError
    made = client(spool={str(tmp_path / "events.spool")!r})
    track(made, "Parent", 1)
    made.flush()
    pid = ctypes.PyDLL(None).fork()
    if pid == 0:
        for call in (lambda: track(made, "Child", 1), made.close, lambda: track(made, "Child", 1)):
            try:
                call()
            except SpoolError as error:
                assert "was opened before a fork that Python did not see" in str(error), error
        os._exit(0 if made.stats().accepted == 0 else 1)
    assert os.waitpid(pid, 0)[1] == 0
    track(made, "Parent", 1)
    assert made.flush(20).imported == 1
    made.close()
    """
    with Emulator() as server:
        run(script, server.url)
        assert names(server) == {"Parent": 2}
