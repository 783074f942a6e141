"""The JSON form of each Python type, as a table that the reference and the core agree with."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter, OrderedDict, UserDict, namedtuple
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import numpy
import pandas
import pytest

import reference
from cases.rule_cases import VALID
from encoder.twins import core_encoder, outcome_of_core, outcome_of_reference
from reference import Options
from strategies import Color, Float, Integer, Level, Lying, Pairs, Point, Raising, Text, Unpaired, Word

EAST = timezone(timedelta(hours=5, minutes=30))
NO_TIME = numpy.array([-(2**63)])
"""As an array of times it holds NaT. numpy 2.5 deprecates `datetime64("NaT")`, of no unit, but not to have one."""
Pair = namedtuple("Pair", "x y")


class Dressed:
    """A base of types whose text is for people."""

    def __str__(self) -> str:
        return '$1",'

    __repr__ = __str__

    def __format__(self, _spec: str, _context: object = None) -> str:
        return '$1",'


class Money(Dressed, Decimal):
    def is_finite(self) -> bool:
        return True


class Price(Decimal):
    def __new__(cls, text: str) -> Price:
        return super().__new__(cls, text)

    def __str__(self) -> str:
        return "1" * 400


class Code(Dressed, int):
    pass


class Ratio(Dressed, float):
    pass


class Shouting(Dressed, str):
    pass


class Reference(Dressed, UUID):
    pass


# A value of `properties.a`, and how it is written.
WRITTEN: list[tuple[Any, str]] = [
    (datetime(2024, 2, 29, 12, 30, 59, 999999, timezone.utc), '"2024-02-29T12:30:59"'),
    (datetime(2024, 3, 1, 2, 0, tzinfo=EAST), '"2024-02-29T20:30:00"'),
    (datetime(2024, 2, 29, 12, 30, 59, 999999), '"2024-02-29T12:30:59"'),
    (datetime(1, 1, 1), '"0001-01-01T00:00:00"'),
    (datetime(9999, 12, 31, 23, 59, 59, 999999), '"9999-12-31T23:59:59"'),
    (datetime(1969, 12, 31, 23, 59, 59, 500000, timezone.utc), '"1969-12-31T23:59:59"'),
    (datetime(2024, 1, 1, tzinfo=timezone(timedelta(microseconds=1))), '"2023-12-31T23:59:59"'),
    (date(987, 6, 5), '"0987-06-05T00:00:00"'),
    (Decimal("1.50"), "1.50"),
    (Decimal("1E+3"), "1E+3"),
    (Decimal("-0"), "-0"),
    (Decimal("0E-10"), "0E-10"),
    (Decimal("1E-400"), "1E-400"),
    (Decimal("123456789012345678901234567890.123456789"), "123456789012345678901234567890.123456789"),
    (UUID("29FC2962-6D9C-455D-95AD-95B84F09B9E4"), '"29fc2962-6d9c-455d-95ad-95b84f09b9e4"'),
    (Color.TEXT, '"a long text is in it"'),
    (Color.NESTED, '{"a":[1.5,null]}'),
    (Word.SHORT, '"word"'),
    (Level.HIGH, "1" + "0" * 30),
    (Point(1, Point([2.0])), '{"x":1,"y":{"x":[2.0],"y":null}}'),
    ((1, ("a",)), '[1,["a"]]'),
    (Pair(1, 2), "[1,2]"),
    ({3, 1, 2.5}, "[1,2.5,3]"),
    (frozenset({"b", "a", "é"}), '["a","b","é"]'),
    ({(2, 1), (1, 2)}, "[[1,2],[2,1]]"),
    (set(), "[]"),
    ({None}, "[null]"),
    (OrderedDict(b=1, a=2), '{"b":1,"a":2}'),
    (Counter("aab"), '{"a":2,"b":1}'),
    (UserDict(a=1), '{"a":1}'),
    (Pairs([("b", 1), (Text("c"), 2)]), '{"b":1,"c":2}'),
    (Lying([("b", 1)]), '{"b":1}'),
    ({Text("own"): Text("text")}, '{"own":"text"}'),
    (Integer(5), "5"),
    (Integer(10**30), "1" + "0" * 30),
    (Float(1e16), "1e+16"),
    (True, "true"),
    (10**308, "1" + "0" * 308),
    (numpy.int64(-5), "-5"),
    (numpy.uint64(2**64 - 1), "18446744073709551615"),
    (numpy.float64(0.1), "0.1"),
    (numpy.float32(0.5), "0.5"),
    (numpy.bool_(True), "true"),
    (numpy.str_("text"), '"text"'),
    (numpy.datetime64("2024-02-29T12:00:00.999999999"), '"2024-02-29T12:00:00"'),
    (numpy.datetime64("2024-02-29"), '"2024-02-29T00:00:00"'),
    (numpy.array(1.5), "1.5"),
    (numpy.longdouble(1.5), "1.5"),
    (NO_TIME.view("M8")[0], "null"),
    (numpy.datetime64("NaT", "ns"), "null"),
    (NO_TIME.view("m8")[0], "null"),
    (numpy.timedelta64("NaT", "ns"), "null"),
    (pandas.NaT, "null"),
    (pandas.NA, "null"),
    ({"a": [pandas.NA, pandas.NaT]}, '{"a":[null,null]}'),
    (pandas.Timestamp("2024-02-29T12:00", tz="UTC"), '"2024-02-29T12:00:00"'),
    (Money("3.5"), "3.5"),
    (Price("3.50"), "3.50"),
    (Code(7), "7"),
    (Code(2**70), "1180591620717411303424"),
    (Ratio(0.5), "0.5"),
    (Shouting("low"), '"low"'),
    ({Shouting("low"): Money("1")}, '{"low":1}'),
    (Reference(int=5), '"00000000-0000-0000-0000-000000000005"'),
]

# A value of `properties.a`, and its findings.
FOUND: list[tuple[Any, list[tuple[str, str]]]] = [
    (Decimal("NaN"), [("", "not-a-number")]),
    (Decimal("sNaN"), [("", "not-a-number")]),
    (Decimal("-Infinity"), [("", "not-a-number")]),
    (numpy.float32("inf"), [("", "not-a-number")]),
    (Float("nan"), [("", "not-a-number")]),
    (b"bytes", [("", "unsupported-type")]),
    (bytearray(b"b"), [("", "unsupported-type")]),
    (1j, [("", "unsupported-type")]),
    (object(), [("", "unsupported-type")]),
    (range(3), [("", "unsupported-type")]),
    (iter([1]), [("", "unsupported-type")]),
    (Point, [("", "unsupported-type")]),
    (Color.BROKEN, [("", "unsupported-type")]),
    (Raising(), [("", "unsupported-type")]),
    (Unpaired(), [("", "unsupported-type")]),
    (numpy.complex128(1), [("", "unsupported-type")]),
    (10**309, [("", "not-a-number")]),
    (-(10**5000), [("", "not-a-number")]),
    (Code(10**400), [("", "not-a-number")]),
    (Decimal("1e400"), [("", "not-a-number")]),
    (Decimal("-1.8E+308"), [("", "not-a-number")]),
    (Money("NaN"), [("", "not-a-number")]),
    ([1, 10**400], [("[1]", "not-a-number")]),
    (numpy.longdouble("1e400"), [("", "not-a-number")]),
    (numpy.clongdouble(1), [("", "unsupported-type")]),
    (Fraction(1, 2), [("", "unsupported-type")]),
    (numpy.datetime64("30000-01-01"), [("", "unsupported-type")]),
    (datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), [("", "unsupported-type")]),
    (datetime.min.replace(tzinfo=EAST), [("", "unsupported-type")]),
    ([1, object()], [("[1]", "unsupported-type")]),
    ({1: 2}, [("", "unsupported-type")]),
    ({None: 1, "b": {True: 1}}, [("", "unsupported-type")]),
    (Pairs([("b", 1), (Text("b"), 2)]), [(".b", "key-collision")]),
    ({"b": (object, 1, iter)}, [(".b[0]", "unsupported-type"), (".b[2]", "unsupported-type")]),
]

# A value of `properties.time`, and how it is written.
TIMES: list[tuple[Any, str]] = [
    (datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc), "1700000000000"),
    (datetime(2023, 11, 15, 3, 43, 20, tzinfo=EAST), "1700000000000"),
    (datetime(2023, 11, 14, 22, 13, 20, 500, timezone.utc), "1700000000000"),
    (datetime(2023, 11, 14, 22, 13, 20, 501, timezone.utc), "1700000000001"),
    (datetime(2023, 11, 14, 22, 13, 20, 1500, timezone.utc), "1700000000002"),
    (datetime(2023, 11, 14, 22, 13, 20, 2500, timezone.utc), "1700000000002"),
    (datetime(1971, 1, 1, tzinfo=timezone.utc), "31536000000"),
    (Decimal("1700000000"), "1700000000"),
    (Decimal("1700000000.1236"), "1700000000124"),
    (Decimal("17E+8"), "1700000000000"),
    (numpy.int64(1700000000), "1700000000"),
    (numpy.float64(1700000000.5), "1700000000500"),
    (Integer(1700000000), "1700000000"),
    (Float(1.7e9), "1700000000000"),
]

# A value of `properties.time`, and the rule that it breaks.
BAD_TIMES: list[tuple[Any, str]] = [
    (datetime(2023, 11, 14), "time-type"),
    (date(2023, 11, 14), "time-type"),
    (numpy.datetime64("2023-11-14"), "time-type"),
    (Decimal("NaN"), "time-type"),
    (Raising(), "time-type"),
    (Text("1700000000"), "time-type"),
    (datetime(1970, 12, 31, 23, 59, 59, 999000, timezone.utc), "time-too-old"),
    (datetime.min.replace(tzinfo=EAST), "time-type"),
    (datetime.min.replace(tzinfo=timezone.utc), "time-too-old"),
    (Decimal(5), "time-too-old"),
]


def encode_both(event: Any, **options: Any) -> Any:
    chosen = Options(**options)
    expected = reference.encode([event], chosen)
    assert outcome_of_core(core_encoder(chosen).encode([event])) == outcome_of_reference(expected)
    return expected


def event_with(**properties: Any) -> dict[str, Any]:
    return {"event": "e", "properties": {"time": 1700000000, "distinct_id": "u", "$insert_id": "i", **properties}}


def identify(value: Any) -> str:
    """Name a value by its type and `repr`, less addresses and the order of sets: pytest-xdist compares ids."""
    if isinstance(value, int):
        return type(value).__name__
    written = repr(sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value)
    return f"{type(value).__name__} {re.sub(' at 0x[0-9a-f]+', '', written):.60}"


@pytest.mark.parametrize(("value", "written"), WRITTEN, ids=identify)
def test_each_value_is_written(value: Any, written: str) -> None:
    result = encode_both(event_with(a=value))
    assert (result.rejected, result.warnings) == ([], [])
    assert [text for _, text in result.events] == [f'{VALID[:-2]},"a":{written}}}}}']


@pytest.mark.parametrize(("value", "found"), FOUND, ids=identify)
def test_a_bad_value_breaks_its_rule(value: Any, found: list[tuple[str, str]]) -> None:
    result = encode_both(event_with(a=value))
    findings = [(finding.field, finding.rule) for finding in result.rejected or result.warnings]
    assert findings == [(f"properties.a{path}", rule) for path, rule in found][: len(result.rejected) or None]


@pytest.mark.parametrize(("value", "written"), TIMES, ids=identify)
def test_each_time_is_written(value: Any, written: str) -> None:
    result = encode_both(event_with(time=value))
    assert [text for _, text in result.events] == [VALID.replace("1700000000", written)]


@pytest.mark.parametrize(("value", "rule"), BAD_TIMES, ids=identify)
def test_a_bad_time_breaks_its_rule(value: Any, rule: str) -> None:
    result = encode_both(event_with(time=value))
    assert [(finding.field, finding.rule) for finding in result.rejected] == [("properties.time", rule)]


def test_ids_can_be_enums_and_uuids() -> None:
    properties = {"time": 1700000000, "distinct_id": Color.TEXT, "$insert_id": UUID(int=1)}
    result = encode_both({"event": Word.LONG, "properties": properties})
    written = json.loads(result.events[0][1])
    assert written["event"] == "a word, but a long one"
    assert written["properties"]["distinct_id"] == "a long text is in it"
    assert written["properties"]["$insert_id"] == "00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize("make", [dict, OrderedDict, UserDict, lambda event: Pairs(list(event.items()))])
def test_an_event_can_be_any_mapping(make: Any) -> None:
    event = make({**event_with(), "properties": make(event_with()["properties"])})
    assert [text for _, text in encode_both(event).events] == [VALID]


def test_an_event_can_be_a_dataclass() -> None:
    event = dataclasses.make_dataclass("Event", ["event", "properties"])("e", event_with()["properties"])
    assert [text for _, text in encode_both(event).events] == [VALID]


def test_an_event_that_cannot_be_read_is_not_an_object() -> None:
    for event in (Raising(), Unpaired(), Color.BROKEN):
        assert [finding.rule for finding in encode_both(event).rejected] == ["event-not-object"]


def test_a_name_that_is_not_text_is_left_out_if_the_rule_warns() -> None:
    options = {"rules": {"unsupported-type": "warn"}}
    result = encode_both({1: object(), **event_with(a={None: 1, "b": object()}), 2: 3}, **options)
    assert [text for _, text in result.events] == [f'{VALID[:-2]},"a":{{"b":null}}}}}}']
    assert [finding.field for finding in result.warnings] == ["", "properties.a", "properties.a.b", ""]


@pytest.mark.parametrize("rule", ["reject", "warn", "off"])
def test_a_value_that_contains_itself_is_too_deep(rule: str) -> None:
    own_list: list[Any] = []
    own_list.append(own_list)
    own_dict: dict[str, Any] = {}
    own_dict["n"] = own_dict
    pairs = Pairs([])
    pairs.pairs.append(("n", pairs))
    for value in (own_list, own_dict, pairs):
        result = encode_both(event_with(a=value), rules={"too-deep": rule})
        assert [finding.rule for finding in result.rejected] == ["too-deep"]
