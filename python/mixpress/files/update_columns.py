"""A mapping of updates of profiles on a record batch, a column at a time. The result is that of `update_rows` of its
rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mixpress.files.columns import ColumnMapping, id_of, plain, repeated, table_of, without_views
from mixpress.files.mapped import MappedColumns
from mixpress.files.update_rows import OPERATIONS, PROPERTIES, lacks_operation, option_of_id

if TYPE_CHECKING:
    from mixpress.files.steps import Steps
    from mixpress.files.time_columns import Array


def takes_columns(batch: pa.RecordBatch) -> bool:
    """Return whether the rows of a batch are flat, and the core reads the types of its columns as it reads the values
    that Python has for them.
    """
    names = batch.schema.names
    is_flat = not any(name in OPERATIONS or name == PROPERTIES for name in names) and not lacks_operation(names)
    return is_flat and all(map(_is_usual, batch.schema.types))


def map_update_columns(steps: Steps, batch: pa.RecordBatch) -> MappedColumns:
    """Return the updates of a record batch for which `takes_columns` is true."""
    columns = dict(zip(batch.schema.names, map(without_views, batch.columns), strict=True))
    return _Updates(steps, columns, batch.num_rows, of_api=True).result()


class _Updates(ColumnMapping):
    """The updates of one record batch: the id, and an object with the properties."""

    def result(self) -> MappedColumns:
        ((field, column, path),) = self.named.fields
        if path is None:
            self.missing(option_of_id(field), column)
        id = pa.nulls(self.count, pa.string()) if path is None else id_of(plain(self.at(path)))
        self.sample(id)
        rows, records = self.records()
        operation = self.steps.mapping.operation
        if operation == "delete":
            operand = repeated("", len(records))
        else:
            found = self.properties()
            if operation == "union":
                found = {name: _as_lists(values) for name, values in found.items()}
            operand = _objects(table_of(found, rows), len(records))
        update = {**_columns_of(table_of({field: id}, rows)), f"${operation}": operand}
        return MappedColumns(table_of(update), None, {}, records, self.problems)


def _columns_of(batch: pa.RecordBatch) -> dict[str, Array]:
    return dict(zip(batch.schema.names, batch.columns, strict=True))


def _objects(properties: pa.RecordBatch, count: int) -> Array:
    """Return a column of objects, whose members are these columns. Nothing is copied."""
    if not properties.num_columns:
        return pa.array([{}] * count, pa.struct([]))
    return pa.StructArray.from_arrays(properties.columns, properties.schema.names)


def _as_lists(values: Array) -> Array:
    """Return a column of lists as it is, and any other as one of lists with a single value."""
    values = plain(values)
    if _is_list(values.type):
        return values
    offsets = pa.array(range(len(values) + 1), pa.int32())
    return pa.ListArray.from_arrays(offsets, values, mask=values.is_null())


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
        or types.is_list_view(kind)
        or types.is_large_list_view(kind)
    )


def _is_usual(kind: Any) -> bool:
    """Return whether the core writes the values of a type as it writes those that `to_pylist` returns."""
    types = pa.types
    if types.is_struct(kind):
        return all(_is_usual(kind.field(place).type) for place in range(kind.num_fields))
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return _is_flat(kind.value_type)  # Arrow can't decode all others
    return _is_usual(kind.value_type) if _is_list(kind) else _is_flat(kind)


def _is_flat(kind: Any) -> bool:
    types = pa.types
    return bool(
        types.is_boolean(kind)
        or types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
        or types.is_timestamp(kind)
        or types.is_date(kind)
        or types.is_null(kind)
    )
