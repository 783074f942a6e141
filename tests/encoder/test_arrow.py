"""Arrow tables are encoded like the same events as Python objects, for each Arrow type."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import event as note
from hypothesis import given, settings

import reference
from encoder.arrow_twin import NEEDED, compare, events_of, table_of
from encoder.twins import core_encoder, outcome_of_core, outcome_of_reference
from mixpress import Encoder
from reference import Options
from strategies import options
from strategies.arrow import Table, tables


@given(tables(), options())
def test_any_table_is_encoded_like_its_events(table: Table, chosen: Options) -> None:
    events = events_of(table.batches, table.event, table.columns)
    encoder = core_encoder(chosen)
    result = outcome_of_core(encoder.encode_arrow(table.reader(), event=table.event, columns=table.columns))
    assert result == outcome_of_reference(reference.encode(events, chosen))
    assert result == outcome_of_core(encoder.encode(events))
    note(f"accepted: {bool(result.batches)}")


@settings(max_examples=settings().max_examples // 10)
@given(tables())
def test_derived_ids_are_those_of_the_same_events(table: Table) -> None:
    chosen = Options(insert_id="derive")
    columns = {name: column for name, column in (table.columns or {}).items() if name != "$insert_id"}
    events = events_of(table.batches, table.event, columns)
    result = core_encoder(chosen).encode_arrow(table.reader(), event=table.event, columns=columns)
    assert outcome_of_core(result) == outcome_of_reference(reference.encode(events, chosen))


NS = 1_700_000_000_123_456_789
WRITTEN: list[tuple[pa.Array, str]] = [
    (pa.array([True]), "true"),
    (pa.array([-(2**63)], pa.int64()), "-9223372036854775808"),
    (pa.array([2**64 - 1], pa.uint64()), "18446744073709551615"),
    (pa.array([1.5], pa.float16()), "1.5"),
    (pa.array([0.1], pa.float32()), "0.10000000149011612"),
    (pa.array([1e16], pa.float64()), "1e+16"),
    (pa.array(['é"'], pa.string()), '"é\\""'),
    (pa.array(["a text that does not fit into a view"], pa.string_view()), '"a text that does not fit into a view"'),
    (pa.array(["a", None]).dictionary_encode()[:1], '"a"'),
    (pa.array([19_782], pa.date32()), '"2024-02-29T00:00:00"'),
    (pa.array([date(1969, 12, 31)], pa.date64()), '"1969-12-31T00:00:00"'),
    (pa.array([NS], pa.timestamp("ns", "Europe/Berlin")), '"2023-11-14T22:13:20"'),
    (pa.array([-1], pa.timestamp("ns")), '"1969-12-31T23:59:59"'),
    (pa.array([-62_135_596_800], pa.timestamp("s")), '"0001-01-01T00:00:00"'),
    (pa.array([253_402_300_799_999], pa.timestamp("ms")), '"9999-12-31T23:59:59"'),
    (pa.array([Decimal("1.50")], pa.decimal128(10, 2)), "1.50"),
    (pa.array([Decimal("-0.00000001")], pa.decimal64(18, 8)), "-1E-8"),
    (pa.array([Decimal("1" * 76)], pa.decimal256(76)), "1" * 76),
    (pa.array([Decimal("1E+3")], pa.decimal128(5, -3)), "1E+3"),
    (pa.array([UUID(int=1).bytes], pa.uuid()), '"00000000-0000-0000-0000-000000000001"'),
    (pa.array([[1, None], []], pa.list_(pa.int8()))[:1], "[1,null]"),
    (pa.array([[1.5, None]], pa.list_(pa.float32(), 2)), "[1.5,null]"),
    (pa.array([[["a"], None]], pa.large_list(pa.list_view(pa.string()))), '[["a"],null]'),
    (
        pa.array([{"b": 1, "c": None, "d": {}}], pa.struct({"b": "int8", "c": "int8", "d": pa.struct([])})),
        '{"b":1,"d":{}}',
    ),
    (pa.array([[("b", 1), ("c", None)]], pa.map_(pa.string(), pa.int8())), '{"b":1}'),
    (pa.RunEndEncodedArray.from_arrays([2, 4], pa.array(["x", "y"]))[3:], '"y"'),
]


@pytest.mark.parametrize(("array", "json_text"), [pytest.param(a, text, id=str(a.type)) for a, text in WRITTEN])
def test_each_type_is_written(array: pa.Array, json_text: str) -> None:
    ((body, _, _),) = compare(table_of(a=array)).batches
    assert body.endswith(f',"a":{json_text}}}}}]'.encode())


FOUND: list[tuple[pa.Array, str, str]] = [
    (pa.array([b"b"]), "a", "unsupported-type"),
    (pa.array([b"b" * 16], pa.binary(16)), "a", "unsupported-type"),
    (pa.array([1], pa.time32("s")), "a", "unsupported-type"),
    (pa.array([1], pa.time64("ns")), "a", "unsupported-type"),
    (pa.array([timedelta(1)]), "a", "unsupported-type"),
    (pa.array([(1, 2, 3)], pa.month_day_nano_interval()), "a", "unsupported-type"),
    (pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([5])]), "a", "unsupported-type"),
    (pa.array([2**31 - 1], pa.date32()), "a", "unsupported-type"),
    (pa.array([2**63 - 1], pa.int64()).cast(pa.timestamp("s", "UTC")), "a", "unsupported-type"),
    (pa.array([-62_135_596_801], pa.timestamp("s")), "a", "unsupported-type"),
    (pa.array([[("b", 1), ("b", 2)]], pa.map_(pa.string(), pa.int8())), "a.b", "key-collision"),
    (pa.array([[(1, 1)]], pa.map_(pa.int8(), pa.int8())), "a", "unsupported-type"),
    (pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], ["b", "b"]), "a.b", "key-collision"),
    (pa.array([[{"b": b""}]]), "a[0].b", "unsupported-type"),
    (pa.array([{"b": {"c": {"d": {"e": 1}}}}]), "a.b.c.d", "too-deep"),
    (pa.array([["x"] * 255]), "a", "too-many-elements"),
    (pa.array([[(f"k{number}", 1) for number in range(255)]], pa.map_(pa.string(), pa.int8())), "a", "too-many-keys"),
]


@pytest.mark.parametrize(("array", "path", "rule"), [pytest.param(*row, id=f"{row[0].type}") for row in FOUND])
def test_each_type_is_checked_by_the_rules(array: pa.Array, path: str, rule: str) -> None:
    assert compare(table_of(a=array)).rejected == [(0, "i", f"properties.{path}", rule)]


TIMES: list[tuple[pa.Array, str]] = [
    (pa.array([1_700_000_000], pa.uint32()), "1700000000"),
    (pa.array([1_700_000_000.5], pa.float64()), "1700000000500"),
    (pa.array([Decimal("1700000000.1236")], pa.decimal128(20, 4)), "1700000000124"),
    (pa.array([1_700_000_000], pa.timestamp("s", "UTC")), "1700000000000"),
    (pa.array([1_700_000_000_001_500], pa.timestamp("us", "UTC")), "1700000000002"),
    (pa.array([1_700_000_000_002_500_999], pa.timestamp("ns", "UTC")), "1700000000002"),
    (pa.array([1_700_000_000_002_501_000], pa.timestamp("ns", "UTC")), "1700000000003"),
]


@pytest.mark.parametrize(("array", "milliseconds"), [pytest.param(a, ms, id=f"{a.type}: {ms}") for a, ms in TIMES])
def test_each_time_is_written(array: pa.Array, milliseconds: str) -> None:
    ((body, _, _),) = compare(table_of(time=array)).batches
    assert f'"time":{milliseconds},'.encode() in body


@pytest.mark.parametrize(
    ("array", "rule"),
    [
        (pa.array([1_700_000_000], pa.timestamp("s")), "time-type"),
        (pa.array(["1700000000"]), "time-type"),
        (pa.array([19_000], pa.date32()), "time-type"),
        (pa.array([None], pa.int64()), "time-missing"),
        (pa.array([10], pa.int64()), "time-too-old"),
    ],
    ids=str,
)
def test_a_bad_time_is_rejected(array: pa.Array, rule: str) -> None:
    assert compare(table_of(time=array)).rejected == [(0, "i", "properties.time", rule)]


def test_a_null_is_a_missing_field() -> None:
    names = ["event", "time", "distinct_id", "$insert_id"]
    table = pa.table({name: [None if row == at else NEEDED[name] for row in range(4)] for at, name in enumerate(names)})
    rules = [rule for _, _, _, rule in compare(table).rejected]
    assert rules == ["event-missing", "time-missing", "distinct-id-missing", "insert-id-missing"]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_text_that_is_not_utf8_is_repaired(kind: pa.DataType) -> None:
    """Some producers do not validate their texts, such as readers of Parquet files."""
    storage = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary(), pa.string_view(): pa.binary_view()}[kind]
    data = [b"ok", b"a\xffb", None, b"\xc3", b"\xa9 a continuation byte, in more bytes than fit into a view"]
    array = pa.array(data, storage)
    texts = pa.Array.from_buffers(kind, len(data), array.buffers())
    encoded = Encoder(compression=None).encode_arrow(table_of(5, a=texts))
    assert [warning.index for warning in encoded.warnings] == [1, 3, 4]
    assert {(warning.field, warning.rule) for warning in encoded.warnings} == {("properties.a", "invalid-unicode")}
    values = [event["properties"].get("a") for event in json.loads(encoded.batches[0].body)]
    assert values == [each if each is None else each.decode(errors="replace") for each in data]


@pytest.mark.parametrize(("levels", "rules"), [(64, []), (65, ["too-deep"]), (190, ["too-deep"])])
def test_64_levels_of_lists_pass(levels: int, rules: list[str]) -> None:
    value: Any = 1
    kind: pa.DataType = pa.int8()
    for _ in range(levels):
        value, kind = [value], pa.list_(kind)
    assert [rule for *_, rule in compare(table_of(a=pa.array([value], kind))).rejected] == rules
