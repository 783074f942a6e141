"""dlt: a destination that sends each load file to Mixpanel.

The credentials are secrets of dlt: DESTINATION__MIXPANEL__SERVICE_ACCOUNT, DESTINATION__MIXPANEL__SECRET and
DESTINATION__MIXPANEL__PROJECT_ID in the environment, or [destination.mixpanel] in .dlt/secrets.toml. Projects in other
regions also need DESTINATION__MIXPANEL__BASE_URL, https://api-eu.mixpanel.com or https://api-in.mixpanel.com.

dlt repeats a load job that raised. The rows that arrived before have the same `$insert_id`, so they are not counted
twice.
"""

from __future__ import annotations

from typing import Any

import dlt
from dlt.destinations.exceptions import DestinationTerminalException

from mixpress import Client, Mapping, ServiceAccount
from mixpress.errors import AuthError

INTERNAL = ("_dlt_id", "_dlt_load_id")
"""The columns that dlt adds. They differ at each run."""

MAPPINGS = {
    "orders": Mapping(
        event="Order Paid",
        time_column="paid_at",
        distinct_id_column="customer",
        insert_id_from=("order",),
        drop=INTERNAL,
    ),
}
"""Table -> how its rows become events."""


@dlt.destination(batch_size=0, loader_file_format="parquet", name="mixpanel")
def mixpanel(
    path: str,
    table: dict[str, Any],
    service_account: str = dlt.secrets.value,
    secret: str = dlt.secrets.value,
    project_id: str = dlt.secrets.value,
    base_url: str = "https://api.mixpanel.com",
) -> None:
    """Import a load file. With `batch_size=0`, dlt hands over its path instead of rows.

    Raises `RuntimeError`, so that dlt repeats the job, if events are undelivered or the file is damaged. Refused
    credentials and a table without a mapping end it.
    """
    if table["name"] not in MAPPINGS:
        raise DestinationTerminalException(f"the table {table['name']} has no mapping: add it to MAPPINGS")
    auth = ServiceAccount(service_account, secret, project_id=project_id)
    with Client(auth, base_url=base_url) as client:
        try:
            report = client.import_files(path, mapping=MAPPINGS[table["name"]])
        except AuthError as error:
            raise DestinationTerminalException(str(error)) from None
    if report.undelivered or report.damaged:
        reasons = [*report.damaged, *(failure.message for failure in report.failures if failure.kind == "undelivered")]
        raise RuntimeError(f"{report.undelivered} of {report.total} events are undelivered: {reasons[0]}")


if __name__ == "__main__":
    orders = [{"paid_at": "2026-01-05T12:00:00Z", "customer": "user-1", "order": 1}]
    print(dlt.pipeline("orders_to_mixpanel", destination=mixpanel).run(orders, table_name="orders"))
