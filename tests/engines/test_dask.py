"""examples/dask_partitions.py, on a real Dask: on threads, and on the processes of a cluster."""

from __future__ import annotations

from collections.abc import Iterator

import dask.dataframe as dd
import pandas as pd
import pytest

import dask_partitions
from mixpress.emulator import Emulator

ROWS = 400
PARTITIONS = 4


@pytest.fixture(autouse=True)
def a_client_for_each_test(account: dict[str, str]) -> Iterator[None]:
    yield
    dask_partitions.client_of_process.cache_clear()


@pytest.fixture
def frame() -> dd.DataFrame:
    rows = {
        "paid_at": pd.date_range("2026-01-01", periods=ROWS, freq="min", tz="UTC"),
        "customer": [f"user-{row % 7}" for row in range(ROWS)],
        "order": range(ROWS),
        "plan": pd.Categorical(["free", "pro"] * (ROWS // 2)),
    }
    return dd.from_pandas(pd.DataFrame(rows), npartitions=PARTITIONS)


def orders(server: Emulator) -> list[int]:
    return sorted(event["properties"]["order"] for event in server.events("Order Paid"))


def counted(**changed: int) -> dict[str, int]:
    return {"total": ROWS, "imported": ROWS, "rejected": 0, "refused": 0, **changed}


def test_every_row_of_every_partition_arrives(frame: dd.DataFrame, emulator: Emulator) -> None:
    assert dask_partitions.import_frame(frame, base_url=emulator.url, scheduler="threads") == counted()
    assert orders(emulator) == list(range(ROWS))
    assert {event["properties"]["plan"] for event in emulator.events("Order Paid")} == {"free", "pro"}
