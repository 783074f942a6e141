"""A real cluster: an executor is killed in the middle of a write, and no file shows the credentials."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from engines.spark.cluster_program import ROWS, SMALL
from engines.spark.standalone import Cluster, cluster
from mixpress.emulator import Emulator
from support.canary import CANARY, spellings

PROGRAM = Path(__file__).with_name("cluster_program.py")
BAD = 1
"""Rows that the program makes without a user."""


class Written(NamedTuple):
    """What the program left."""

    folder: Path
    server: Emulator
    output: str
    cluster: Cluster


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    folder = tmp_path_factory.mktemp("cluster")
    secrets = f"MIXPRESS_SERVICE_ACCOUNT=user\nMIXPRESS_SECRET={CANARY}\nMIXPRESS_PROJECT_ID=17\n"
    Path(folder, "credentials.env").write_text(secrets)
    with Emulator(credentials=[("user", CANARY)]) as server:
        with cluster(folder) as made:
            arguments = [sys.executable, str(PROGRAM), made.master, server.url, str(folder)]
            with Path(folder, "driver.log").open("wb") as log:
                done = subprocess.run(
                    arguments, env=made.environment, cwd=folder, stdout=subprocess.PIPE, stderr=log, timeout=180
                )
            assert done.returncode == 0, Path(folder, "driver.log").read_text()[-3000:]
        yield Written(folder, server, done.stdout.decode(), made)


def test_each_row_is_there_once_though_an_executor_was_killed_in_the_middle(written: Written) -> None:
    assert json.loads(written.output) == {"imported": SMALL + ROWS - BAD, "rejected": BAD}
    assert written.server.count() == SMALL + ROWS - BAD
    assert sum(request.events for request in written.server.requests()) > SMALL + ROWS
    assert "exited with code 137" in Path(written.folder, "master.log").read_text() + logs(written, "worker-*.log")


def logs(written: Written, pattern: str) -> str:
    return "".join(path.read_text() for path in written.folder.glob(pattern))


def test_the_failed_rows_are_in_the_dead_letter_of_their_task(written: Written) -> None:
    lines = [json.loads(line) for path in Path(written.folder, "failed").glob("part-*") for line in path.open()]
    assert [line["event"]["number"] for line in lines] == [7]


def test_the_tasks_shared_the_limit_that_the_driver_lent(written: Written) -> None:
    assert '"rate_limit":"lease:127.0.0.1:' in logs(written, "events/*/*").replace(" ", "") or "lease:127.0.0.1:" in logs(
        written, "events/*/*"
    )


@pytest.mark.parametrize(
    "places",
    ["events/*/events_*", "worker-*/app-*/*/stderr", "checkpoint/offsets/*", "failed/*", "report.json", "reports/*", "*.log"],
)
def test_no_file_of_spark_or_of_the_write_shows_the_credentials(written: Written, places: str) -> None:
    """The first pattern has the plan of the write, with its options."""
    paths = [path for path in written.folder.glob(places) if path.is_file()]
    assert paths
    for path in paths:
        text = path.read_text(encoding="latin-1")
        assert [word for word in spellings() if word in text] == [], path


def test_no_other_file_shows_the_credentials(written: Written) -> None:
    paths = [path for path in written.folder.rglob("*") if path.is_file() and path.name != "credentials.env"]
    assert [path for path in paths if any(word.encode() in path.read_bytes() for word in spellings())] == []


def test_no_process_is_left(written: Written) -> None:
    assert written.cluster.processes() == []
