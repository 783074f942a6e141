"""Names of columns with dots, which reach into objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def path_of(name: str, columns: Iterable[str]) -> tuple[str, ...] | None:
    """Return the path of a name: the column, and the members within it; None if there is no such column.

    The column with the whole name comes first, then the one with the shortest part of it before a dot.
    """
    there = columns if isinstance(columns, (dict, set)) else set(columns)
    if name in there:
        return (name,)
    parts = name.split(".")
    for length in range(1, len(parts)):
        head = ".".join(parts[:length])
        if head in there:
            return (head, *parts[length:])
    return None


def value_at(record: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Return the value at a path, or None."""
    if len(path) == 1:
        return record.get(path[0])
    value: Any = record
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def without(record: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return an object without the member at a path. The given object is not changed."""
    name, *rest = path
    if name not in record:
        return record
    if not rest:
        return {key: value for key, value in record.items() if key != name}
    inner = record[name]
    return record | {name: without(inner, tuple(rest))} if isinstance(inner, dict) else record
