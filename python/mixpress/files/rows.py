"""A mapping on records, one after another. This is what `columns` must agree with."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mixpress.files.mapped import MappedRows, missing_column, shown, unreadable_time, where_failed
from mixpress.files.names import value_at, without
from mixpress.files.problem import Problem
from mixpress.files.steps import is_placeholder
from mixpress.files.times import Unreadable, as_sent
from mixpress.files.vendors.not_an_event import NotAnEvent
from mixpress.files.where import RECORD, WhereFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mixpress.files.steps import Named, Steps

Record = dict[str, Any]


class LeftOut(Exception):  # noqa: N818 - a verdict
    """The mapping's filters leave a record out."""


class Bad(Exception):  # noqa: N818 - a verdict
    """A record can't be an event."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


def map_rows(steps: Steps, records: Iterable[object], made: Callable[[Steps, object, int], Record]) -> MappedRows:
    """Return what `made` makes of each record: `event_of`, or `update_of`."""
    events: list[Record] = []
    numbers: list[int] = []
    problems: list[Problem] = []
    count = 0
    for count, record in enumerate(records, 1):
        try:
            events.append(made(steps, record, count - 1))
            numbers.append(count - 1)
        except Bad as bad:
            problems.append(bad.problem)
        except LeftOut:
            pass
    return MappedRows(events, range(count) if len(numbers) == count else numbers, problems)


def event_of(steps: Steps, record: object, number: int) -> Record:
    """Return the event of a record. Raises `LeftOut` or `Bad`."""
    if steps.shape is not None:
        try:
            record = steps.shape(record)
        except NotAnEvent as error:
            raise Bad(Problem(number, "not-an-event", str(error))) from None
        if record is None:
            raise LeftOut
    record = as_object(record, number)
    name, columns, of_api = unpacked(record)
    select(steps, columns | {"event": name} if of_api else columns, number)
    named = steps.named(columns, of_api=of_api)
    event = _name(steps, named, name, columns, number, of_api=of_api)
    properties = _fields(steps, named, columns, number)
    add_properties(named, columns, properties)
    properties.update(steps.mapping.set)
    sample(steps, properties.get("distinct_id"), properties.get("$insert_id"))
    if steps.blank and is_placeholder(properties.get("distinct_id")):
        properties["distinct_id"] = ""
    made: Record = {"properties": properties}
    return made if event is None else {"event": event, **made}


def as_object(record: object, number: int) -> Record:
    """Return a record. Raises `Bad` if it is not an object."""
    if not isinstance(record, dict):
        raise Bad(Problem(number, "not-an-object", f"the record is not an object: {shown(record)}"))
    return record


def unpacked(record: Record) -> tuple[Any, Record, bool]:
    """Return the name and the columns of a record, and whether it has the form of the API.

    What an event of the API has beside `event` and `properties` counts as its properties.
    """
    if "event" not in record or not isinstance(properties := record.get("properties", 0), (dict, type(None))):
        return record.get("event"), record, False
    beside = {name: value for name, value in record.items() if name not in ("event", "properties")}
    return record["event"], beside | (properties or {}), True


def select(steps: Steps, columns: Record, number: int) -> None:
    """Raise `LeftOut` if `where` does not take a record, and `Bad` if it has no value for it."""
    if steps.where is None:
        return
    values = columns | {RECORD: columns} if RECORD in steps.where.variables else columns
    try:
        if not steps.where.selects(values):
            raise LeftOut
    except WhereFailed as error:
        raise Bad(where_failed(number, steps.where.expression, str(error))) from None


def _name(steps: Steps, named: Named, name: Any, columns: Record, number: int, *, of_api: bool) -> Any:
    mapping = steps.mapping
    if mapping.event is not None:
        return mapping.event
    if mapping.event_column is None or (of_api and mapping.event_column == "event"):
        return name
    if named.event is None:
        raise Bad(missing_column(number, "event_column", mapping.event_column, list(columns)))
    return value_at(columns, named.event)


def _fields(steps: Steps, named: Named, columns: Record, number: int) -> Record:
    """Return the fields of a record that have a value."""
    fields: Record = {}
    for field, column, path in named.fields:
        if path is None and field == "time" and steps.mapping.time_column is not None:
            raise Bad(missing_column(number, "time_column", column, list(columns)))
        value = None if path is None else value_at(columns, path)
        if field == "time":
            value = _time(steps, column, value, number)
        elif is_whole(value):
            value = str(value)
        if value is not None:
            fields[field] = value
    if not named.has_id:
        raise Bad(missing_column(number, "insert_id_from", steps.mapping.insert_id_from[0], list(columns)))
    return fields


def _time(steps: Steps, column: str, value: object, number: int) -> int | None:
    try:
        milliseconds = steps.times.read(value)
    except Unreadable as error:
        raise Bad(unreadable_time(number, column, value, str(error))) from None
    if milliseconds is None:
        return None
    if not steps.in_range(milliseconds):
        raise LeftOut
    return as_sent(milliseconds)


def is_whole(value: object) -> bool:
    """Return whether an id is a whole number, which the API wants as text."""
    if isinstance(value, str):
        return False
    if isinstance(value, Decimal):
        return value.as_tuple().exponent == 0
    return isinstance(value, int) and not isinstance(value, bool)


def add_properties(named: Named, columns: Record, found: Record) -> None:
    """Add the properties of a record to those that were found."""
    rest = columns
    for path in named.removed:
        rest = without(rest, path)
    for name, target in named.properties:
        found[target] = rest[name]
    for path, target in named.lifted:
        found[target] = value_at(columns, path)


def sample(steps: Steps, *ids: object) -> None:
    """Raise `LeftOut` if a user is not in the sample: the first of these that is a text and not empty is the id."""
    if steps.mapping.sample is None:
        return
    if not steps.sampled(next((id for id in ids if isinstance(id, str) and id), "")):
        raise LeftOut
