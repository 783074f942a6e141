"""One rate limit for several real processes, against the limiter of the emulator, whose minute is three seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mixpress import LeaseServer
from mixpress.emulator import Emulator, RateLimit

from .borrower import ACCOUNT, LIMIT
from .scripts import SECONDS, run

SPEED = 60 / LIMIT.seconds
PROGRAM = Path(__file__).with_name("borrower.py")


@contextmanager
def fast_emulator() -> Iterator[Emulator]:
    started = time.time()
    limit = RateLimit(events=int(LIMIT.events), bytes=int(LIMIT.bytes))
    with Emulator(now=lambda: started + SPEED * (time.time() - started), rate_limit=limit) as emulator:
        yield emulator


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with fast_emulator() as running:
        yield running


@pytest.fixture
def server() -> Iterator[LeaseServer]:
    with LeaseServer(LIMIT, secret=ACCOUNT) as running:
        yield running


@contextmanager
def borrowers(url: str, address: str, counts: list[int]) -> Iterator[list[subprocess.Popen[str]]]:
    """Start a process for each number of events; kill those that are left at the end."""
    started = [
        subprocess.Popen(
            [sys.executable, str(PROGRAM), url, address, f"name-{place}", str(count)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for place, count in enumerate(counts)
    ]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def outputs(started: list[subprocess.Popen[str]]) -> tuple[list[str], str]:
    """Return what each process said, and what all of them logged."""
    ended = [process.communicate(timeout=2 * SECONDS) for process in started]
    return [out.strip() for out, _ in ended], "".join(log for _, log in ended)


def eventually(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.01)


def imported(counts: list[int]) -> list[str]:
    return [f"imported {count} of {count}" for count in counts]


@pytest.mark.parametrize("counts", [[1700, 500], [1300, 500, 100, 300]], ids=["2 processes", "4 processes"])
def test_processes_with_a_lease_meet_no_429(emulator: Emulator, server: LeaseServer, counts: list[int]) -> None:
    """The work is skewed: a fixed share of the limit would leave most of it unused at the end."""
    with borrowers(emulator.url, server.address, counts) as started:
        assert outputs(started) == (imported(counts), "")
    stats = emulator.stats()
    assert stats["by_status"] == {"200": sum(counts) // 20}
    assert stats["stored"] == sum(counts)
    eventually(lambda: server.stats().workers == 0)
    assert server.stats().endpoints["import"].lent_events == 0


def test_without_a_lease_the_same_processes_meet_429s(emulator: Emulator) -> None:
    """So the test above can fail."""
    counts = [1300, 500, 100, 300]
    with borrowers(emulator.url, "", counts) as started:
        assert outputs(started)[0] == imported(counts)
    assert emulator.stats()["by_status"]["429"] > 0


def test_the_slice_of_a_killed_process_is_lent_to_others(emulator: Emulator, server: LeaseServer) -> None:
    with borrowers(emulator.url, server.address, [0, 1200]) as [killed, other]:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "borrowed\n"
        killed.send_signal(signal.SIGKILL)
        assert outputs([other]) == (imported([1200]), "")
    eventually(lambda: server.stats().workers == 0)
    assert server.stats().endpoints["import"].lent_events == 0
    assert "429" not in emulator.stats()["by_status"]


def test_processes_go_on_when_the_server_ends(emulator: Emulator, server: LeaseServer) -> None:
    counts = [1300, 700]
    with borrowers(emulator.url, server.address, counts) as started:
        eventually(lambda: emulator.stats()["stored"] > 300)
        server.__exit__()
        said, log = outputs(started)
    assert said == imported(counts)
    assert emulator.stats()["stored"] == sum(counts)
    assert log.count("does not lend") == 2
    assert ACCOUNT.secret not in log


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_borrows_by_its_own_connection() -> None:
    script = """
    from mixpress import Lease
    made = client(rate_limit=Lease("ADDRESS", secret="a-lease-secret"))
    def send(name, count):
        report = made.import_events(
            dict(event=name, properties={"time": 1700000000, "distinct_id": "u", "$insert_id": f"{name}-{n}"})
            for n in range(count))
        assert report.imported == count, report
    send("Before", 100)
    child = os.fork()
    if child == 0:
        assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
        send("Child", 200)
        made.close()
        os._exit(0)
    send("Parent", 50)
    assert os.waitpid(child, 0)[1] == 0
    send("After", 50)
    made.close()
    """
    with Emulator() as emulator, LeaseServer(secret="a-lease-secret") as lender:
        run(script.replace("ADDRESS", lender.address), emulator.url)
        eventually(lambda: lender.stats().workers == 0)
        import_ = lender.stats().endpoints["import"]
        assert (import_.events, import_.lent_events, lender.stats().refused) == (400, 0, 0)
        assert emulator.stats()["stored"] == 400


def test_no_delivery_with_a_lease_imports_a_module() -> None:
    """A fork during an import in another thread leaves its lock taken."""
    script = """
    from mixpress import Lease
    import logging
    logging.basicConfig(level=logging.DEBUG, stream=open(os.devnull, "w"))
    made = client(rate_limit=Lease("ADDRESS", secret="a-lease-secret"))
    before = set(sys.modules)
    track(made, "Seen", 30)
    made.flush(20)
    made.close()
    new = sorted(set(sys.modules) - before)
    assert not new, new
    """
    with Emulator() as emulator, LeaseServer(secret="a-lease-secret") as lender:
        run(script.replace("ADDRESS", lender.address), emulator.url)
        assert lender.stats().endpoints["import"].events == 30


def test_no_thread_keeps_a_process_from_its_exit() -> None:
    script = """
    from mixpress import Lease, LeaseServer
    server = LeaseServer(secret="a-lease-secret")
    server.__enter__()
    made = client(rate_limit=Lease(server.address, secret="a-lease-secret"))
    made.track("Seen", "user")
    silent = client(rate_limit=Lease("127.0.0.1:9", secret="a-lease-secret"))
    silent.track("Seen", "user")
    """
    with Emulator() as emulator:
        run(script, emulator.url)
        assert emulator.stats()["stored"] == 2
