"""A mapping of updates of profiles on records, one after another. This is what `update_columns` must agree with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mixpress.files.mapped import missing_column
from mixpress.files.names import value_at
from mixpress.files.rows import Bad, add_properties, as_object, is_whole, sample, select

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mixpress.files.mapping import Mapping
    from mixpress.files.steps import Steps

Record = dict[str, Any]

OPERATIONS = ("$set", "$set_once", "$add", "$union", "$append", "$remove", "$unset", "$delete")
"""The members of the API that make a record an update, for both endpoints: the encoder knows which one has which."""
COUNTED = ("$add", "$append")
"""Operations that count twice if they are sent twice."""


_IDS = ("$distinct_id", "$group_id")
_BESIDE = ("$token", "$group_key", "$ip", "$ignore_time", "$ignore_alias")
"""The other members of an update of the API, which no row has."""
PROPERTIES = "$properties"
"""The member with the properties of a profile, in the vendor's exports of profiles."""


def update_of(steps: Steps, record: object, number: int) -> Record:
    """Return the update of a record. Raises `LeftOut` or `Bad`."""
    record = as_object(record, number)
    of_api = is_update(record) or (not steps.names_id and lacks_operation(record))
    columns = record if of_api else _unpacked(record)
    select(steps, columns, number)
    update = columns if of_api else _of_row(steps, columns, number)
    id = update.get(next(iter(steps.columns)))
    sample(steps, str(id) if is_whole(id) else id)
    return update


def is_update(record: Record) -> bool:
    """Return whether a record is an update of the API: it has an operation."""
    return any(name in record for name in OPERATIONS)


def lacks_operation(names: Iterable[object]) -> bool:
    """Return whether these are the names of an update of the API without an operation of it: the encoder says so.

    It has an id of the API. Beside it, it has another member of the API, or only names with `$`.
    """
    names = set(names)
    others = names.difference(_IDS)
    if len(others) == len(names) or not others or PROPERTIES in others:
        return False
    return not others.isdisjoint(_BESIDE) or all(str(name).startswith("$") for name in others)


def _unpacked(record: Record) -> Record:
    """Return the columns of a record. The properties of an exported profile are columns beside its id."""
    properties = record.get(PROPERTIES)
    if not isinstance(properties, dict):
        return record
    ids = {name: value for name, value in record.items() if name in _IDS}
    return {name: value for name, value in record.items() if name != PROPERTIES} | properties | ids


def is_counted(update: object) -> bool:
    """Return whether an update counts twice if it is sent twice."""
    return isinstance(update, dict) and any(name in update for name in COUNTED)


def members_of_rows(mapping: Mapping) -> dict[str, str]:
    """Return what a flat record does not say by itself: its endpoint, its operation and the key of its group. They are
    members of its line in a dead letter.
    """
    if mapping.endpoint is None:
        return {}
    group = {} if mapping.groups is None else {"group_key": mapping.groups}
    return {"endpoint": mapping.endpoint, "operation": mapping.operation, **group}


def row_of_table(row: Record) -> Record:
    """Return a row of a table without the members that are null: those of a struct are there in each row. A flat one
    keeps its columns.
    """
    found: Record = _without_nulls(row)
    return found if is_update(found) else {**dict.fromkeys(row), **found}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nulls(element) for element in value]
    if not isinstance(value, dict):
        return value
    return {name: _without_nulls(member) for name, member in value.items() if member is not None}


def option_of_id(field: str) -> str:
    """Return the option that names the column of an id."""
    return "group_id_column" if field == "$group_id" else "distinct_id_column"


def _of_row(steps: Steps, record: Record, number: int) -> Record:
    """Return the update of a flat record: one column has the id, and the operation takes the others."""
    named = steps.named(record, of_api=True)
    ((field, column, path),) = named.fields
    if path is None:
        raise Bad(missing_column(number, option_of_id(field), column, list(record)))
    id = value_at(record, path)
    found: Record = {}
    add_properties(named, record, found)
    found = {name: value for name, value in found.items() if value is not None}
    found.update(steps.mapping.set)
    update: Record = {} if id is None else {field: str(id) if is_whole(id) else id}
    operation = steps.mapping.operation
    return {**update, f"${operation}": _operand(operation, found)}


def _operand(operation: str, properties: Record) -> object:
    match operation:
        case "delete":
            return ""
        case "unset":
            return list(properties)
        case "union":
            return {name: _as_list(value) for name, value in properties.items()}
    return properties


def _as_list(value: object) -> object:
    return list(value) if isinstance(value, (list, tuple)) else [value]
