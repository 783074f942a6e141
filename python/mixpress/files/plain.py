"""Values of a table as JSON has them, so that a failed row can be repaired in a dead letter and sent again."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID


def plain(value: Any) -> Any:
    """Return a value in JSON's types: a moment with a zone in UTC, as ISO 8601; a NaN as None; bytes unchanged."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, date):  # or a datetime
        return _moment(value)
    if isinstance(value, float | Decimal):
        return _number(value)
    return str(value) if isinstance(value, time | timedelta | UUID) else value


def _moment(value: date) -> str:
    if not isinstance(value, datetime):
        return f"{value.isoformat()}T00:00:00"  # as the encoder writes it
    return (value if value.tzinfo is None else value.astimezone(timezone.utc)).isoformat()


def _number(value: float | Decimal) -> object:
    """Return an int or a float that is equal, or the text of a number that neither is."""
    if not math.isfinite(value):
        return None
    if isinstance(value, float):
        return value
    if value == value.to_integral_value() and value.adjusted() < 300:
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value else str(value)
