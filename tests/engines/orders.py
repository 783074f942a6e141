"""The orders that the recipes of examples/ import, and how the emulator holds them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pyarrow
from pyarrow import parquet

if TYPE_CHECKING:
    from pathlib import Path

    from mixpress.emulator import Emulator

DAY = "2026-01-05"
ROWS = 2500
"""Two requests."""
COUNTS = {"total": ROWS, "imported": ROWS, "rejected": 0, "refused": 0}


def orders(rows: int = ROWS) -> list[dict[str, Any]]:
    start = datetime.fromisoformat(DAY).replace(tzinfo=timezone.utc)
    return [
        {"paid_at": start + timedelta(seconds=number), "customer": f"user-{number % 7}", "order": number}
        for number in range(rows)
    ]


def write(folder: Path) -> None:
    """Write the file of the day."""
    parquet.write_table(pyarrow.Table.from_pylist(orders()), folder / f"{DAY}.parquet")


def held(server: Emulator) -> list[dict[str, Any]]:
    """Return the orders that a server holds, as rows, in their order."""
    found = [event["properties"] for event in server.events("Order Paid")]
    rows = [
        {
            "paid_at": datetime.fromtimestamp(properties.pop("time") / 1000, timezone.utc),
            "customer": properties.pop("distinct_id"),
            "order": properties.pop("order"),
        }
        for properties in found
    ]
    assert {name for properties in found for name in properties} <= {"$insert_id"}
    return sorted(rows, key=lambda row: row["order"])
