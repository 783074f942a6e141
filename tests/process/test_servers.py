"""The servers that fork: gunicorn with --preload, celery's prefork pool. A client made in the parent, used in the
workers, as their users do; without a spool, and with one that all of them have.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mixpress.emulator import Emulator
from mixpress.spool.show import show

from .scripts import SECONDS, SETUP

WEB = """
made = client(linger=60, spool=SPOOL)
track(made, "Loaded", 1)               # in the master, before the fork

def app(environ, start_response):
    track(made, "Visit", 1)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""

TASKS = """
from celery import Celery

made = client(linger=60, spool=SPOOL)
track(made, "Loaded", 1)
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
    track(made, "Visit", 1)
    open(f"{DONE}/{number}", "w").close()
"""


@pytest.fixture(params=[None, "spool"])
def spool(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | None]:
    """Where the spool is, if there is one: at the end of a test it must be left empty, by everybody."""
    path = request.param and tmp_path / request.param
    yield path
    if path:
        left = show(path, time.time())
        assert (left.pending, left.failed, left.quarantined, left.processes) == (0, 0, 0, [])


def test_gunicorn_with_preload(spool: Path | None, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    with Emulator() as server:
        (tmp_path / "web.py").write_text(SETUP.format(url=server.url) + f"SPOOL = {spool and str(spool)!r}\n" + WEB)
        command = ["gunicorn", "--preload", "--workers=3", "--bind", address, "--worker-tmp-dir", str(tmp_path)]
        quiet = ["--no-control-socket"] if has_control_socket() else []
        with running([*command, *quiet, "web:app"], tmp_path) as process:
            for _ in range(30):
                visit(f"http://{address}", process)
        assert server.count("Visit") == 30
        assert server.count("Loaded") == 1


def test_celery_prefork(spool: Path | None, tmp_path: Path) -> None:
    folder, done = tmp_path / "broker", tmp_path / "done"
    folder.mkdir()
    done.mkdir()
    with Emulator() as server:
        text = (
            SETUP.format(url=server.url)
            + f"FOLDER, DONE = {str(folder)!r}, {str(done)!r}\nSPOOL = {spool and str(spool)!r}\n"
            + TASKS
        )
        (tmp_path / "tasks.py").write_text(text)
        send = "import tasks\nfor number in range(30): tasks.visit.delay(number)"
        subprocess.run([sys.executable, "-c", send], cwd=tmp_path, check=True, timeout=SECONDS)
        command = ["celery", "-A", "tasks", "worker", "--pool=prefork", "--concurrency=3", "--loglevel=WARNING"]
        with running([*command, "--without-gossip", "--without-mingle", "--without-heartbeat"], tmp_path):
            until(lambda: len(list(done.iterdir())) == 30)
        assert server.count("Visit") == 30
        assert server.count("Loaded") == 2  # by the program that sent the tasks, and by the worker's parent


def has_control_socket() -> bool:
    """Gunicorn from 25 on opens one in the home folder."""
    import gunicorn

    return int(gunicorn.__version__.split(".")[0]) >= 25


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The server, from its start to its warm end by SIGTERM."""
    with (folder / "log").open("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=folder, stdout=log, stderr=log, text=True, start_new_session=True
        )
        try:
            yield process
            process.terminate()
            process.wait(SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            log.seek(0)
            print(log.read())


def visit(url: str, process: subprocess.Popen[str]) -> None:
    """One request; the first may come before the server listens."""
    for _ in range(200):
        assert process.poll() is None
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:
                assert reply.read() == b"ok"
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


def until(true: Callable[[], bool]) -> None:
    for _ in range(300):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen")
