"""Values of exact types that JSON has not, which the core reads in place: no Python code runs for them."""

from __future__ import annotations

import collections
import decimal
import subprocess
import sys
import zoneinfo
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy
import pandas
import pytest
from hypothesis import given

import mixpress.snapshot
import reference
from cases.rule_cases import VALID
from encoder.test_python_values import encode_both, event_with, identify
from encoder.twins import core_encoder, outcome_of_core, outcome_of_reference
from mixpress import _core, derive_insert_id
from reference import Options
from strategies.native import array_of, native, unpickled

NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
WEST = timezone(-timedelta(hours=3, minutes=30))
IN_PLACE = "abi3" not in (_core.__file__ or "")


class Measured(numpy.ndarray[Any, Any]):
    """An array whose numbers have a unit."""


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
    (numpy.bool_(False), "false"),
    (numpy.int8(-128), "-128"),
    (numpy.int64(-(2**63)), "-9223372036854775808"),
    (numpy.longlong(5), "5"),
    (numpy.uint8(255), "255"),
    (numpy.uint64(2**64 - 1), "18446744073709551615"),
    (numpy.float16(0.1), "0.0999755859375"),
    (numpy.float16(6e-8), "5.960464477539063e-8"),
    (numpy.float32(0.1), "0.10000000149011612"),
    (numpy.float64(1e16), "1e+16"),
    (numpy.longdouble(1) / 3, "0.3333333333333333"),
    (numpy.longdouble("1e-310") / 3, repr(float(numpy.longdouble("1e-310") / 3))),
    (numpy.longdouble("1e-4000"), "0.0"),
    (numpy.str_("a 'text' \N{SNOWMAN}"), "\"a 'text' \N{SNOWMAN}\""),
    (numpy.datetime64("2024-02-29"), '"2024-02-29T00:00:00"'),
    (numpy.datetime64("1969-12"), '"1969-12-01T00:00:00"'),
    (numpy.datetime64("2024"), '"2024-01-01T00:00:00"'),
    (numpy.datetime64("2024-02-29T12", "W"), '"2024-02-29T00:00:00"'),
    (numpy.datetime64(-1, "ns"), '"1969-12-31T23:59:59"'),
    (numpy.datetime64(-1, "as"), '"1969-12-31T23:59:59"'),
    (numpy.datetime64(3, ("m", 25)), '"1970-01-01T01:15:00"'),
    (numpy.datetime64("9999-12-31T23:59:59.999999"), '"9999-12-31T23:59:59"'),
    (numpy.array([-(2**63)]).view("M8")[0], "null"),  # without a unit; numpy 2.5 deprecates `datetime64("NaT")`
    (numpy.timedelta64("NaT", "Y"), "null"),
    (numpy.timedelta64(5, "s"), "5.0"),
    (numpy.timedelta64(-1500, "ms"), "-1.5"),
    (numpy.timedelta64(1999, "ns"), "1e-6"),
    (numpy.timedelta64(3, ("D", 7)), "1814400.0"),
    (numpy.array(5), "5"),
    (numpy.array([], dtype="f8"), "[]"),
    (numpy.array([1, 2, 3]), "[1,2,3]"),
    (numpy.array([[True], [False]]), "[[true],[false]]"),
    (numpy.arange(12.0).reshape(3, 4)[::-2, ::3], "[[8.0,11.0],[0.0,3.0]]"),
    (numpy.arange(4).reshape(2, 2).T, "[[0,2],[1,3]]"),
    (numpy.zeros((2, 0)), "[[],[]]"),
    (numpy.broadcast_to(numpy.uint64(2**63), (2,)), "[9223372036854775808,9223372036854775808]"),
    (numpy.array([0.5, 1.5], dtype="f2"), "[0.5,1.5]"),
    (numpy.array([1, 2], dtype="longdouble"), "[1.0,2.0]"),
    (
        numpy.array([None, {"a": UUID(int=0)}, [1]], dtype=object),
        '[null,{"a":"00000000-0000-0000-0000-000000000000"},[1]]',
    ),
    (numpy.array([[1, "a"], [None, 2.5]], dtype=object)[::-1].T, '[[null,1],[2.5,"a"]]'),
    (numpy.empty(2, dtype=[("byte", "i1"), ("object", "O")])["object"], "[null,null]"),
    (numpy.array([array_of([numpy.int8(1)]), numpy.zeros(2), True], dtype=object), "[[1],[0.0,0.0],true]"),
    (numpy.zeros((2, 0), dtype=object), "[[],[]]"),
    *((unpickled(array_of([1, "a"])), '[1,"a"]'), (unpickled(numpy.array([1.5, 2])), "[1.5,2.0]")),
    *((unpickled(numpy.array([1, 2], "u1")), "[1,2]"), (unpickled(numpy.array([1, 2], "f4")), "[1.0,2.0]")),
    (numpy.broadcast_to(array_of(["a"]), (3, 1)), '[["a"],["a"],["a"]]'),
    (pandas.Timestamp("2024-02-29T12:00:00.123456789"), '"2024-02-29T12:00:00"'),
    (pandas.Timestamp("2024-02-29T12:00", tz=timezone.utc), '"2024-02-29T12:00:00"'),
    (pandas.Timestamp("2024-02-29T12:00", tz=WEST), '"2024-02-29T15:30:00"'),
    (pandas.Timestamp("2024-07-01T12:00", tz=NEW_YORK), '"2024-07-01T16:00:00"'),
    (pandas.Timestamp("2024-11-03T06:30", tz=timezone.utc).tz_convert(NEW_YORK), '"2024-11-03T06:30:00"'),
    (pandas.Timestamp("2024-11-03T05:30", tz=timezone.utc).tz_convert(NEW_YORK), '"2024-11-03T05:30:00"'),
    (pandas.NaT, "null"),
    (pandas.NA, "null"),
]
# A value that needs Python code after all, and how it is written.
BY_PYTHON: list[tuple[Any, str]] = [
    (time(12, 30, tzinfo=timezone(timedelta(seconds=5))), '"12:30:00+00:00:05"'),
    (time(12, 30, tzinfo=NEW_YORK), '"12:30:00"'),
    (pandas.Timestamp("1970-01-01T12:00"), '"1970-01-01T12:00:00"'),
    (pandas.Timestamp("1972-02-29T12:00"), '"1972-02-29T12:00:00"'),
    (pandas.Timedelta("1.5s"), "1.5"),
    (numpy.array([1, 2], dtype=">i4"), "[1,2]"),
    (numpy.array(["a", "b\ud800"]), '["a","b\ufffd"]'),
    (numpy.array(["2024-01-01", "NaT"], dtype="M8[D]"), '["2024-01-01T00:00:00",null]'),
    (numpy.array([5, 6], dtype="m8[s]"), "[5.0,6.0]"),
    (numpy.array([None, {5}, 7], dtype=object)[:2], "[null,[5]]"),
    (numpy.array("text", dtype=object), '"text"'),
    (numpy.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")])[0:0], "[]"),
]
DEEP: Any = numpy.zeros((1,) * 30)
for _ in range(40):
    DEEP = [DEEP]
TURNING: Any = array_of([1, 2, 3]).reshape(3, 1)
TURNING[:] = array_of([TURNING, TURNING[::-1], [TURNING]]).reshape(3, 1)
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
    (numpy.float16("inf"), "not-a-number"),
    (numpy.float32("nan"), "not-a-number"),
    (numpy.longdouble("1e309"), "not-a-number"),
    (numpy.array([1.0, float("nan")]), "not-a-number"),
    (numpy.timedelta64(5, "M"), "unsupported-type"),
    (numpy.array([5]).view("m8")[0], "unsupported-type"),
    (numpy.datetime64("-0001-01-01"), "unsupported-type"),
    (numpy.timedelta64(2**62, "D"), "unsupported-type"),
    (pandas.Timestamp(numpy.datetime64("20000-01-01", "s")), "unsupported-type"),
    (pandas.Timestamp(datetime(9999, 12, 31, 20, tzinfo=NEW_YORK)), "unsupported-type"),
    (numpy.ma.array([1, 2], mask=[True, False]), "unsupported-type"),
    (numpy.array([1]).view(Measured), "unsupported-type"),
    (numpy.broadcast_to(1, (1000, 1001)), "unsupported-type"),
    (numpy.broadcast_to(1, (10**12,)), "unsupported-type"),
    (numpy.broadcast_to("a", (10**12, 3)), "unsupported-type"),
    (numpy.empty((10**9, 0)), "unsupported-type"),
    (numpy.broadcast_to(array_of([None]), (1_000_001,)), "unsupported-type"),
    (numpy.array(b"bytes", dtype=object), "unsupported-type"),
    (array_of([1, b"bytes", 2]), "unsupported-type"),
    (array_of([1, float("nan"), 2]), "not-a-number"),
    (numpy.zeros(255), "too-many-elements"),
    (numpy.zeros(255, dtype=object), "too-many-elements"),
    ([DEEP], "too-deep"),
    (TURNING, "too-deep"),
    (array_of([{"a": TURNING}, {5}]), "too-deep"),
]


@pytest.fixture
def by_python(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the list of values that Python code converted or copied."""
    given: list[Any] = []
    converted, snapshot = mixpress.snapshot.converted, mixpress.snapshot.snapshot

    def noted(convert: Any) -> Any:
        def convert_noted(value: Any, *more: Any) -> Any:
            given.append(value)
            return convert(value, *more)

        return convert_noted

    monkeypatch.setattr(mixpress.snapshot, "converted", noted(converted))
    monkeypatch.setattr(mixpress.snapshot, "snapshot", noted(snapshot))
    return given


@pytest.mark.parametrize(("value", "written"), WRITTEN, ids=identify)
def test_each_value_is_written_without_python_code(value: Any, written: str, by_python: list[Any]) -> None:
    result = encode_both(event_with(a=value))
    assert [text for _, text in result.events] == [f'{VALID[:-2]},"a":{written}}}}}']
    assert not (by_python and IN_PLACE)


@pytest.mark.parametrize(("value", "written"), BY_PYTHON, ids=identify)
def test_other_values_are_written_by_python_code(value: Any, written: str, by_python: list[Any]) -> None:
    result = encode_both(event_with(a=value))
    assert by_python
    assert [text for _, text in result.events] == [f'{VALID[:-2]},"a":{written}}}}}']


@pytest.mark.parametrize(("value", "rule"), FOUND, ids=identify)
def test_a_bad_value_breaks_its_rule(value: Any, rule: str) -> None:
    result = encode_both(event_with(a=value))
    assert [finding.rule for finding in [*result.rejected, *result.warnings]] == [rule]


LARGE = [
    numpy.broadcast_to(1, (1_000_001,)),
    numpy.broadcast_to(array_of([None]), (1_000_001,)),
    numpy.array([b"bytes"], dtype=object),
    numpy.array(b"bytes", dtype=object),
]


@pytest.mark.parametrize("value", LARGE, ids=identify)
def test_default_converts_an_array_that_is_too_large_or_an_element(value: Any) -> None:
    result = encode_both(event_with(a=value), default=lambda given: type(given).__name__)
    assert [text for _, text in result.events]


@pytest.mark.skipif(not IN_PLACE, reason="by the stable ABI the array is converted first, as one odd value")
def test_an_array_that_the_conversion_of_an_element_changes_is_written_as_it_is_afterwards() -> None:
    class Changing(collections.UserDict[str, Any]):
        def items(self) -> Any:
            array[2] = array[2] + 1
            del array[1]["b"]
            return {"x": 1}.items()

    array = array_of([Changing(), {"b": {5}, "c": 2.5}, 7])
    properties = {"time": 1_700_000_000, "distinct_id": "u", "$insert_id": "i", "a": array}
    (batch,) = mixpress.Encoder(compression=None).encode([{"event": "e", "properties": properties}]).batches
    assert batch.body.endswith(b'"a":[{"x":1},{"c":2.5},8]}}]')


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


def test_a_library_that_is_imported_later_is_read_in_place() -> None:
    program = """
import sys
from mixpress import Encoder, snapshot
encoder = Encoder(compression=None)
properties = {"time": 1700000000, "distinct_id": "u", "$insert_id": "i"}
def encode(value):
    return encoder.encode([{"event": "e", "properties": {**properties, "a": value}}] * 2)
encode({1})
assert "numpy" not in sys.modules and "zoneinfo" not in sys.modules, "mixpress must import neither"
import datetime, numpy, zoneinfo
values = [numpy.float32(0.5), datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo("America/New_York"))]
encode(values)
snapshot.converted = snapshot.snapshot = None
(batch,) = encode(values).batches
assert batch.body.count(b'"a":[0.5,"2024-07-01T04:00:00"]') == 2, batch.body
"""
    if IN_PLACE:
        subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


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
    values: list[Any] = [UUID(int=5), Decimal(1), datetime.now(NEW_YORK), time(1), timedelta(1), 2**70]
    values += [numpy.arange(3), numpy.float32(1), numpy.str_("a"), pandas.Timestamp.now(NEW_YORK), pandas.NaT, NEW_YORK]
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
