"""End a page of a listing where it becomes large."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_BYTES = 16_000_000
"""Of a page's rows as JSON, unless a single row has more."""


def fitting(rows: Iterable[dict[str, Any]]) -> list[orjson.Fragment]:
    """Return as JSON the rows that fit in `MAX_BYTES`, at least one. No row after these is made."""
    found: list[orjson.Fragment] = []
    size = 0
    for row in rows:
        encoded = orjson.dumps(row)
        size += len(encoded)
        if found and size > MAX_BYTES:
            break
        found.append(orjson.Fragment(encoded))
    return found
