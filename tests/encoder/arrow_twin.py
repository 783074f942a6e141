"""A slow, obvious twin of `encode_arrow`: turns tables into events of Python objects, cell by cell.

`compare` checks that the core encodes a table exactly like those events.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import pyarrow as pa

import reference
from encoder.twins import Outcome, core_encoder, outcome_of_core, outcome_of_reference
from mixpress import Encoder
from reference import Options
from strategies import Pairs

EPOCH = datetime(1970, 1, 1)
TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}  # in a second
NO_JSON_FORM = object()


def events_of(
    batches: list[pa.RecordBatch], event: str | None = None, columns: Mapping[str, str] | None = None
) -> list[Any]:
    """Return the events of record batches, without nulls. `event` and `columns` are those of `encode_arrow`."""
    return [row for batch in batches for row in rows_of(batch, event, dict(columns or {}))]


def rows_of(batch: pa.RecordBatch, event: str | None, columns: dict[str, str]) -> Iterator[Any]:
    named = list(zip(batch.schema.names, batch.columns, strict=True))
    name_column = None if event is not None else columns.pop("event", "event")
    api_names = {column: name for name, column in columns.items()}
    properties = [(api_names.get(name, name), array) for name, array in named if name != name_column]
    is_struct = [name for name, _ in properties] == ["properties"] and pa.types.is_struct(properties[0][1].type)
    for row in range(batch.num_rows):
        name = event if name_column is None else cell(batch.column(name_column), row)
        written = members(properties, row)
        if is_struct:
            inside = written.get("properties")
            written = None if inside is None else {api_names.get(key, key): inside[key] for key in inside}
        yield {key: value for key, value in (("event", name), ("properties", written)) if value is not None}


def rows_of_updates(batch: pa.RecordBatch, columns: Mapping[str, str]) -> list[Any]:
    """Return the updates of a record batch, without nulls. `columns` is that of `encode_arrow`."""
    api_names = {column: name for name, column in columns.items()}
    named = [(api_names.get(name, name), array) for name, array in zip(batch.schema.names, batch.columns, strict=True)]
    return [members(named, row) for row in range(batch.num_rows)]


def members(named: list[tuple[str, pa.Array]], row: int) -> Any:
    """Return an object of the cells that are not null. Names may occur twice."""
    pairs = [(name, cell(array, row)) for name, array in named]
    pairs = [(name, value) for name, value in pairs if value is not None]
    return as_object(pairs)


def as_object(pairs: list[tuple[Any, Any]]) -> Any:
    return dict(pairs) if len(dict(pairs)) == len(pairs) else Pairs(pairs)


def cell(array: pa.Array, row: int) -> Any:
    """Return a cell as a Python object, None if it is null."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        position = array.indices[row].as_py()
        return None if position is None else cell(array.dictionary, position)
    if pa.types.is_run_end_encoded(kind):
        ends = array.run_ends.to_pylist()
        return cell(array.values, next(at for at, end in enumerate(ends) if end > array.offset + row))
    if isinstance(array, pa.ExtensionArray) and kind != pa.uuid():
        return cell(array.storage, row)
    scalar = array[row]
    if not scalar.is_valid or (pa.types.is_union(kind) and scalar.as_py() is None):
        return None
    if pa.types.is_struct(kind):
        return members([(kind.field(at).name, array.field(at)) for at in range(kind.num_fields)], row)
    if pa.types.is_map(kind):
        names, values = scalar.values.field(0), scalar.values.field(1)
        pairs = [(cell(names, at), cell(values, at)) for at in range(len(names))]
        return as_object([(name, value) for name, value in pairs if value is not None])
    if pa.types.is_nested(kind) and not pa.types.is_union(kind):
        return [cell(scalar.values, at) for at in range(len(scalar.values))]
    return moment(scalar) if pa.types.is_date(kind) or pa.types.is_timestamp(kind) else plain(scalar)


def moment(scalar: pa.Scalar) -> Any:
    """Return a date or a datetime, without nanoseconds. One that Python can't represent has no JSON form."""
    kind = scalar.type
    try:
        if pa.types.is_date(kind):
            days = scalar.value if pa.types.is_date32(kind) else scalar.value // 86_400_000
            return EPOCH.date() + timedelta(days=days)
        read = EPOCH + timedelta(microseconds=scalar.value * 10**6 // TICKS[kind.unit])
        return read if kind.tz is None else read.replace(tzinfo=timezone.utc)
    except OverflowError:
        return NO_JSON_FORM


def plain(scalar: pa.Scalar) -> Any:
    kind = scalar.type
    has_form = (
        pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
    )
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return scalar.as_py() if has_form or is_text or kind == pa.uuid() else NO_JSON_FORM


# --- the core beside the twin ---

NEEDED: dict[str, Any] = {"event": "e", "time": 1_700_000_000, "distinct_id": "u", "$insert_id": "i"}


def table_of(rows: int = 1, /, **columns: Any) -> pa.Table:
    """Return a table of valid events, with additional or other columns."""
    return pa.table({name: [value] * rows for name, value in NEEDED.items()} | columns)


def compare(table: Any, event: str | None = None, columns: dict[str, str] | None = None, **named: Any) -> Outcome:
    """Encode the table, and its events as Python objects by the core and by the reference: all must agree."""
    chosen = Options(**named)
    batches = table.to_batches()
    events = events_of(batches, event, columns)
    encoder = core_encoder(chosen)
    result = outcome_of_core(encoder.encode_arrow(table, event=event, columns=columns))
    assert result == outcome_of_core(encoder.encode(events))
    assert result == outcome_of_reference(reference.encode(events, chosen))
    return result


def written(table: Any, **named: Any) -> list[dict[str, Any]]:
    """Return the events of the only batch of a table, all of which are accepted."""
    encoded = Encoder(compression=None).encode_arrow(table, **named)
    assert encoded.rejected == []
    events: list[dict[str, Any]] = json.loads(encoded.batches[0].body)
    return events
