"""The checks of a mapping of updates of profiles: which fields are for events alone, and which belong together."""

from __future__ import annotations

from typing import Any, Literal, get_args

Operation = Literal["set", "set_once", "add", "union", "append", "remove", "unset", "delete"]
"""What flat records of updates do."""

NOT_FOR_GROUPS = ("add", "append")
"""Operations that /groups does not have."""
FOR_EVENTS = (
    "event",
    "event_column",
    "time_column",
    "time_format",
    "time_zone",
    "time_offset",
    "insert_id_column",
    "insert_id_from",
    "since",
    "until",
    "source",
)
"""Fields about what an update does not have: a name, a time and an `$insert_id`; and the exports of other tools."""
OF_PROPERTIES = ("rename", "drop", "keep", "set")
"""Fields about properties, which a deletion does not have."""


def check_updates(mapping: Any) -> None:
    """Raise `ValueError` or `TypeError` for the first field that is wrong with, or without, `profiles` and `groups`."""
    if not isinstance(mapping.profiles, bool):
        raise TypeError(f"profiles must be True or False, got {mapping.profiles!r}")
    if mapping.operation not in get_args(Operation):
        raise ValueError(f"operation must be one of {', '.join(get_args(Operation))}, got {mapping.operation!r}")
    if mapping.endpoint is None:
        _check_without_endpoint(mapping)
    else:
        _check_with_endpoint(mapping)


def _check_without_endpoint(mapping: Any) -> None:
    if mapping.group_id_column is not None:
        raise ValueError(f"group_id_column is {mapping.group_id_column!r}, for updates of groups: give groups= too")
    if mapping.operation != "set":
        raise ValueError(f"operation is {mapping.operation!r}, for updates: give profiles= or groups= too")


def _check_with_endpoint(mapping: Any) -> None:
    if mapping.profiles and mapping.groups is not None:
        raise ValueError(f"profiles and groups={mapping.groups!r} are for different endpoints: give one of them")
    _check_for_events(mapping, "profiles=" if mapping.profiles else "groups=")
    if mapping.groups is not None:
        _check_groups(mapping)
    elif mapping.group_id_column is not None:
        raise ValueError(f"group_id_column is {mapping.group_id_column!r}, for updates of groups: not with profiles=")
    if mapping.operation == "delete":
        for field in OF_PROPERTIES:
            if getattr(mapping, field):
                raise ValueError(f"{field} is for properties, and operation='delete' sends none: leave it out")


def _check_for_events(mapping: Any, beside: str) -> None:
    for field in FOR_EVENTS:
        if getattr(mapping, field):
            raise ValueError(f"{field} is for events, and an update of a profile has none of it: not with {beside}")
    if mapping.placeholder_ids != "reject":
        raise ValueError(f"placeholder_ids is for events: an update needs the id of a profile; not with {beside}")


def _check_groups(mapping: Any) -> None:
    if mapping.distinct_id_column is not None:
        raise ValueError(
            f"distinct_id_column is {mapping.distinct_id_column!r}, for users: with groups= use group_id_column"
        )
    if mapping.operation in NOT_FOR_GROUPS:
        raise ValueError(f"operation is {mapping.operation!r}, which profiles of groups do not have: not with groups=")
