"""A real cluster: executors are killed, tasks run twice at the same time, and no file shows the credentials."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from engines.spark.cluster_program import SMALL, SPECULATED
from engines.spark.standalone import Cluster, cluster
from engines.spark.upstream import ROWS
from mixpress.emulator import Emulator
from support.canary import CANARY, spellings

PROGRAM = Path(__file__).with_name("cluster_program.py")
BAD = 1
"""Rows of each frame that have no user."""


class Written(NamedTuple):
    """What the program left."""

    folder: Path
    server: Emulator
    printed: dict[str, int]
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
                    arguments,
                    check=False,
                    env=made.environment,
                    cwd=folder,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    timeout=300,
                )
            assert done.returncode == 0, Path(folder, "driver.log").read_text()[-3000:]
        yield Written(folder, server, json.loads(done.stdout), made)


def text_of(written: Written, places: str) -> str:
    """Return all text of the files of a pattern."""
    paths = sorted(path for path in written.folder.glob(places) if path.is_file())
    return "\n".join(path.read_text(encoding="latin-1") for path in paths)


def held(written: Written, numbers: range) -> int:
    """Return how many orders with these numbers the server holds."""
    return sum(event["properties"]["number"] in numbers for event in written.server.events())


def test_each_row_is_there_once_though_an_executor_was_killed_in_the_middle(written: Written) -> None:
    assert (written.printed["imported"], written.printed["rejected"]) == (SMALL + ROWS - BAD, BAD)
    assert held(written, range(SPECULATED)) == SMALL + ROWS - BAD
    assert "exited with code 137" in text_of(written, "*.log")


def test_each_row_is_there_once_though_a_task_ran_twice_at_the_same_time(written: Written) -> None:
    assert written.printed["speculated"] == SMALL + ROWS - BAD
    assert held(written, range(SPECULATED, 2 * SPECULATED)) == SMALL + ROWS - BAD
    assert '"Speculative":true' in text_of(written, "events/*/events_*")


def test_attempts_had_sent_rows_that_others_sent_again(written: Written) -> None:
    received = sum(request.events for request in written.server.requests())
    assert received > written.server.count() + 10  # beside those of the stream


def test_the_failed_rows_are_in_the_dead_letter_of_their_task(written: Written) -> None:
    lines = [json.loads(line) for line in text_of(written, "failed/part-*").splitlines() if line]
    assert sorted(line["event"]["number"] for line in lines) == [0, SPECULATED]


def test_the_tasks_shared_the_limit_that_the_driver_lent(written: Written) -> None:
    assert written.printed["lent"] >= 2 * (SMALL + ROWS - BAD)


@pytest.mark.parametrize(
    ("places", "known"),
    [
        ("events/*/events_*", "AppendData mixpress"),
        ("worker-*/app-*/*/stderr", "Running task"),
        ("checkpoint/offsets/*", "batchTimestampMs"),
        ("failed/*", "distinct-id-disallowed"),
        ("report.json", '"imported"'),
        ("reports/*", '"batch": 0'),
        ("driver.log", "mixpress: "),
        ("master.log", "Launching executor"),
        ("worker-*.log", "Launch command"),
    ],
)
def test_no_file_of_spark_or_of_the_write_shows_the_credentials(written: Written, places: str, known: str) -> None:
    """Each pattern has files with what one expects in them; the first has the plan of the write."""
    text = text_of(written, places)
    assert known in text
    assert [word for word in spellings() if word in text] == []


def test_no_other_file_shows_the_credentials(written: Written) -> None:
    paths = [path for path in written.folder.rglob("*") if path.is_file() and path.name != "credentials.env"]
    assert [path for path in paths if any(word.encode() in path.read_bytes() for word in spellings())] == []


def test_no_process_is_left(written: Written) -> None:
    assert written.cluster.processes() == []
