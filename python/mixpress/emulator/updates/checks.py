"""Validate one update of a profile, by the API's documentation alone.

The Rust core implements the same pages independently, as for events. Each check takes the update as received and
returns the first `Problem` that it finds, or None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from mixpress.emulator.checks import MAX_LEVELS, Place, Problem, is_disallowed

ENGAGE = "/engage"
GROUPS = "/groups"
UPDATE_PATHS = frozenset([ENGAGE, GROUPS])

OPERATIONS = {
    ENGAGE: ("$set", "$set_once", "$add", "$union", "$append", "$remove", "$unset", "$delete"),
    GROUPS: ("$set", "$set_once", "$unset", "$remove", "$union", "$delete"),
}
"""The operations of each endpoint (profile and group pages)."""

_BESIDE = {
    # The last four are sent by the vendor's browser client; no page has them.
    ENGAGE: frozenset(
        [
            "$token",
            "$distinct_id",
            "$ip",
            "$ignore_time",
            "$ignore_alias",
            "$time",
            "$device_id",
            "$user_id",
            "$had_persisted_distinct_id",
        ]
    ),
    GROUPS: frozenset(["$token", "$group_key", "$group_id", "$time", "$ip", "$ignore_time"]),
}
"""Members of an update beside its operation."""

_IDS = {ENGAGE: ("$distinct_id",), GROUPS: ("$group_key", "$group_id")}

MAX_UPDATES = 2000  # in a request (profile pages)
MAX_PROPERTIES = 2000  # of a profile, so of an operation too
MAX_KEYS = 255  # of an object in a property; the page gives the number and not whether it is included
MAX_VALUE_BYTES = 262_144  # "256KB" of a list or an object in a property, taking the larger kilobyte
NO_ADDRESS = frozenset(["0", 0])
"""Values of `$ip` that leave the location as it is."""

Update = dict[str, Any]


@dataclass(frozen=True)
class UpdateRules:
    """The rules of an endpoint."""

    path: str
    max_depth: int
    """Maximum nesting of objects in the value of a property."""
    max_update_bytes: int
    """An update's JSON must be smaller."""


def check_update(update: object, rules: UpdateRules) -> Problem | None:
    """Return the first problem of an update, or None."""
    if not isinstance(update, dict):
        return Problem("", "an update must be a JSON object with '$token', an id and one operation")
    return (
        check_text_member(update, "$token")
        or _check_ids(update, rules.path)
        or check_operation(update, rules.path)
        or _check_beside(update)
        or _check_content(update, rules)
    )


def operation_of(update: Update, path: str) -> str:
    """Return the operation of an update that has one."""
    return next(name for name in OPERATIONS[path] if name in update)


def check_text_member(update: Update, name: str) -> Problem | None:
    """Require a string that is not empty."""
    if name not in update:
        return Problem(name, f"'{name}' must not be missing")
    if not isinstance(update[name], str):
        return Problem(name, f"'{name}' is invalid: must be a string")
    return None if update[name] else Problem(name, f"'{name}' must not be blank")


def _check_ids(update: Update, path: str) -> Problem | None:
    for name in _IDS[path]:
        problem = check_text_member(update, name)
        if problem is not None:
            return problem
    if path == ENGAGE and is_disallowed(update["$distinct_id"]):
        return Problem("$distinct_id", f"'$distinct_id' is invalid: '{update['$distinct_id']}' is a disallowed value")
    return None


def check_operation(update: Update, path: str) -> Problem | None:
    """Require exactly one operation of the endpoint, and no unknown member."""
    known = OPERATIONS[path]
    unknown = next((name for name in update if name not in known and name not in _BESIDE[path]), None)
    if unknown is not None:
        return Problem(unknown, f"'{unknown}' is no operation of {path}: the operations are {', '.join(known)}")
    found = [name for name in known if name in update]
    if not found:
        return Problem("", f"the update has no operation: the operations of {path} are {', '.join(known)}")
    if len(found) > 1:
        return Problem(found[1], f"the update has {len(found)} operations, {' and '.join(found)}: send one an update")
    return None


def _check_beside(update: Update) -> Problem | None:
    address = update.get("$ip", "")
    if not isinstance(address, str) and not (type(address) is int and address in NO_ADDRESS):
        return Problem("$ip", "'$ip' is invalid: must be an address or \"0\"")
    for name in ("$ignore_time", "$ignore_alias"):
        if not isinstance(update.get(name, False), bool):
            return Problem(name, f"'{name}' is invalid: must be true or false")
    return None


def _check_content(update: Update, rules: UpdateRules) -> Problem | None:
    """Check the value of the operation."""
    name = operation_of(update, rules.path)
    content = update[name]
    if name == "$delete":
        return None if isinstance(content, str) else Problem(name, "'$delete' is invalid: must be a string")
    if name == "$unset":
        if not isinstance(content, list) or not all(isinstance(each, str) for each in content):
            return Problem(name, "'$unset' is invalid: must be a list of names")
    elif not isinstance(content, dict):
        return Problem(name, f"'{name}' is invalid: must be an object of names and values")
    if len(content) > MAX_PROPERTIES:
        return Problem(name, f"'{name}' is invalid: must have at most {MAX_PROPERTIES} properties, got {len(content)}")
    if isinstance(content, list):
        return None
    return _check_kinds(name, content) or _check_values(Place(None, name), content, rules.max_depth)


def _check_kinds(operation: str, content: dict[str, Any]) -> Problem | None:
    for name, value in content.items():
        if operation == "$add" and type(value) not in (int, float):
            return Problem(f"$add.{name}", f"'$add.{name}' is invalid: must be a number")
        if operation == "$union" and not isinstance(value, list):
            return Problem(f"$union.{name}", f"'$union.{name}' is invalid: must be a list")
    return None


def _check_values(place: Place, content: dict[str, Any], max_depth: int) -> Problem | None:
    for name, value in content.items():
        if isinstance(value, list | dict):
            here = Place(place, name)
            problem = _check_nesting(here, value, max_depth) or check_size(here, len(orjson.dumps(value)))
            if problem is not None:
                return problem
    return None


def _check_nesting(place: Place, value: Any, max_depth: int) -> Problem | None:
    """Check the depth and the keys of all objects in a list or an object."""
    # where it is, value, number of objects and of objects and arrays with it
    pending = [(place, value, int(isinstance(value, dict)), 1)]
    while pending:
        here, outer, depth, level = pending.pop()
        if depth > max_depth:
            return Problem(str(here), f"'{here}' is invalid: objects must not be nested deeper than {max_depth}")
        if level > MAX_LEVELS:
            return Problem(str(here), f"'{here}' is invalid: must not be nested more than {MAX_LEVELS} levels deep")
        if isinstance(outer, dict) and len(outer) > MAX_KEYS:
            return Problem(str(here), f"'{here}' is invalid: must have at most {MAX_KEYS} keys, got {len(outer)}")
        members = outer.items() if isinstance(outer, dict) else enumerate(outer)
        for name, inner in members:
            if isinstance(inner, dict | list):
                pending.append((Place(here, name), inner, depth + isinstance(inner, dict), level + 1))
    return None


def check_size(place: Place, size: int) -> Problem | None:
    """Check the bytes of JSON of a list or an object in a property."""
    if size <= MAX_VALUE_BYTES:
        return None
    return Problem(str(place), f"'{place}' is invalid: must have at most {MAX_VALUE_BYTES} bytes of JSON, got {size}")
