"""What a mapping makes of records: events, and the problems of those that can't be events."""

from __future__ import annotations

from collections.abc import Mapping as Members
from typing import TYPE_CHECKING, Any, NamedTuple

from mixpress.files.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow


class MappedRows(NamedTuple):
    """The events of some records."""

    events: list[dict[str, Any]]
    records: Sequence[int]
    """Index in `events` -> number of the record."""
    problems: list[Problem]


class MappedColumns(NamedTuple):
    """The events of a table, for `Encoder.encode_arrow(table, event=event, columns=columns)`."""

    table: pyarrow.Table | pyarrow.RecordBatch
    event: str | None
    columns: Members[str, str]
    records: Sequence[int]
    """Row of `table` -> number of the record."""
    problems: list[Problem]


def unreadable_time(record: int, column: str, value: object, reason: str) -> Problem:
    """Return the problem of a record whose time can't be read."""
    return Problem(record, "unreadable-time", f"{column!r} has {shown(value)}, which {reason}", column)


def missing_column(record: int, option: str, column: str, columns: Sequence[str]) -> Problem:
    """Return the problem of a record without a column that an option names."""
    there = ", ".join(map(repr, columns[:20])) + (", ..." if len(columns) > 20 else "")
    message = f"there is no column {column!r}, which {option} names; the columns are {there or 'none'}"
    return Problem(record, "missing-column", message, column)


def where_failed(record: int, expression: str, reason: str) -> Problem:
    """Return the problem of a record for which `where` has no value."""
    message = f"where {expression!r} can't be evaluated: {reason}"
    return Problem(record, "where-failed", message)


def shown(value: object) -> str:
    """Return a short form of a value."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
