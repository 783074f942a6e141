"""A row of a table has a form in JSON that says the same."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given

from mixpress.files.plain import plain
from mixpress.files.table_piece import TablePiece
from strategies.arrow import Table, tables


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2024, 1, 2, 3), "2024-01-02T03:00:00"),
        (datetime(2024, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))), "2024-01-02T01:00:00+00:00"),
        (date(2024, 1, 2), "2024-01-02T00:00:00"),
        (time(1, 2), "01:02:00"),
        (timedelta(seconds=5), "0:00:05"),
        (Decimal("1.50"), 1.5),
        (Decimal("12345678901234567890"), 12345678901234567890),
        (Decimal("0.12345678901234567890123"), "0.12345678901234567890123"),
        (Decimal("NaN"), None),
        (float("inf"), None),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ([{"a": date(2024, 1, 2)}], [{"a": "2024-01-02T00:00:00"}]),
        (True, True),
        ("text", "text"),
    ],
)
def test_values_of_python_have_a_form_in_json(value: Any, expected: Any) -> None:
    assert plain(value) == expected


@pytest.mark.filterwarnings("ignore:Encountered key")  # a map that has a key twice
@given(tables())
def test_any_row_can_be_written_as_json(table: Table) -> None:
    for batch in table.batches:
        piece = TablePiece("table", batch, start=0, position=0)
        for row in piece.originals(range(piece.count())):
            json.dumps(row, default=bytes.hex, allow_nan=False)
