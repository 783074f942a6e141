"""The checks of a mapping's fields: each error names the field, its value and the remedy.

A mapping has no type here, since `mapping` imports this module.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from collections.abc import Mapping as Members
from datetime import datetime
from typing import Any

from mixpress.files.checked_updates import check_updates
from mixpress.files.times import UNITS, Times, Unreadable, boundary, zone_of
from mixpress.files.where import Where

FIELDS = ("time", "distinct_id", "$insert_id")
"""The properties that the API requires, each with its own column."""

TEXTS = (
    "event",
    "event_column",
    "time_column",
    "time_format",
    "time_zone",
    "distinct_id_column",
    "insert_id_column",
    "where",
    "since",
    "until",
    "groups",
    "group_id_column",
)


def names_of(field: str, names: object) -> tuple[str, ...]:
    """Return a list of names as a tuple."""
    if isinstance(names, (str, Members)) or not isinstance(names, Iterable):
        raise TypeError(f"{field} must be a list of names, got {names!r}")
    found = tuple(names)
    for name in found:
        if not isinstance(name, str):
            raise TypeError(f"{field} must have names of columns, got {name!r}")
    return found


def check(mapping: Any) -> None:
    """Raise `ValueError` or `TypeError` for the first wrong field."""
    for field in TEXTS:
        value = getattr(mapping, field)
        if value is not None and (not isinstance(value, str) or not value.strip()):
            raise TypeError(f"{field} must be a text that is not blank, got {value!r}")
    check_updates(mapping)
    if mapping.event is not None and mapping.event_column is not None:
        raise ValueError(f"event is {mapping.event!r} and event_column is {mapping.event_column!r}: give one of them")
    _check_times(mapping)
    _check_names(mapping)
    _check_set(mapping)
    _check_derived(mapping)
    if mapping.placeholder_ids not in ("reject", "blank"):
        raise ValueError(f"placeholder_ids must be 'reject' or 'blank', got {mapping.placeholder_ids!r}")
    if mapping.sample is not None and not 0 < _number("sample", mapping.sample) <= 1:
        raise ValueError(f"sample must be more than 0 and at most 1, such as 0.01 for 1 %, got {mapping.sample!r}")
    if mapping.where is not None:
        Where(mapping.where)


def _check_times(mapping: Any) -> None:
    zone = zone_of(mapping.time_zone)
    if mapping.time_offset is not None:
        if not -24 <= _number("time_offset", mapping.time_offset) <= 24:
            raise ValueError(f"time_offset must be between -24 and 24 hours, got {mapping.time_offset!r}")
        if zone is not None:
            raise ValueError(
                f"time_zone is {mapping.time_zone!r} and time_offset is {mapping.time_offset!r}: give one of them"
            )
    style = mapping.time_format
    if style is not None and style not in UNITS and "%" not in style:
        raise ValueError(
            f"time_format must be one of {', '.join(UNITS)}, or a format of strptime such as '%Y-%m-%d %H:%M:%S', "
            f"got {style!r}"
        )
    if style is not None and "%" in style:
        _check_strptime(style)
    since, until = (
        None if text is None else _boundary(field, str(text), Times(zone), last=field == "until")
        for field, text in (("since", mapping.since), ("until", mapping.until))
    )
    if since is not None and until is not None and since >= until:
        raise ValueError(f"since {mapping.since!r} must be before until={mapping.until!r}")


def _check_strptime(style: str) -> None:
    try:
        datetime.strptime("", style)
    except ValueError as error:
        if "does not match" not in str(error):
            raise ValueError(f"time_format {style!r} is not a format of strptime: {error}") from error


def _boundary(field: str, text: str, times: Times, *, last: bool) -> int:
    try:
        return boundary(text, times, last=last)
    except (OverflowError, Unreadable):
        raise ValueError(
            f"{field} must be a date such as '2024-01-31', or a date and time such as '2024-01-31T12:00:00Z', "
            f"got {text!r}"
        ) from None


def _check_names(mapping: Any) -> None:
    if not isinstance(mapping.rename, Members):
        raise TypeError(f"rename must have the form {{column: name}}, got {mapping.rename!r}")
    used: dict[str, str] = {}
    for column, name in mapping.rename.items():
        if not isinstance(column, str) or not isinstance(name, str) or not name:
            raise TypeError(f"rename must have names, got {column!r}: {name!r}")
        if name in FIELDS and mapping.endpoint is None:
            option = {"time": "time_column", "distinct_id": "distinct_id_column", "$insert_id": "insert_id_column"}
            raise ValueError(f"rename can't make {column!r} the field {name!r}: use {option[name]}={column!r}")
        if name in used:
            raise ValueError(f"rename gives {used[name]!r} and {column!r} the same name {name!r}")
        used[name] = column
    for column in mapping.drop:
        for field, other in (("keep", mapping.keep), ("rename", tuple(mapping.rename))):
            if column in other:
                raise ValueError(f"drop has {column!r}, as {field}= has: give it once")


def _check_set(mapping: Any) -> None:
    values: object = mapping.set
    if not isinstance(values, Members):
        raise TypeError(f"set must have the form {{property: value}}, got {values!r}")
    for name, value in values.items():
        if not isinstance(name, str) or not name:
            raise TypeError(f"set must have names of properties, got {name!r}")
        if name == "time" and mapping.endpoint is None:
            raise ValueError("set can't give every event the same time: use time_column")
        _check_value(name, value)


def _check_value(name: str, value: Any) -> None:
    inner: Iterable[Any] = ()
    if isinstance(value, Members):
        if not all(isinstance(key, str) for key in value):
            raise TypeError(f"set: {name!r} has a name that is not a text: {value!r}")
        inner = value.values()
    elif isinstance(value, (list, tuple)):
        inner = value
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"set: {name!r} must be a finite number, got {value!r}")
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"set: {name!r} must be a number of at most 64 bits, got {value!r}")
    elif not isinstance(value, str):
        raise TypeError(f"set: {name!r} must be a text, a number, true, false, a list or an object, got {value!r}")
    for one in inner:
        _check_value(name, one)


def _check_derived(mapping: Any) -> None:
    fields = {
        mapping.event_column or "event",
        *(column for column in (mapping.time_column, mapping.distinct_id_column, mapping.insert_id_column) if column),
        *FIELDS,
        *mapping.rename,
    }
    for name in mapping.insert_id_from:
        if name in fields:
            continue
        if "." in name:
            short = name.rpartition(".")[2] or "id"
            raise ValueError(
                f"insert_id_from has {name!r}, which may be within an object: make it a property, such as {short!r}, "
                "by rename="
            )
        if name in mapping.drop:
            raise ValueError(f"insert_id_from has {name!r}, which drop= removes: keep it, or use other columns")
        if mapping.keep and name not in mapping.keep:
            raise ValueError(f"insert_id_from has {name!r}, which keep= leaves out: add it to keep=")


def _number(field: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{field} must be a number, got {value!r}")
    return value
