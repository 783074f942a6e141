"""`Mapper`: applies a `Mapping` to records, one at a time or a column at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from mixpress.files.mapped import MappedColumns, MappedRows
from mixpress.files.mapping import Mapping
from mixpress.files.problem import EncodedPiece
from mixpress.files.rows import event_of, map_rows
from mixpress.files.steps import Steps
from mixpress.files.update_rows import row_of_table, update_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow

    from mixpress._core import Encoder

__all__ = ["MappedColumns", "MappedRows", "Mapper", "encode_batch", "mapper_of"]


WITHOUT_IDS = ("ga4",)
"""Vendors whose events have no unique id."""

NEEDS_ROWS = "these rows are mapped one by one: pass batch.to_pylist() to rows(), or use encode_batch()"


class Mapper(Protocol):
    """Applies one mapping. Threads can share it."""

    mapping: Mapping
    """The mapping."""
    passes_json: bool
    """Whether JSON text needs no change: it can go into the core as it is."""
    maps_rejected: bool
    """Whether records that the core rejects may be mapped, even if it `passes_json`."""
    of_updates: bool
    """Whether records become updates of profiles instead of events."""

    def takes_columns(self, batch: pyarrow.RecordBatch) -> bool:
        """Return whether `columns` can be used. Otherwise the rows of a batch have to be passed to `rows`."""
        ...

    def rows(self, records: Iterable[object]) -> MappedRows:
        """Return the events of records that were parsed, one after another."""
        ...

    def columns(self, batch: pyarrow.RecordBatch) -> MappedColumns:
        """Return the events of a record batch. The result is that of `rows` of its rows."""
        ...

    def encoder_options(self) -> dict[str, Any]:
        """Return the arguments that the mapping wants of `Encoder`."""
        ...


class _Mapper:
    """Applies a mapping of events."""

    maps_rejected = False
    of_updates = False

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self._steps = Steps(mapping)
        self.passes_json = not set(mapping.changed()) - {"insert_id_from"}
        self._by_rows = mapping.source is not None or not all(map(_fits_a_column, mapping.set.values()))

    def takes_columns(self, batch: pyarrow.RecordBatch) -> bool:  # noqa: ARG002 - the mapping alone decides
        return not self._by_rows

    def rows(self, records: Iterable[object]) -> MappedRows:
        return map_rows(self._steps, records, event_of)

    def columns(self, batch: pyarrow.RecordBatch) -> MappedColumns:
        if self._by_rows:
            raise TypeError(NEEDS_ROWS)
        from mixpress.files.columns import map_columns  # noqa: PLC0415 - pyarrow is an extra

        return map_columns(self._steps, batch)

    def encoder_options(self) -> dict[str, Any]:
        names = [_sent_name(self.mapping, name) for name in self.mapping.insert_id_from]
        if names:
            return {"insert_id": "derive", "insert_id_from": names}
        return {"insert_id": "derive"} if self.mapping.source in WITHOUT_IDS else {}


class _UpdateMapper:
    """Applies a mapping of updates of profiles."""

    maps_rejected = True
    of_updates = True

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self._steps = Steps(mapping)
        # `unset` has another list of names for each row, and `where` has to be evaluated for each row.
        needs_rows = mapping.operation == "unset" or mapping.where is not None
        self._by_rows = needs_rows or not all(map(_fits_a_column, mapping.set.values()))
        self.passes_json = not set(mapping.changed()) & {"where", "sample"}

    def rows(self, records: Iterable[object]) -> MappedRows:
        return map_rows(self._steps, records, update_of)

    def takes_columns(self, batch: pyarrow.RecordBatch) -> bool:
        from mixpress.files.update_columns import takes_columns  # noqa: PLC0415 - pyarrow is an extra

        return not self._by_rows and takes_columns(batch)

    def columns(self, batch: pyarrow.RecordBatch) -> MappedColumns:
        if not self.takes_columns(batch):
            raise TypeError(NEEDS_ROWS)
        from mixpress.files.update_columns import map_update_columns  # noqa: PLC0415 - pyarrow is an extra

        return map_update_columns(self._steps, batch)

    def encoder_options(self) -> dict[str, Any]:
        return {} if self.mapping.groups is None else {"group_key": self.mapping.groups}


def mapper_of(mapping: Mapping | None) -> Mapper:
    """Return what applies a mapping; None is a mapping without options."""
    if mapping is not None and mapping.endpoint is not None:
        return _UpdateMapper(mapping)
    return _Mapper(mapping or Mapping())


def encode_batch(encoder: Encoder, mapper: Mapper, batch: pyarrow.RecordBatch) -> EncodedPiece:
    """Return the encoded events of a record batch, by its columns if the mapping allows it."""
    if not mapper.takes_columns(batch):
        from mixpress.files.columns import values_of  # noqa: PLC0415 - pyarrow is an extra

        rows = map_table_rows(mapper, values_of(batch))
        return EncodedPiece(encoder.encode(rows.events), rows.records, rows.problems)
    mapped = mapper.columns(batch)
    encoded = encoder.encode_arrow(mapped.table, event=mapped.event, columns=mapped.columns)
    return EncodedPiece(encoded, mapped.records, mapped.problems)


def map_table_rows(mapper: Mapper, rows: Iterable[dict[str, Any]]) -> MappedRows:
    """Return the events of rows of a table, whose columns are there in each row. Updates have no nulls of theirs."""
    return mapper.rows(map(row_of_table, rows) if mapper.of_updates else rows)


def _sent_name(mapping: Mapping, column: str) -> str:
    """Return the name that a column has in the event that is sent."""
    if column in mapping.rename:
        return mapping.rename[column]
    names = {
        mapping.event_column or "event": "event",
        mapping.time_column or "time": "time",
        mapping.distinct_id_column or "distinct_id": "distinct_id",
        mapping.insert_id_column or "$insert_id": "$insert_id",
    }
    return names.get(column, column)


def _fits_a_column(value: object) -> bool:
    """Return whether a value can be repeated in a column of Arrow: a scalar, or a list of texts."""
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(one, str) for one in value)
    return isinstance(value, (str, bool, int, float))
