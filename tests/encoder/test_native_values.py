"""Values of exact types that JSON has not, which the core reads in place: no Python code runs for them."""

from __future__ import annotations

import decimal
import sys
import zoneinfo
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given

import mixpress.snapshot
import reference
from cases.rule_cases import VALID
from encoder.test_python_values import encode_both, event_with, identify
from encoder.twins import core_encoder, outcome_of_core, outcome_of_reference
from mixpress import _core, derive_insert_id
from reference import Options
from strategies.native import native

NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
WEST = timezone(-timedelta(hours=3, minutes=30))
IN_PLACE = "abi3" not in (_core.__file__ or "")

# A value of `properties.a`, and how it is written.
WRITTEN: list[tuple[Any, str]] = [
    (UUID(int=0), '"00000000-0000-0000-0000-000000000000"'),
    (UUID(int=2**128 - 1), '"ffffffff-ffff-ffff-ffff-ffffffffffff"'),
    (UUID("0123456789abcdef0123456789abcdef"), '"01234567-89ab-cdef-0123-456789abcdef"'),
    (Decimal("0"), "0"),
    (Decimal("-0"), "-0"),
    (Decimal("0.00"), "0.00"),
    (Decimal("0E-6"), "0.000000"),
    (Decimal("0E-7"), "0E-7"),
    (Decimal("0E+3"), "0E+3"),
    (Decimal("0.000001"), "0.000001"),
    (Decimal("0.0000001"), "1E-7"),
    (Decimal("-123.45"), "-123.45"),
    (Decimal("1E+3"), "1E+3"),
    (Decimal("12E+3"), "1.2E+4"),
    (Decimal("1.20E-30"), "1.20E-30"),
    (Decimal("1" + "0" * 19), "1" + "0" * 19),
    (Decimal("12345678901234567890123456789.0123456789"), "12345678901234567890123456789.0123456789"),
    (Decimal("1e-99999"), "1E-99999"),
    (2**63, "9223372036854775808"),
    (-(2**63) - 1, "-9223372036854775809"),
    (10**38, "1" + "0" * 38),
    (10**308, "1" + "0" * 308),
    (-(10**57) + 1, "-" + "9" * 57),
    (datetime(2024, 7, 1, 12, tzinfo=NEW_YORK), '"2024-07-01T16:00:00"'),
    (datetime(2024, 1, 1, 12, tzinfo=NEW_YORK), '"2024-01-01T17:00:00"'),
    (datetime(2024, 11, 3, 1, 30, tzinfo=NEW_YORK), '"2024-11-03T05:30:00"'),
    (datetime(2024, 11, 3, 1, 30, fold=1, tzinfo=NEW_YORK), '"2024-11-03T06:30:00"'),
    (datetime(2024, 3, 10, 1, 59, 59, tzinfo=NEW_YORK), '"2024-03-10T06:59:59"'),
    (datetime(2024, 3, 10, 2, 30, tzinfo=NEW_YORK), '"2024-03-10T07:30:00"'),
    (datetime(2024, 3, 10, 3, 0, tzinfo=NEW_YORK), '"2024-03-10T07:00:00"'),
    (datetime(2100, 7, 1, tzinfo=NEW_YORK), '"2100-07-01T04:00:00"'),
    (datetime(1883, 11, 18, 12, 3, 57, tzinfo=NEW_YORK), '"1883-11-18T16:59:59"'),
    (datetime(2024, 1, 1, tzinfo=WEST), '"2024-01-01T03:30:00"'),
    (datetime(2024, 1, 1, 0, 0, 0, 7, tzinfo=timezone(timedelta(microseconds=8))), '"2023-12-31T23:59:59"'),
    (date(1, 1, 1), '"0001-01-01T00:00:00"'),
    (time(0, 0), '"00:00:00"'),
    (time(12, 30, 5), '"12:30:05"'),
    (time(12, 30, 5, 7), '"12:30:05.000007"'),
    (time(23, 59, 59, 999999, fold=1), '"23:59:59.999999"'),
    (time(12, 30, tzinfo=timezone.utc), '"12:30:00+00:00"'),
    (time(12, 30, 0, 70, tzinfo=WEST), '"12:30:00.000070-03:30"'),
    (timedelta(0), "0.0"),
    (timedelta(days=1, milliseconds=250), "86400.25"),
    (timedelta(microseconds=-1), "-1e-6"),
    (timedelta(days=285 * 365, microseconds=1), "8987760000.000002"),
    (timedelta.max, "86400000000000.0"),
    (timedelta.min, "-86399999913600.0"),
    ([UUID(int=1), {"a": Decimal("1.5")}], '["00000000-0000-0000-0000-000000000001",{"a":1.5}]'),
]
# A value that needs Python code after all, and how it is written.
BY_PYTHON: list[tuple[Any, str]] = [
    (time(12, 30, tzinfo=timezone(timedelta(seconds=5))), '"12:30:00+00:00:05"'),
    (time(12, 30, tzinfo=NEW_YORK), '"12:30:00"'),
]
# A value of `properties.a`, and the rule that it breaks.
FOUND: list[tuple[Any, str]] = [
    (datetime.min.replace(tzinfo=timezone(timedelta(minutes=1))), "unsupported-type"),
    (datetime.max.replace(tzinfo=NEW_YORK), "unsupported-type"),
    (2**1024, "not-a-number"),
    (2**1024 - 1, "not-a-number"),
    (-(2**1025), "not-a-number"),
    (Decimal("1e309"), "not-a-number"),
    (Decimal("-sNaN123"), "not-a-number"),
    (Decimal("Infinity"), "not-a-number"),
]


@pytest.fixture
def snapshots(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the list of events that were copied by Python code."""
    copied: list[Any] = []
    real = mixpress.snapshot.snapshot

    def snapshot(event: Any, default: Any = None) -> Any:
        copied.append(event)
        return real(event, default)

    monkeypatch.setattr(mixpress.snapshot, "snapshot", snapshot)
    return copied


@pytest.mark.parametrize(("value", "written"), WRITTEN, ids=identify)
def test_each_value_is_written_without_python_code(value: Any, written: str, snapshots: list[Any]) -> None:
    result = encode_both(event_with(a=value))
    assert [text for _, text in result.events] == [f'{VALID[:-2]},"a":{written}}}}}']
    assert not (snapshots and IN_PLACE)


@pytest.mark.parametrize(("value", "written"), BY_PYTHON, ids=identify)
def test_other_values_are_written_by_python_code(value: Any, written: str) -> None:
    result = encode_both(event_with(a=value))
    assert [text for _, text in result.events] == [f'{VALID[:-2]},"a":{written}}}}}']


@pytest.mark.parametrize(("value", "rule"), FOUND, ids=identify)
def test_a_bad_value_breaks_its_rule(value: Any, rule: str) -> None:
    result = encode_both(event_with(a=value))
    assert [finding.rule for finding in [*result.rejected, *result.warnings]] == [rule]


@given(native)
def test_any_value_is_written_as_the_reference_does(value: Any) -> None:
    for event in (event_with(a=value), event_with(time=value), event_with(a=[value] * 2, distinct_id=value)):
        encode_both(event)


@pytest.mark.parametrize("key", ["America/New_York", "Australia/Lord_Howe", "Europe/Dublin", "Africa/Monrovia"])
def test_an_offset_changes_at_its_second(key: str) -> None:
    zone = zoneinfo.ZoneInfo(key)
    hours = [datetime(2024, 1, 1) + timedelta(hours=hour) for hour in range(366 * 24)]
    changes = [hour for hour in hours if changes_within(hour, zone)] or [datetime(1972, 1, 7, 0, 44)]
    moments = [
        (change + timedelta(seconds=seconds)).replace(tzinfo=zone, fold=fold)
        for change in changes
        for seconds in [*range(-3, 4), *range(1797, 1804), *range(3597, 3604), *range(2667, 2674)]
        for fold in (0, 1)
    ]
    events = [event_with(a=moment) for moment in moments]
    expected = outcome_of_reference(reference.encode(events, Options()))
    assert outcome_of_core(core_encoder(Options()).encode(events)) == expected


def changes_within(hour: datetime, zone: zoneinfo.ZoneInfo) -> bool:
    return hour.replace(tzinfo=zone).utcoffset() != (hour + timedelta(hours=1)).replace(tzinfo=zone).utcoffset()


@pytest.mark.parametrize("capitals", [0, 1])
def test_the_context_of_a_thread_does_not_change_a_decimal(capitals: int) -> None:
    class Money(Decimal):
        pass

    with decimal.localcontext(decimal.Context(prec=2, capitals=capitals, traps=[decimal.Inexact])):
        for kind in (Decimal, Money):
            result = encode_both(event_with(a=kind("1234.5E+30")))
            assert [text for _, text in result.events] == [f'{VALID[:-2]},"a":1.2345E+33}}}}']


def test_a_uuid_without_its_number_is_unsupported() -> None:
    empty, text, negative, long = (UUID(int=1) for _ in range(4))
    object.__setattr__(text, "int", "1")
    object.__setattr__(negative, "int", -1)
    object.__setattr__(long, "int", 2**128)
    object.__delattr__(empty, "int")
    for value in (empty, text, object.__new__(UUID)):
        assert [finding.rule for finding in encode_both(event_with(a=value)).rejected] == ["unsupported-type"]
    for value in (negative, long):
        encode_both(event_with(a=value))


def test_a_zone_of_another_class_is_asked_by_python_code() -> None:
    class Zone(zoneinfo.ZoneInfo):
        def utcoffset(self, moment: Any) -> timedelta:
            return timedelta(hours=1)

    result = encode_both(event_with(a=datetime(2024, 7, 1, 12, tzinfo=Zone("America/New_York"))))
    assert '"a":"2024-07-01T11:00:00"' in result.events[0][1]


def test_reading_keeps_no_reference() -> None:
    values = [UUID(int=5), Decimal(1), datetime.now(NEW_YORK), time(1), timedelta(1), 2**70, NEW_YORK]
    offset = NEW_YORK.utcoffset(datetime.now())
    watched = [*values, offset]
    encoder = core_encoder(Options())
    encoder.encode([event_with(a=values[:-1])])
    before = [sys.getrefcount(value) for value in watched]
    for _ in range(100):
        encoder.encode([event_with(a=values[:-1])])
    assert [sys.getrefcount(value) for value in watched] == before


def test_an_id_is_derived_from_such_values() -> None:
    for value, written in WRITTEN:
        event = event_with(a=value)
        expected = reference.derive_insert_id(event)
        assert derive_insert_id(event) == expected, written
