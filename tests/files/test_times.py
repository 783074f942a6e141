"""Times are read in the forms that files have."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress import Encoder
from mixpress.files.times import Times, Unreadable, as_sent, zone_of

NOON = 1_706_702_400_000
"""2024-01-31 12:00:00 UTC."""

READ: list[tuple[object, int]] = [
    ("2024-01-31T12:00:00Z", NOON),
    ("2024-01-31t12:00:00z", NOON),
    ("2024-01-31 12:00:00", NOON),
    ("2024-01-31 12:00", NOON),
    ("2024-01-31 12:00:00 UTC", NOON),
    ("2024-01-31T14:00:00+02:00", NOON),
    ("2024-01-31T14:00:00+0200", NOON),
    ("2024-01-31 04:00:00-08", NOON),
    ("2024-01-31T12:00:00.123Z", NOON + 123),
    ("2024-01-31T12:00:00,5", NOON + 500),
    ("2024-01-31T12:00:00.123999999Z", NOON + 123),
    ("2024-01-31", NOON - 12 * 3_600_000),
    ("  2024-01-31T12:00:00Z\n", NOON),
    ("1706702400", NOON),
    ("1706702400000", NOON),
    ("1706702400.5", NOON + 500),
    ("1.7067024e9", NOON),
    (1_706_702_400, NOON),
    (1_706_702_400_000, NOON),
    (1_706_702_400_000_999, NOON),
    (1_706_702_400_000_999_999, NOON),
    (1_706_702_400.25, NOON + 250),
    (Decimal("1706702400"), NOON),
    (Decimal("1706702400.125"), NOON + 125),
    (datetime(2024, 1, 31, 12), NOON),
    (datetime(2024, 1, 31, 14, tzinfo=timezone(timedelta(hours=2))), NOON),
    (date(2024, 1, 31), NOON - 12 * 3_600_000),
    (-1, -1000),
    ("1969-12-31T23:59:59.9999Z", -1),
]


@pytest.mark.parametrize(("value", "milliseconds"), READ, ids=repr)
def test_a_time_is_read(value: object, milliseconds: int) -> None:
    assert Times().read(value) == milliseconds


@pytest.mark.parametrize("value", [None, "", "  ", "\n"])
def test_a_missing_time_is_none(value: object) -> None:
    assert Times().read(value) is None


UNREADABLE: list[object] = [
    "yesterday",
    "31/01/2024",
    "2024-02-30",
    "2024-01-31T24:00:00",
    "2024-01-31T12:00:60",
    "2024-01-31T12",
    "2024-01-31T12:00:00+24:00",
    "2024-01-31T12:00:00Z and more",
    "0000-01-01",
    "9999-12-31T23:59:59-01:00",
    "\u0662\u0660\u0662\u0664-01-31",
    "1e999",
    "9" * 5000,
    "nan",
    float("nan"),
    float("inf"),
    1e300,
    10**30,
    Decimal("NaN"),
    Decimal("1E+999999"),
    True,
    [1_706_702_400],
    {"$date": 1_706_702_400},
    b"2024-01-31",
]


@pytest.mark.parametrize("value", UNREADABLE, ids=lambda value: repr(value)[:40])
def test_anything_else_is_unreadable(value: object) -> None:
    with pytest.raises(Unreadable):
        Times().read(value)


@pytest.mark.parametrize(
    ("format", "value", "milliseconds"),
    [
        ("unix", 1_706_702_400_000, None),
        ("unix", 100_000_000_000, 100_000_000_000_000),
        ("unix_ms", 1_706_702_400, 1_706_702_400),
        ("unix_us", "1706702400000000", NOON),
        ("unix_ns", 1_706_702_400_000_000_000, NOON),
        ("unix_ms", "2024-01-31", None),
        ("%d/%m/%Y %H:%M", "31/01/2024 12:00", NOON),
        ("%d.%m.%Y", "31.1.2024", NOON - 12 * 3_600_000),
        ("%Y%m%d", 20240131, NOON - 12 * 3_600_000),
        ("%Y%m%d", 20240131.0, None),
        ("%Y-%m-%dT%H:%M:%S%z", "2024-01-31T14:00:00+0200", NOON),
        ("%d/%m/%Y", "01/31/2024", None),
        ("%d/%m/%Y", "2024-01-31T00:00:00Z", None),
    ],
)
def test_a_format_says_what_is_read(format: str, value: Any, milliseconds: int | None) -> None:
    if milliseconds is not None:
        assert Times(format=format).read(value) == milliseconds
        return
    with pytest.raises(Unreadable):
        Times(format=format).read(value)


def test_a_zone_is_that_of_times_without_one() -> None:
    berlin = Times(zone_of("Europe/Berlin"))
    assert berlin.read("2024-01-31 13:00:00") == berlin.read("2024-01-31T12:00:00Z") == berlin.read(NOON) == NOON
    assert berlin.read(datetime(2024, 1, 31, 13)) == NOON
    assert berlin.read("2024-10-27 02:30:00") == 1_729_989_000_000  # of two, the first: summer time
    assert berlin.read("2024-03-31 02:30:00") == 1_711_848_600_000  # skipped: as 03:30 in summer time


def test_an_offset_is_how_far_the_clock_of_the_file_is_ahead() -> None:
    pacific = Times(offset=-8)
    assert pacific.read("2024-01-31 04:00:00") == NOON
    assert pacific.read(1_706_702_400 - 8 * 3600) == NOON
    assert pacific.read("2024-01-31T12:00:00Z") == NOON
    assert Times(offset=5.5).read("2024-01-31 17:30") == NOON


@given(st.integers(-(2**42), 2**42))
def test_the_encoder_reads_what_is_sent_as_the_same_time(milliseconds: int) -> None:
    """A number before 1971 counts as seconds, which are too old, and never as a time in the far future."""
    event = {"event": "e", "properties": {"time": as_sent(milliseconds), "distinct_id": "u", "$insert_id": "i"}}
    found = Encoder(now=lambda: 2**42 / 1000).encode([event])
    assert [one.rule for one in found.rejected] == (["time-too-old"] if milliseconds < 31_536_000_000 else [])
    assert not found.warnings
