"""Airflow: import the orders of each day.

The task reads the credentials from the connection `mixpanel`, which Airflow keeps encrypted and masks in logs:

    airflow connections add mixpanel --conn-type generic --conn-login USERNAME --conn-password SECRET \
        --conn-extra '{"project_id": "123", "region": "eu"}'

The region is us, eu or in. A failed task is tried again. The rows that arrived before have the same `$insert_id`, so
they are not counted twice.
"""

from __future__ import annotations

import os
from datetime import datetime, timezone

from airflow.sdk import Connection, dag, task

from mixpress import Client, Mapping, ServiceAccount

ORDERS = os.environ.get("ORDERS", "/data/orders")
"""The folder with a Parquet file for each day."""

MAPPING = Mapping(event="Order Paid", time_column="paid_at", distinct_id_column="customer", insert_id_from=("order",))


def client() -> Client:
    """Return a client with the connection's credentials. Its extras are `project_id`, and `region` or `base_url`."""
    connection = Connection.get("mixpanel")
    extra = connection.extra_dejson
    auth = ServiceAccount(connection.login, connection.password, project_id=extra["project_id"])
    return Client(auth, region=extra.get("region"), base_url=extra.get("base_url"))


@task(retries=3)
def import_orders(path: str) -> dict[str, int]:
    """Import a file; return the counts of the report.

    Fails if events are undelivered or the file is damaged. A row that breaks a rule is counted in `rejected`.
    """
    with client() as made:
        report = made.import_files(path, mapping=MAPPING)
    if report.undelivered or report.damaged:
        reasons = [*report.damaged, *(failure.message for failure in report.failures if failure.kind == "undelivered")]
        raise RuntimeError(f"{report.undelivered} of {report.total} events are undelivered: {reasons[0]}")
    return {name: getattr(report, name) for name in ("total", "imported", "rejected", "refused")}


@dag(schedule="@daily", start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), catchup=False)
def orders_to_mixpanel() -> None:
    """Import the file of the day."""
    import_orders(ORDERS + "/{{ ds }}.parquet")


orders_to_mixpanel()
