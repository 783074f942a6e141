"""Records of orders, as a shop keeps them."""

from __future__ import annotations

from typing import Any

ORDERS: list[dict[str, Any]] = [
    {
        "ts": f"2024-01-{day:02d} 12:00:00",
        "action": "Paid" if day % 2 else "Viewed",
        "user_id": f"user-{day % 5}",
        "order_id": f"A-{day}",
        "plan": "pro",
    }
    for day in range(1, 29)
]
