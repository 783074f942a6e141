"""A mapping on a record batch, a column at a time. The result is that of `rows` of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from mixpress._core import DISALLOWED_IDS
from mixpress.files.checked import FIELDS
from mixpress.files.mapped import MappedColumns, missing_column, unreadable_time, where_failed
from mixpress.files.time_columns import read_times, taken
from mixpress.files.times import SMALLEST_MILLISECONDS
from mixpress.files.where import RECORD, WhereFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress.files.problem import Problem
    from mixpress.files.steps import Steps
    from mixpress.files.time_columns import Array


def map_columns(steps: Steps, batch: pa.RecordBatch) -> MappedColumns:
    """Return the events of a record batch."""
    return _Events(steps, batch).result()


def values_of(column: pa.Array | pa.RecordBatch) -> list[Any]:
    """Return the values of a column, or the rows of a batch, as Python objects; None for one that Python can't have."""
    try:
        values: list[Any] = column.to_pylist(maps_as_pydicts="lossy")
    except (ValueError, OverflowError):
        if isinstance(column, pa.RecordBatch):
            columns = {name: values_of(inner) for name, inner in zip(column.schema.names, column.columns, strict=True)}
            return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        values = [_value_of(scalar) for scalar in column]
    return values


def _value_of(scalar: pa.Scalar) -> Any:
    """Return a value, or None for one that Python can't have, such as a time after the year 9999."""
    try:
        return scalar.as_py(maps_as_pydicts="lossy")
    except (ValueError, OverflowError):
        if pa.types.is_timestamp(scalar.type) and scalar.type.unit == "ns":
            return _value_of(scalar.cast(pa.timestamp("us", scalar.type.tz), safe=False))
        return None


class ColumnMapping:
    """One record batch. `taken` has the rows that are still to become events, or updates; None means all."""

    def __init__(self, steps: Steps, columns: dict[str, Array], count: int, *, of_api: bool) -> None:
        self.steps = steps
        self.count = count
        self.columns = columns
        self.named = steps.named(columns, of_api=of_api)
        self.taken: Array = None
        self.problems: list[Problem] = []

    def records(self) -> tuple[Array, Sequence[int]]:
        """Return the rows that are taken, None for all, and their numbers."""
        if self.taken is None:
            return None, range(self.count)
        rows = pc.indices_nonzero(self.taken)
        return rows, memoryview(rows.buffers()[1]).cast("Q")[: len(rows)] if len(rows) else ()

    def leave_out(self, rows: Array) -> None:
        """Take nothing of the rows that are true."""
        left = pc.invert(pc.fill_null(rows, False))
        if not pc.all(left).as_py():
            self.taken = left if self.taken is None else pc.and_(self.taken, left)

    def is_taken(self, row: int) -> bool:
        """Return whether a row is taken so far."""
        return self.taken is None or self.taken[row].as_py()

    def missing(self, option: str, column: str) -> None:
        """Make a problem of each row, as there is no column that an option names."""
        columns = list(self.columns)
        self.problems += [
            missing_column(row, option, column, columns) for row in range(self.count) if self.is_taken(row)
        ]
        self.leave_out(repeated(True, self.count))

    def sample(self, *columns: Array) -> None:
        """Leave out users that are not in the sample: the first of these columns with a text has the user's id."""
        steps = self.steps
        if steps.mapping.sample is None:
            return
        nothing = pa.scalar(None, pa.string())
        ids: Array = repeated("", self.count)
        for column in reversed(columns):
            if column is not None and _is_text(column.type):
                texts = column.cast(pa.string())
                ids = pc.coalesce(pc.if_else(pc.equal(texts, ""), nothing, texts), ids)
        encoded = ids.dictionary_encode()
        sampled = pa.array([steps.sampled(id) for id in encoded.dictionary.to_pylist()], pa.bool_())
        self.leave_out(pc.invert(sampled.take(encoded.indices)))

    def properties(self) -> dict[str, Array]:
        """Return the columns that become properties, and those that the mapping adds."""
        rest = dict(self.columns)
        for path in self.named.removed:
            rest[path[0]] = _without(rest[path[0]], path[1:])
        found = {target: rest[name] for name, target in self.named.properties}
        for path, target in self.named.lifted:
            found[target] = self.at(path)
        for name, value in self.steps.mapping.set.items():
            found[name] = repeated(list(value) if isinstance(value, tuple) else value, self.count)
        return found

    def at(self, path: tuple[str, ...]) -> Array:
        """Return the column at a path."""
        column = self.columns[path[0]]
        for name in path[1:]:
            column = plain(column)
            if not pa.types.is_struct(column.type) or column.type.get_field_index(name) < 0:
                return pa.nulls(self.count)
            column = pc.struct_field(column, column.type.get_field_index(name))
        return column


class _Events(ColumnMapping):
    """The events of one record batch."""

    def __init__(self, steps: Steps, batch: pa.RecordBatch) -> None:
        self.name, columns, self.of_api = _unpacked(batch)
        super().__init__(steps, columns, batch.num_rows, of_api=self.of_api)

    def result(self) -> MappedColumns:
        self._select()
        event = self._event()
        properties = self._fields() | self.properties()
        self.sample(properties.get("distinct_id"), properties.get("$insert_id"))
        if self.steps.blank and "distinct_id" in properties:
            properties["distinct_id"] = _blanked(properties["distinct_id"])
        # A table of `event` and `properties` alone would be taken for one of events of the API.
        properties.setdefault("time", pa.nulls(self.count, pa.int64()))
        named = "event"
        if event is not None:
            while named in properties:
                named += "_"
            properties = {named: event, **properties}
        rows, records = self.records()
        table = table_of(properties, rows)
        columns = {name: name for name in FIELDS if name in properties}
        if event is not None:
            columns["event"] = named
        self.problems.sort()
        return MappedColumns(table, self.steps.mapping.event, columns, records, self.problems)

    def _select(self) -> None:
        where = self.steps.where
        if where is None:
            return
        columns = self.columns | {"event": self.name} if self.of_api else self.columns
        wanted = {name: values_of(columns[name]) for name in where.variables if name in columns}
        if RECORD in where.variables:
            wanted[RECORD] = values_of(table_of(columns)) if columns else [{}] * self.count
        left_out = []
        names = tuple(wanted)
        rows = zip(*wanted.values(), strict=True) if wanted else ((),) * self.count
        for row, values in enumerate(rows):
            try:
                left_out.append(not where.selects(dict(zip(names, values, strict=True))))
            except WhereFailed as error:
                left_out.append(True)
                self.problems.append(where_failed(row, where.expression, str(error)))
        self.leave_out(pa.array(left_out, pa.bool_()))

    def _event(self) -> Array:
        """Return the names of the events; None if the mapping has one for all."""
        mapping = self.steps.mapping
        if mapping.event is not None:
            return None
        found = self.name
        if mapping.event_column is not None and not (self.of_api and mapping.event_column == "event"):
            path = self.named.event
            if path is None:
                self.missing("event_column", mapping.event_column)
            found = None if path is None else self.at(path)
        return pa.nulls(self.count, pa.string()) if found is None else found

    def _fields(self) -> dict[str, Array]:
        fields = {}
        for field, column, path in self.named.fields:
            if path is None:
                if field == "time" and self.steps.mapping.time_column is not None:
                    self.missing("time_column", column)
                continue
            values = plain(self.at(path))
            fields[field] = self._times(column, values) if field == "time" else id_of(values)
        if not self.named.has_id:
            self.missing("insert_id_from", self.steps.mapping.insert_id_from[0])
        return fields

    def _times(self, column: str, values: Array) -> Array:
        found = read_times(self.steps.times, values)
        if found.unreadable:
            rows = pa.array(list(found.unreadable), pa.int64())
            for row, value in zip(found.unreadable, values_of(taken(values, rows)), strict=True):
                if self.is_taken(row):
                    self.problems.append(unreadable_time(row, column, value, found.unreadable[row]))
            flags = pc.is_in(pa.array(range(self.count), pa.int64()), rows)
            self.leave_out(flags)
        milliseconds = found.milliseconds
        if self.steps.since is not None:
            self.leave_out(pc.less(milliseconds, self.steps.since))
        if self.steps.until is not None:
            self.leave_out(pc.greater_equal(milliseconds, self.steps.until))
        return _as_sent(milliseconds)


def _unpacked(batch: pa.RecordBatch) -> tuple[Array, dict[str, Array], bool]:
    """Return the names of the events, the columns, and whether the rows have the form of the API.

    The type of `properties` decides, where `rows` takes a null for an object.
    """
    columns = dict(zip(batch.schema.names, map(without_views, batch.columns), strict=True))
    inner = columns.get("properties")
    if "event" not in columns or inner is None or not (pa.types.is_struct(inner.type) or pa.types.is_null(inner.type)):
        return columns.get("event"), columns, False
    beside = {name: column for name, column in columns.items() if name not in ("event", "properties")}
    if pa.types.is_struct(inner.type):
        beside |= {
            inner.type.field(place).name: pc.struct_field(inner, place) for place in range(inner.type.num_fields)
        }
    return columns["event"], beside, True


def without_views(column: Array) -> Array:
    """Return a column without text views, with which Arrow can't calculate, and without runs."""
    if pa.types.is_run_end_encoded(column.type):
        kind = _viewless(column.type.value_type)
        if kind != column.type.value_type:
            return pa.array(column.to_pylist(), kind)  # Arrow can't decode runs of views
        return without_views(pc.run_end_decode(column))
    if pa.types.is_dictionary(column.type):
        values = without_views(column.dictionary)
        if values.type == column.type.value_type:
            return column
        return pa.DictionaryArray.from_arrays(column.indices, values)
    kind = _viewless(column.type)
    return column if kind == column.type else column.cast(kind)


def _viewless(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_struct(kind):
        inner = [kind.field(place) for place in range(kind.num_fields)]
        return pa.struct([field.with_type(_viewless(field.type)) for field in inner])
    if pa.types.is_list(kind):
        return pa.list_(_viewless(kind.value_type))
    return pa.large_list(_viewless(kind.value_type)) if pa.types.is_large_list(kind) else kind


def plain(column: Array) -> Array:
    """Return a column whose values are not encoded."""
    if pa.types.is_dictionary(column.type):
        return plain(column.dictionary_decode())
    if pa.types.is_run_end_encoded(column.type):
        return plain(pc.run_end_decode(column))
    return column


def id_of(column: Array) -> Array:
    """Return ids as texts if they are whole numbers."""
    kind = column.type
    if pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0):
        return column.cast(pa.string())
    return column


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _blanked(column: Array) -> Array:
    if not _is_text(column.type):
        return column
    disallowed = pc.is_in(pc.ascii_lower(column), pa.array(sorted(DISALLOWED_IDS), column.type))
    return pc.if_else(disallowed, pa.scalar("", column.type), column) if pc.any(disallowed).as_py() else column


def _as_sent(milliseconds: Array) -> Array:
    small = pc.and_(pc.less(milliseconds, SMALLEST_MILLISECONDS), pc.greater(milliseconds, -SMALLEST_MILLISECONDS))
    if not pc.any(small).as_py():
        return milliseconds
    seconds = pc.floor(pc.divide(milliseconds.cast(pa.float64()), 1000.0)).cast(pa.int64())
    return pc.if_else(small, seconds, milliseconds)


def _without(column: Array, path: tuple[str, ...]) -> Array:
    """Return a struct without the member at a path."""
    column = plain(column)
    if not pa.types.is_struct(column.type) or column.type.get_field_index(path[0]) < 0:
        return column
    names, members = [], []
    for place in range(column.type.num_fields):
        name, member = column.type.field(place).name, pc.struct_field(column, place)
        if name != path[0]:
            names.append(name)
            members.append(member)
        elif len(path) > 1:
            names.append(name)
            members.append(_without(member, path[1:]))
    if not members:
        return pa.array([{} if there else None for there in column.is_valid().to_pylist()], pa.struct([]))
    return pa.StructArray.from_arrays(members, names, mask=column.is_null())


def repeated(value: Any, count: int) -> Array:
    """Return a column that has the same value in each row."""
    scalar = pa.scalar(value)
    return pa.repeat(scalar, count) if count else pa.array([], scalar.type)


def table_of(columns: dict[str, Array], rows: Array = None) -> pa.RecordBatch:
    """Return a record batch of columns, of some rows if not of all."""
    arrays = list(columns.values()) if rows is None else [taken(column, rows) for column in columns.values()]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))
