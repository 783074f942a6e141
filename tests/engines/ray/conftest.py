"""One Ray of two nodes, with one CPU each, for the tests of this folder. All of its sockets are on loopback."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.conftest import ACCOUNT
from support.canary import CANARY

os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # read when Ray is imported: its addresses are loopback

import ray
from ray.cluster_utils import Cluster
from ray.data import DataContext

from mixpress.ray import MixpressDatasink

SECRETS = ACCOUNT | {"MIXPRESS_SECRET": CANARY, "MIXPRESS_TOKEN": CANARY}
ROOT = Path(__file__).parents[3]
PATHS = os.pathsep.join([str(ROOT / "python"), str(ROOT / "tests")])
STORE = 100 << 20
"""Bytes of the object store of a node; Ray takes no less than 75 MB."""


@pytest.fixture(scope="package", autouse=True)
def session() -> Iterator[Path]:
    """The folder of a running Ray, with its logs. The credentials in the environment of its nodes have the canary."""
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    os.mkdir(f"{folder}/ray")
    cluster = Cluster()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", PATHS)
        for name, value in SECRETS.items():
            patch.setenv(name, value)
        try:
            cluster.add_node(num_cpus=1, object_store_memory=STORE, include_dashboard=False)
            cluster.add_node(num_cpus=1, object_store_memory=STORE)
            for name in SECRETS:
                patch.delenv(name)
            ray.init(cluster.address)
            context = DataContext.get_current()
            context.enable_progress_bars = context.print_on_execution_start = False
            yield Path(folder)
        finally:
            ray.shutdown()
            cluster.shutdown()
            left = processes_of(folder)
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            shutil.rmtree(folder)
    assert left == {}


@pytest.fixture(autouse=True)
def driver_with_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver has the credentials of its nodes, so that the lease of a write is guarded by them."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def a_task_for_each_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of few rows are not joined: tests with several tasks have small data."""
    monkeypatch.setattr(MixpressDatasink, "min_rows_per_write", None)


def processes_of(folder: str) -> dict[int, str]:
    """Return the processes that have a folder among their arguments."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it has ended
            continue
        if folder in arguments:
            found[int(path.parent.name)] = arguments
    return found
