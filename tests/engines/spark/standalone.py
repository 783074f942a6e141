"""A standalone cluster of Spark as processes of this machine: a master and two workers, on loopback."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pyspark

from engines.spark.conftest import PATHS, QUICK
from engines.spark.upstream import wait_for

HOME = Path(pyspark.__file__).parent
MASTER = "127.0.0.1"
WORKERS = {"worker-1": "127.0.0.1", "worker-2": "127.0.0.2"}
"""Each has another address, since Spark runs the second attempt of a slow task on another host."""
PORTS = ("--port", "0", "--webui-port", "0")
MARK = "MIXPRESS_TESTED_CLUSTER"
"""A variable of all processes of a cluster, by which those that are left are found."""


class Cluster:
    """The processes, in a folder that has their logs and the work of the executors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = uuid.uuid4().hex
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("MIXPRESS_", "SPARK_"))},
            "SPARK_HOME": str(HOME),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": QUICK,
            "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false",  # it listens on a fixed port
            "PYSPARK_PYTHON": sys.executable,
            "PYTHONPATH": PATHS,
            MARK: self.id,
        }
        self.master = ""

    def start(self, stack: ExitStack, name: str, host: str, *command: str) -> Path:
        """Start a process of the cluster, which listens on this address; return the file of its log."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [str(HOME / "bin" / "spark-class"), *command[:1], "--host", host, *PORTS, *command[1:]],
                env={**self.environment, "SPARK_LOCAL_IP": host},
                cwd=self.folder,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        stack.callback(_kill, process)
        return log

    def processes(self) -> list[int]:
        """Return the processes of the cluster that run, and those that they started."""
        mark = f"{MARK}={self.id}".encode()
        return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ") if mark in _read(path)]


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Start a cluster, and end all its processes."""
    made = Cluster(folder)
    with ExitStack() as stack:
        stack.callback(wait_for, lambda: not made.processes())
        log = made.start(stack, "master", MASTER, "org.apache.spark.deploy.master.Master")
        wait_for(lambda: re.search(rb"Starting Spark master at (spark://\S+)", log.read_bytes()) is not None)
        [made.master] = re.findall(r"Starting Spark master at (spark://\S+)", log.read_text())
        size = ("--cores", "1", "--memory", "600m")
        for name, host in WORKERS.items():
            work = ("--work-dir", str(folder / name))
            made.start(stack, name, host, "org.apache.spark.deploy.worker.Worker", *size, *work, made.master)
        wait_for(lambda: log.read_bytes().count(b"Registering worker") == 2)
        yield made


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its group: the executors of a worker. Their Python daemons end by themselves."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended, or is another user's
        return b""
