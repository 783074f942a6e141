"""Servers that fork: gunicorn with --preload and the prefork pool of celery. The client is made in the parent and used
in the workers; one client has no spool, the other one has a spool that all processes share.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from mixpress.emulator import Emulator
from mixpress.spool.show import show

from .scripts import SECONDS, SETUP

WEB = """
plain, spooled = client(linger=60), client(linger=60, spool=SPOOL)
track(plain, "Loaded", 1)              # in the master, before the fork
track(spooled, "Loaded, spooled", 1)

def app(environ, start_response):
    track(plain, "Visit", 1)
    track(spooled, "Visit, spooled", 1)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""

TASKS = """
from celery import Celery

plain, spooled = client(linger=60), client(linger=60, spool=SPOOL)
track(plain, "Loaded", 1)
track(spooled, "Loaded, spooled", 1)
app = Celery("tasks", broker="filesystem://")
app.conf.update(
    broker_transport_options={
        "data_folder_in": FOLDER, "data_folder_out": FOLDER, "processed_folder": FOLDER, "store_processed": False,
    },
    task_ignore_result=True,
    worker_hijack_root_logger=False,
)

@app.task
def visit(number):
    track(plain, "Visit", 1)
    track(spooled, "Visit, spooled", 1)
    open(f"{DONE}/{number}", "w").close()
"""


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Path]:
    """The path of a spool that must be empty and unused at the end of a test."""
    yield tmp_path / "spool"
    left = show(tmp_path / "spool", time.time())
    assert (left.pending, left.failed, left.quarantined, left.processes) == (0, 0, 0, [])


def test_gunicorn_workers_deliver_their_events_and_the_master_its_own(spool: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, Emulator() as server:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        bind = f"fd://{listener.fileno()}"
        (tmp_path / "web.py").write_text(SETUP.format(url=server.url) + f"SPOOL = {str(spool)!r}\n" + WEB)
        command = ["gunicorn", "--preload", "--workers=3", "--bind", bind, "--worker-tmp-dir", str(tmp_path)]
        quiet = ["--no-control-socket"] if has_control_socket() else []
        with running([*command, *quiet, "web:app"], tmp_path, pass_fds=[listener.fileno()]):
            for _ in range(30):
                visit(url)
        assert counts(server) == {"Visit": 30, "Visit, spooled": 30, "Loaded": 1, "Loaded, spooled": 1}


def test_celery_workers_deliver_their_events_and_their_parent_its_own(spool: Path, tmp_path: Path) -> None:
    folder, done = tmp_path / "broker", tmp_path / "done"
    folder.mkdir()
    done.mkdir()
    with Emulator() as server:
        text = (
            SETUP.format(url=server.url)
            + f"FOLDER, DONE = {str(folder)!r}, {str(done)!r}\nSPOOL = {str(spool)!r}\n"
            + TASKS
        )
        (tmp_path / "tasks.py").write_text(text)
        send = "import tasks\nfor number in range(30): tasks.visit.delay(number)"
        subprocess.run([sys.executable, "-c", send], cwd=tmp_path, check=True, timeout=SECONDS)
        command = ["celery", "-A", "tasks", "worker", "--pool=prefork", "--concurrency=3", "--loglevel=WARNING"]
        with running([*command, "--without-gossip", "--without-mingle", "--without-heartbeat"], tmp_path):
            until(lambda: len(list(done.iterdir())) == 30)
        # "Loaded" is tracked by the program that sends the tasks and by the parent of the workers.
        assert counts(server) == {"Visit": 30, "Visit, spooled": 30, "Loaded": 2, "Loaded, spooled": 2}


def counts(server: Emulator) -> Counter[str]:
    return Counter(event["event"] for event in server.events())


def has_control_socket() -> bool:
    """Return whether gunicorn opens a control socket in the home folder, as it does since version 25."""
    import gunicorn

    return int(gunicorn.__version__.split(".")[0]) >= 25


@contextmanager
def running(command: list[str], folder: Path, pass_fds: Sequence[int] = ()) -> Iterator[None]:
    """Run the server, end it by SIGTERM, and print its log."""
    with (folder / "log").open("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            stdout=log,
            stderr=log,
            text=True,
            start_new_session=True,
            pass_fds=pass_fds,
        )
        try:
            yield
            process.terminate()
            process.wait(SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            log.seek(0)
            print(log.read())


def visit(url: str) -> None:
    """Send a request; the first one waits in the socket until the server accepts it."""
    with urllib.request.urlopen(url, timeout=SECONDS) as reply:
        assert reply.read() == b"ok"


def until(condition: Callable[[], bool]) -> None:
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("the condition did not become true in 30 s")
