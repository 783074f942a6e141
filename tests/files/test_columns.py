"""A mapping of columns makes the events that a mapping of their rows makes."""

from __future__ import annotations

import json
import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings

from mixpress import Encoded, Encoder, Limits, Mapping
from mixpress.files.columns import values_of
from mixpress.files.mapper import encode_batch, mapper_of
from strategies.records import HAS_CEL, mappings, record_batches

MISSING = ("event-missing", "event-type", "event-blank", "time-missing", "time-too-old", "distinct-id-missing")
OTHERS = ("distinct-id-type", "distinct-id-disallowed", "insert-id-missing", "insert-id-type", "insert-id-disallowed")
LENIENT = Encoder(compression=None, limits=Limits(rules=dict.fromkeys((*MISSING, *OTHERS), "off")))
"""Encodes nearly all, so that nearly all is compared."""


def plain(value: Any) -> Any:
    """Return a value in a form that can be compared: NaN equals NaN."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def without_nulls(value: Any) -> Any:
    """Return an event without the members that are null: a table leaves them out."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return value


def written(encoded: Encoded) -> list[dict[str, Any]]:
    """Return the events of all batches; their members have an order of no meaning."""
    return [json.loads(event) for batch in encoded.batches for event in batch.events()]


def rows_of(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return the rows. An object of the API that is null has its members, as in the table."""
    rows = values_of(batch)
    place = batch.schema.get_field_index("properties") if "event" in batch.schema.names else -1
    if place >= 0 and pa.types.is_struct(kind := batch.schema.field(place).type):
        members = dict.fromkeys(kind.field(member).name for member in range(kind.num_fields))
        rows = [row | {"properties": members if row["properties"] is None else row["properties"]} for row in rows]
    return rows


def events_of(table: pa.RecordBatch, event: str | None, columns: dict[str, str]) -> list[dict[str, Any]]:
    named = columns.get("event")
    found = []
    for row in values_of(table):
        name = row.pop(named) if event is None else event
        found.append(without_nulls({"event": name, "properties": row}))
    return found


@settings(max_examples=300)
@given(record_batches(), mappings())
def test_columns_are_rows(batch: pa.RecordBatch, mapping: Mapping) -> None:
    mapper = mapper_of(mapping)
    rows = mapper.rows(rows_of(batch))
    piece = encode_batch(LENIENT, mapper, batch)
    if not mapper.takes_columns(batch):
        assert len(piece.records) + len(piece.problems) <= batch.num_rows
        return
    assert (list(piece.records), list(piece.problems)) == (list(rows.records), rows.problems)
    mapped = mapper.columns(batch)
    assert plain(events_of(mapped.table, mapped.event, dict(mapped.columns))) == plain(
        list(map(without_nulls, rows.events))
    )
    encoded = LENIENT.encode(list(map(without_nulls, rows.events)))
    assert written(piece.encoded) == written(encoded)
    assert [(one.index, one.rule) for one in piece.encoded.rejected] == [
        (one.index, one.rule) for one in encoded.rejected
    ]


def test_a_timestamp_that_python_cannot_have_is_a_problem() -> None:
    ticks = pa.array([2**62, 0, -(2**62)], pa.int64())
    for unit in ("s", "ms", "us"):
        batch = pa.RecordBatch.from_arrays([ticks.cast(pa.timestamp(unit))], names=["time"])
        mapped = mapper_of(Mapping(event="Seen", time_zone="Europe/Berlin")).columns(batch)
        assert [(one.record, one.rule) for one in mapped.problems] == [(0, "unreadable-time"), (2, "unreadable-time")]
        assert list(mapped.records) == [1]


def test_the_values_of_a_batch_with_nanoseconds_are_read_without_pandas() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([1, 2**62], pa.timestamp("ns"))], names=["time"])
    assert [row["time"].year for row in values_of(batch)] == [1970, 2116]


def test_views_are_taken_apart() -> None:
    """Polars and others have them, also within objects and lists."""
    inner = pa.struct([("a", pa.string_view()), ("b", pa.list_(pa.string_view()))])
    arrays = [
        pa.array([1, None]),
        pa.array([{"a": "x", "b": ["y"]}] * 2, inner),
        pa.array([b"z", None], pa.binary_view()),
    ]
    batch = pa.RecordBatch.from_arrays(arrays, names=["time", "n", "raw"])
    mapped = mapper_of(Mapping(event="Seen", since="1970-01-01", drop=["n.b"], rename={"n.a": "A"})).columns(batch)
    assert mapped.table.to_pylist()[0] == {"time": 1, "n": {}, "raw": b"z", "A": "x"}


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_an_hour_that_occurs_twice_is_its_first_occurrence_and_a_skipped_one_counts_on(kind: pa.DataType) -> None:
    texts = pa.array(["2024-10-27 02:30:00", "2024-03-31 02:30:00"], kind)
    batch = pa.RecordBatch.from_arrays([texts], names=["time"])
    mapped = mapper_of(Mapping(event="Seen", time_zone="Europe/Berlin")).columns(batch)
    assert mapped.table["time"].to_pylist() == [1_729_989_000_000, 1_711_848_600_000]


def test_an_object_alone_is_a_property() -> None:
    """A table of events of the API has such a column too."""
    batch = pa.RecordBatch.from_arrays([pa.array([{"a": 1}, None])], names=["properties"])
    piece = encode_batch(LENIENT, mapper_of(Mapping(event="Seen")), batch)
    assert [event["properties"] for event in written(piece.encoded)] == [{"properties": {"a": 1}}, {}]


def runs() -> pa.Array:
    return pa.RunEndEncodedArray.from_arrays(pa.array([1, 3], pa.int32()), pa.array(["a", "b"]))


KINDS: dict[str, pa.Array] = {
    "runs": runs(),
    "runs of an object": pa.StructArray.from_arrays([runs()], ["x"]),
    "list view": pa.array([[1], [2], None], pa.list_view(pa.int64())),
    "large list view": pa.array([[1], [2], None], pa.large_list_view(pa.int64())),
    "fixed list": pa.array([[1], [2], None], pa.list_(pa.int64(), 1)),
    "map": pa.array([[("a", 1)], [], None], pa.map_(pa.string(), pa.int64())),
    "binary": pa.array([b"a", None, b"c"]),
    "fixed binary": pa.array([b"a", None, b"c"], pa.binary(1)),
    "views in a dictionary": pa.DictionaryArray.from_arrays(
        pa.array([0, 1, 0]), pa.array(["a", "b"], pa.string_view())
    ),
    "dictionary in an object": pa.array([{"a": "x"}] * 3, pa.struct([("a", pa.dictionary(pa.int8(), pa.string()))])),
    "decimal256": pa.array([1, None, 2]).cast(pa.decimal256(40, 2)),
    "time of day": pa.array([1, None, 2], pa.time32("s")),
    "duration": pa.array([1, None, 2], pa.duration("ms")),
    "interval": pa.array([pa.MonthDayNano([1, 2, 3])] * 3),
    "half": pa.array([1, None, 2]).cast(pa.float64()).cast(pa.float16()),
    "nanoseconds": pa.array([1, None, 2**62], pa.timestamp("ns", "UTC")),
    "date64": pa.array([0, None, 86_400_000], pa.date64()),
    "union": pa.UnionArray.from_sparse(
        pa.array([0, 1, 0], pa.int8()), [pa.array([1, 2, 3]), pa.array(["a", "b", "c"])]
    ),
}


@pytest.mark.parametrize("role", ["property", "time", "distinct_id", "event", "where"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_any_kind_can_be_mapped(kind: str, role: str) -> None:
    """Polars has dictionaries of views; others are rare."""
    options: dict[str, Any] = {} if role == "event" else {"event": "Seen"}
    if role == "where" and HAS_CEL:
        options["where"] = "where != null || true"
    if role != "time":
        options["time_column"] = "t"
    columns = [KINDS[kind], pa.array([1_700_000_000, 1_500_000_000, None])]
    batch = pa.RecordBatch.from_arrays(columns, names=[role, "t"])
    mapping = Mapping(**options, since="2020-01-01", drop=["where.x"], placeholder_ids="blank", sample=0.9)
    piece = encode_batch(LENIENT, mapper_of(mapping), batch)
    assert len(piece.records) + len(piece.problems) <= 3
