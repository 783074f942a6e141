"""Import a Dask DataFrame: each partition is sent by the worker that has it.

    MIXPRESS_SERVICE_ACCOUNT=... MIXPRESS_SECRET=... MIXPRESS_PROJECT_ID=... python dask_partitions.py orders/*.parquet

The credentials are read from the environment of each worker: they are in no graph and in no log of the scheduler.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

import dask.dataframe as dd
import pandas as pd

from mixpress import Client, Mapping, RateLimit
from mixpress.auth import auth_from_environment

MAPPING = Mapping(
    event="Order Paid",
    time_column="paid_at",
    distinct_id_column="customer",
    insert_id_from=("order",),  # a row has the same id each time, so a partition that is sent again adds nothing
)
COUNTS = ("total", "imported", "rejected", "refused")


@cache
def client_of_process(processes: int, base_url: str | None) -> Client:
    """Return the client that all partitions of this process share, with its share of the project's limit."""
    auth = auth_from_environment()
    if auth is None:
        raise RuntimeError("the worker's environment has neither MIXPRESS_SERVICE_ACCOUNT nor MIXPRESS_TOKEN")
    whole = RateLimit.documented()
    return Client(auth, base_url=base_url, rate_limit=RateLimit(whole.events / processes, whole.bytes / processes))


def import_partition(partition: pd.DataFrame, processes: int = 1, base_url: str | None = None) -> pd.DataFrame:
    """Import the rows of a partition; return one row of counts.

    Raises `RuntimeError` if events are undelivered, so that Dask runs the task again.
    """
    report = client_of_process(processes, base_url).import_table(partition, mapping=MAPPING)
    if report.undelivered or report.damaged:
        reasons = [*report.damaged, *(failure.message for failure in report.failures if failure.kind == "undelivered")]
        raise RuntimeError(f"{report.undelivered} of {report.total} events are undelivered: {reasons[0]}")
    return pd.DataFrame({name: [getattr(report, name)] for name in COUNTS})


def import_frame(
    frame: dd.DataFrame, processes: int = 1, base_url: str | None = None, **compute: Any
) -> dict[str, int]:
    """Import a Dask DataFrame; return the sums of the partitions' counts.

    `processes`: how many worker processes the scheduler has. `compute`: arguments for `compute`, such as `retries=2`.
    """
    meta = pd.DataFrame({name: pd.Series(dtype="int64") for name in COUNTS})
    counts = frame.map_partitions(import_partition, processes, base_url, meta=meta).compute(**compute)
    return {name: int(counts[name].sum()) for name in COUNTS}


def main(paths: Sequence[str], base_url: str | None = None) -> None:
    """Import Parquet files by the worker processes of a cluster on this machine."""
    from dask.distributed import Client as Cluster  # noqa: PLC0415 - starts processes

    with Cluster(dashboard_address="127.0.0.1:0") as cluster:
        print(import_frame(dd.read_parquet(paths), len(cluster.nthreads()), base_url, retries=2))


if __name__ == "__main__":
    main(sys.argv[1:])
