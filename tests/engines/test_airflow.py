"""examples/airflow_dag.py, run by Airflow's own commands in separate processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engines.orders import COUNTS, DAY, held, orders, write
from mixpress.emulator import Emulator

ROOT = Path(__file__).parents[2]
SECONDS = 240
Airflow = Callable[..., str]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Airflow's folder, with its database, and that of the orders."""
    folder = tmp_path_factory.mktemp("airflow")
    write(folder)
    run(environment(folder), "db", "migrate")
    return folder


def environment(home: Path) -> dict[str, str]:
    return {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "examples"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "0",
        "PYTHONPATH": str(ROOT / "python"),
        "ORDERS": str(home),
    }


def run(environment: dict[str, str], *command: str) -> str:
    """Run a command of Airflow, end what it leaves, and return its output."""
    program = [str(Path(sys.executable).with_name("airflow")), *command]
    process = subprocess.Popen(
        program,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, output
    return output


@pytest.fixture
def airflow(home: Path, account: dict[str, str]) -> Callable[[Emulator], str]:
    """Run the DAG for a day, with a connection to a server."""

    def run_dag(server: Emulator) -> str:
        connection = {
            "conn_type": "generic",
            "login": account["MIXPRESS_SERVICE_ACCOUNT"],
            "password": account["MIXPRESS_SECRET"],
            "extra": {"project_id": account["MIXPRESS_PROJECT_ID"], "base_url": server.url},
        }
        given = {**environment(home), "AIRFLOW_CONN_MIXPANEL": json.dumps(connection)}
        return run(given, "dags", "test", "orders_to_mixpanel", DAY)

    return run_dag


def test_a_run_returns_the_counts_of_the_report(emulator: Emulator, airflow: Airflow) -> None:
    assert f"Returned value was: {COUNTS}" in airflow(emulator)
    assert held(emulator) == orders()


def test_a_task_with_undelivered_events_fails_and_its_retry_adds_only_these(
    one_fails: Emulator, airflow: Airflow, account: dict[str, str], home: Path
) -> None:
    output = airflow(one_fails)
    assert "500 of 2500 events are undelivered: 402" in output or "2000 of 2500 events are undelivered: 402" in output
    assert f"Returned value was: {COUNTS}" in output
    assert held(one_fails) == orders()
    assert account["MIXPRESS_SECRET"] not in output
    written = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert b"orders_to_mixpanel" in written
    assert account["MIXPRESS_SECRET"].encode() not in written
