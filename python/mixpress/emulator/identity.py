"""How a project merges identities: the ids of identity events, and what `identity="simplified"` changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

IdentityName = Literal["original", "simplified"]

IDENTITY_EVENTS = frozenset(["$identify", "$create_alias", "$merge"])
NOT_ALLOWED = "identity events are not allowed when project is using simplified identity management"
"""The server's sentence (seen in replies)."""


def check_identity(name: str) -> None:
    """Raise a ValueError for an unknown kind of project."""
    if name not in get_args(IdentityName):
        raise ValueError(f"identity must be {' or '.join(map(repr, get_args(IdentityName)))}, got {name!r}")


def is_identity_event(event: object) -> bool:
    """Return whether an event changes identities."""
    name = event.get("event") if isinstance(event, dict) else None
    return isinstance(name, str) and name in IDENTITY_EVENTS


def derived_id(properties: dict[str, Any]) -> str | None:
    """Return the `distinct_id` that the server derives: `$user_id`, or else `$device:` and `$device_id`; or None."""
    user, device = properties.get("$user_id"), properties.get("$device_id")
    if isinstance(user, str) and user:
        return user
    return f"$device:{device}" if isinstance(device, str) and device else None


def derive_ids(events: Iterable[tuple[int, object]]) -> dict[int, str]:
    """Return the derived `distinct_id` of each event that has none, by its position."""
    derived: dict[int, str] = {}
    for index, event in events:
        properties = event.get("properties") if isinstance(event, dict) else None
        if isinstance(properties, dict) and "distinct_id" not in properties:
            distinct_id = derived_id(properties)
            if distinct_id is not None:
                derived[index] = distinct_id
    return derived


def merged_ids(event: object) -> tuple[str, str] | None:
    """Return the two ids that an identity event makes one user, the one to keep first; None for any other event.

    `$identify` has `$identified_id` and `$anon_id` (identity page), or `distinct_id` and `$anon_distinct_id`, as the
    vendor's browser client sends it. `$create_alias` has `distinct_id` and `alias`, `$merge` has `$distinct_ids`.
    """
    if not is_identity_event(event) or not isinstance(event, dict) or not isinstance(event.get("properties"), dict):
        return None
    properties = event["properties"]
    if event["event"] == "$merge":
        ids = properties.get("$distinct_ids")
    elif event["event"] == "$create_alias":
        ids = [properties.get("distinct_id"), properties.get("alias")]
    else:
        ids = [
            properties.get("$identified_id", properties.get("distinct_id")),
            properties.get("$anon_id", properties.get("$anon_distinct_id")),
        ]
    if isinstance(ids, list) and len(ids) == 2 and all(isinstance(each, str) and each for each in ids):
        return ids[0], ids[1]
    return None


def find_merges(events: Iterable[tuple[int, object]], refused: Collection[int]) -> list[tuple[str, str]]:
    """Return the ids that the accepted events merge, in their order; an event with `$ignore` merges none."""
    found = []
    for index, event in events:
        ids = merged_ids(event)
        if (
            ids is not None
            and index not in refused
            and isinstance(event, dict)
            and "$ignore" not in event["properties"]
        ):
            found.append(ids)
    return found
