"""Dagster: the orders of each day in Mixpanel, as an asset with the counts of its report.

The credentials are read from the environment of the run, MIXPRESS_SERVICE_ACCOUNT, MIXPRESS_SECRET and
MIXPRESS_PROJECT_ID: they are in no configuration of a run, which Dagster shows.

A failed run is tried again. The rows that arrived before have the same `$insert_id`, so they are not counted twice.
"""

import dagster as dg

from mixpress import Client, Mapping
from mixpress.auth import auth_from_environment

MAPPING = Mapping(event="Order Paid", time_column="paid_at", distinct_id_column="customer", insert_id_from=("order",))


class Orders(dg.ConfigurableResource):
    """Where the orders are, and where they go to."""

    folder: str
    """The folder with a Parquet file for each day."""
    base_url: str = "https://api.mixpanel.com"
    """The server of the project's region: https://api-eu.mixpanel.com or https://api-in.mixpanel.com for the others."""


@dg.asset(partitions_def=dg.DailyPartitionsDefinition("2026-01-01"), retry_policy=dg.RetryPolicy(max_retries=3))
def orders_in_mixpanel(context: dg.AssetExecutionContext, orders: Orders) -> dg.MaterializeResult:
    """The events of a day's orders."""
    auth = auth_from_environment()
    if auth is None:
        raise dg.Failure("the environment has no MIXPRESS_SERVICE_ACCOUNT", allow_retries=False)
    with Client(auth, base_url=orders.base_url) as client:
        report = client.import_files(f"{orders.folder}/{context.partition_key}.parquet", mapping=MAPPING)
    counts = {name: getattr(report, name) for name in ("total", "imported", "rejected", "refused", "undelivered")}
    if report.undelivered or report.damaged:
        reasons = [*report.damaged, *(failure.message for failure in report.failures if failure.kind == "undelivered")]
        raise dg.Failure(
            f"{report.undelivered} of {report.total} events are undelivered: {reasons[0]}", metadata=counts
        )
    return dg.MaterializeResult(metadata={**counts, "seconds": report.elapsed})


defs = dg.Definitions(assets=[orders_in_mixpanel], resources={"orders": Orders(folder=dg.EnvVar("ORDERS"))})
