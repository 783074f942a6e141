"""examples/dask_partitions.py, on a real Dask: on threads, and on the processes of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import pandas as pd
import pytest
from dask.distributed import Client as Cluster
from dask.distributed import LocalCluster

import dask_partitions
from engines.orders import COUNTS, DAY, held, write
from engines.orders import orders as rows_of_a_day
from mixpress.emulator import Emulator

ROWS = 400
PARTITIONS = 4


@pytest.fixture(autouse=True)
def a_client_for_each_test(account: dict[str, str]) -> Iterator[None]:
    """The client of a process is kept for its other partitions: here another test has another server."""
    yield
    dask_partitions.client_of_process.cache_clear()


@pytest.fixture
def cluster(account: dict[str, str]) -> Iterator[Cluster]:
    """Two worker processes on loopback, with the credentials in their environment."""
    options: dict[str, Any] = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1"}
    with LocalCluster(**options, dashboard_address="127.0.0.1:0") as local, Cluster(local) as made:
        yield made


def frame(rows: int = ROWS, partitions: int = PARTITIONS) -> dd.DataFrame:
    columns = {
        "paid_at": pd.date_range("2026-01-01", periods=rows, freq="min", tz="UTC"),
        "customer": [f"user-{row % 7}" for row in range(rows)],
        "order": range(rows),
        "plan": pd.Categorical(["free", "pro"] * (rows // 2)),
    }
    return dd.from_pandas(pd.DataFrame(columns), npartitions=partitions)


def counted(rows: int = ROWS) -> dict[str, int]:
    return {"total": rows, "imported": rows, "rejected": 0, "refused": 0}


def orders(server: Emulator) -> list[int]:
    return sorted(event["properties"]["order"] for event in server.events())


def test_every_row_of_every_partition_arrives(emulator: Emulator) -> None:
    assert dask_partitions.import_frame(frame(), base_url=emulator.url, scheduler="threads") == counted()
    assert orders(emulator) == list(range(ROWS))
    assert [event["properties"]["plan"] for event in emulator.events(properties={"order": 3})] == ["pro"]


def test_a_second_import_adds_nothing(emulator: Emulator) -> None:
    for _ in range(2):
        assert dask_partitions.import_frame(frame(), base_url=emulator.url, scheduler="threads") == counted()
    assert orders(emulator) == list(range(ROWS))


def test_the_processes_of_a_cluster_import_their_partitions(
    emulator: Emulator, cluster: Cluster, account: dict[str, str]
) -> None:
    assert dask_partitions.import_frame(frame(), 2, emulator.url) == counted()
    assert orders(emulator) == list(range(ROWS))
    logs = [*cluster.get_scheduler_logs(), *cluster.get_worker_logs().values()]
    assert account["MIXPRESS_SECRET"] not in repr(logs)


def test_the_program_imports_files_by_a_cluster_of_its_own(
    emulator: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    dask_partitions.main([str(tmp_path / f"{DAY}.parquet")], emulator.url)
    assert capsys.readouterr().out == f"{COUNTS}\n"
    assert held(emulator) == rows_of_a_day()


def test_a_partition_with_undelivered_events_is_repeated_and_adds_only_these(
    one_fails: Emulator, cluster: Cluster
) -> None:
    rows = 5000
    assert dask_partitions.import_frame(frame(rows, 2), 2, one_fails.url, retries=1) == counted(rows)
    assert orders(one_fails) == list(range(rows))
    assert [request.status for request in one_fails.requests()].count(402) == 1


def test_without_a_retry_undelivered_events_end_the_computation(all_fail: Emulator) -> None:
    with pytest.raises(RuntimeError, match="400 of 400 events are undelivered: 402"):
        dask_partitions.import_frame(frame(partitions=1), base_url=all_fail.url, scheduler="threads")


def test_a_worker_without_credentials_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MIXPRESS_SERVICE_ACCOUNT", "MIXPRESS_SECRET", "MIXPRESS_PROJECT_ID"):
        monkeypatch.delenv(name)
    with pytest.raises(RuntimeError, match="neither MIXPRESS_SERVICE_ACCOUNT nor MIXPRESS_TOKEN"):
        dask_partitions.import_frame(frame(), scheduler="threads")
