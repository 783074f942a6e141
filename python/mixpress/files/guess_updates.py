"""Guess a mapping of updates of profiles from some records of a file, and say why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mixpress.files.guess import SHARE, USER_NAMES, Found, Guess
from mixpress.files.mapping import Mapping
from mixpress.files.seen import columns_of, share_of
from mixpress.files.steps import is_placeholder
from mixpress.files.update_rows import is_update

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress.files.seen import Column

GROUP_NAMES = "groupid companyid organizationid organisationid orgid accountid workspaceid teamid tenantid"
LAST_NAMES = "id uuid guid slug domain name"
"""Names of columns that have the id of a profile if no other has."""


def guess_updates(records: Sequence[object], group_key: str | None = None) -> Guess:
    """Return a mapping of updates of the profiles of users, or of groups with a key, for records such as these."""
    base: dict[str, Any] = {"profiles": True} if group_key is None else {"groups": group_key}
    whose = "users" if group_key is None else f"groups with the key {group_key!r}"
    reasons = {next(iter(base)): [f"The records update the profiles of {whose}."]}
    objects = [record for record in records if isinstance(record, dict)]
    flat = [record for record in objects if not is_update(record)]
    if objects and not flat:
        reasons[next(iter(base))].append("They are updates of the API: they are sent as they are.")
        return Guess(Mapping(**base), reasons, [])
    found = Found(columns_of(flat), len(flat))
    found.row_numbers()
    _find_id(found, group_key)
    found.reasons["operation"] = [
        "The other columns are set. To set only what a profile does not have yet (others are add, union, append,",
        "remove, unset and delete):",
        'operation = "set_once"',
    ]
    rest = [column for column in found.columns if column.name not in found.used and "." not in column.name]
    return Guess(Mapping(**base, **found.fields), reasons | found.reasons, rest)


def _find_id(found: Found, group_key: str | None) -> None:
    """Find the column with the id of the profile: by its name, or as the first one whose values are all different."""
    field, names = "distinct_id_column", USER_NAMES
    if group_key is not None:
        key = re.sub(r"[^a-z0-9]", "", group_key.lower())
        field, names = "group_id_column", f"{key}id {key} {GROUP_NAMES}"
    first_places = " ".join(dict.fromkeys(f"{names} {LAST_NAMES}".split()))
    named = [column for column in found.named(first_places) if _has_ids(column)]
    unique = [column for column in found.columns if column.name not in found.used and _is_unique(column, found.count)]
    for column in (*named, *unique):
        reason = f"{len(column.distinct)} ids in {found.count} records"
        found.take(
            field, column, f"{reason}." if column in named else f"No name tells the id: {reason}, all different."
        )
        bad = sorted({str(value) for value in column.distinct if is_placeholder(str(value))})
        if bad:
            found.reasons[field].append(
                f"The API disallows ids such as {', '.join(map(repr, bad))}: they are rejected."
            )
        return
    first = found.columns[0].name if found.columns else "id"
    found.reasons[field] = [
        "No column looks like the id of a profile, and every update needs one:",
        f'{field} = "{first}"',
    ]


def _has_ids(column: Column) -> bool:
    """Return whether nearly all values of a column can be ids."""
    return share_of(column, lambda value: isinstance(value, (str, int)) and not isinstance(value, bool)) >= SHARE


def _is_unique(column: Column, count: int) -> bool:
    return "." not in column.name and count > 1 and len(column.distinct) == column.count == count and _has_ids(column)
