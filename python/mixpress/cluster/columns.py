"""Check the columns of a table against a job on the driver, so that a wrong name fails the job and not each row."""

from __future__ import annotations

from collections.abc import Mapping as Members
from typing import TYPE_CHECKING, TypeAlias

from mixpress.files.names import path_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress.cluster.job import WriteJob
    from mixpress.files.mapping import Mapping

COUNTED = ("$add", "$append")
"""Operations of updates that count twice when a task is repeated."""
OPERATIONS = ("$set", "$set_once", "$add", "$union", "$append", "$remove", "$unset", "$delete")


Columns: TypeAlias = "Members[str, Columns | None]"
"""Names of columns, with the fields of those that are structs. None is a type that may have any; a type without
fields has none: {}."""


def check_columns(job: WriteJob, columns: Sequence[str] | Columns) -> None:
    """Raise `ValueError` if a table with these columns can't be written: a name in the options that no column has, or
    nothing where the API requires a value.

    Names within structs are checked if `columns` has them: `{"at": None, "user": {"id": None}}`. The rows of a vendor's
    export are checked in the tasks, and so are events in the form of the API if the type of `properties` is not known.
    """
    mapping = job.mapping
    there: Columns = columns if isinstance(columns, Members) else dict.fromkeys(columns)
    counted = [name for name in COUNTED if name in there]
    if job.of_updates and counted and not job.retry_unsafe:
        raise ValueError(
            f"the column {counted[0]!r} counts twice when the engine repeats a task: write the new values by $set or "
            "$union, or accept that with retry_unsafe=True"
        )
    if mapping.source is not None:
        return
    of_api = not job.of_updates and "event" in there and "properties" in there
    if of_api:
        inner = there["properties"]
        if inner is None:
            return
        there = {name: inside for name, inside in there.items() if name not in ("event", "properties")} | dict(inner)
    for option, name in _named(mapping):
        found = _missing(name, there)
        if found is not None and not (of_api and (option, name) == ("event_column", "event")):
            raise ValueError(f"there is no column {name!r}, which {option} names; {found}")
    if job.of_updates and any(name in there for name in OPERATIONS):
        return
    for option, names in _required(job):
        if all(_missing(name, there) for name in names) and not (of_api and option == "event_column"):
            raise ValueError(f"there is no column {names[0]!r}: name it with {option}=; {_missing(names[0], there)}")


def _missing(name: str, columns: Columns) -> str | None:
    """Return what there is instead of a column, or of a field within one; None if it is there, or may be."""
    within, inside = "", columns
    for part in path_of(name, columns) or (name,):
        if part not in inside:
            return f"the fields of {within!r} are {_shown(inside)}" if within else f"the columns are {_shown(inside)}"
        within = f"{within}.{part}" if within else part
        fields = inside[part]
        if fields is None:
            return None
        inside = fields
    return None


def _named(mapping: Mapping) -> list[tuple[str, str]]:
    """Return the columns that options name, with the option."""
    single = ("event_column", "time_column", "distinct_id_column", "insert_id_column", "group_id_column")
    named = [(option, name) for option in single if (name := getattr(mapping, option)) is not None]
    for option in ("rename", "keep", "drop", "insert_id_from"):
        named += [(option, name) for name in getattr(mapping, option)]
    return [(option, name) for option, name in named if not (option == "insert_id_from" and name == "event")]


def _required(job: WriteJob) -> list[tuple[str, tuple[str, ...]]]:
    """Return the columns of which a table needs one, with the option that names another."""
    mapping = job.mapping
    if mapping.groups is not None:
        return [("group_id_column", (mapping.group_id_column or "group_id",))]
    id_column = mapping.distinct_id_column or "distinct_id"
    if mapping.profiles:
        return [("distinct_id_column", (id_column,))]
    ids = (id_column,) if job.identity == "original" else (id_column, "$device_id", "$user_id")
    required = [("time_column", (mapping.time_column or "time",)), ("distinct_id_column", ids)]
    if mapping.event is None:
        required.insert(0, ("event_column", (mapping.event_column or "event",)))
    return [(option, names) for option, names in required if names is not ids or "distinct_id" not in mapping.set]


def _shown(columns: Columns) -> str:
    return ", ".join([*columns][:20]) + (", ..." if len(columns) > 20 else "") if columns else "none"
