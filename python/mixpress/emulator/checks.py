"""Validate one event, by the API's documentation alone.

The Rust core implements the same pages independently. The two share no code and no table, so a mistake in one shows as
a disagreement with the other.

Each check takes the event as received and returns the first `Problem` that it finds, or None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from mixpress.emulator.identity import IDENTITY_EVENTS, derived_id, merged_ids

DISALLOWED_IDS = frozenset(
    [
        "00000000-0000-0000-0000-000000000000",
        "anon",
        "anonymous",
        "nil",
        "none",
        "null",
        "n/a",
        "na",
        "undefined",
        "unknown",
        "<nil>",
        "0",
        "-1",
        "true",
        "false",
        "[]",
        "{}",
    ]
)
"""Refused as `distinct_id` and as `$insert_id`, in any case (list of the import page)."""

MAX_EVENTS = 2000  # in a request (both pages)
MAX_EVENT_BYTES = 1_000_000  # "smaller than 1MB of uncompressed JSON", taking the smaller megabyte
MAX_COUNT = 255  # properties, keys and elements must be fewer than this
MAX_LEVELS = 64  # of objects and arrays; the documentation limits objects only, and a parser needs a bound
MAX_INSERT_ID_BYTES = 36
EARLIEST_MS = 31_536_000_000  # 1971-01-01: /import accepts "any time after" it
HOUR_MS = 3_600_000
TRACK_DAYS_MS = 5 * 86_400_000  # /track accepts the "last 5 days only"

_MERGED = {"$identify": "$anon_id", "$create_alias": "alias", "$merge": "$distinct_ids"}
"""The property by which an identity event is known in a message."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_INSERT_ID = re.compile(r"[A-Za-z0-9-]+")
# Unicode's White_Space: str.strip() also removes U+001C to U+001F, which are not in it.
_BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))

Properties = dict[str, Any]


class Problem(NamedTuple):
    """Why an event was refused: the field, and a message in the API's style."""

    field: str
    message: str


@dataclass(frozen=True)
class Rules:
    """The rules of an endpoint at one moment."""

    now_ms: int
    """Current time in milliseconds since the epoch."""
    oldest_ms: int
    """An event older than this is refused."""
    oldest_words: str
    """The words for this limit in a message."""
    strict: bool
    """Require `time`, `distinct_id` and `$insert_id`, and a `time` at most an hour in the future."""
    token: bool
    """Require `properties.token`."""
    max_depth: int
    """Maximum nesting of objects in `properties`."""
    max_event_bytes: int = MAX_EVENT_BYTES
    """An event's JSON must be smaller."""
    simplified: bool = False
    """Let `$user_id` or `$device_id` replace `distinct_id`."""


def import_rules(now_ms: int, *, strict: bool, max_depth: int) -> Rules:
    """Return the rules of /import."""
    return Rules(now_ms, EARLIEST_MS, "must be after 1971-01-01", strict, token=False, max_depth=max_depth)


def track_rules(now_ms: int, *, max_depth: int) -> Rules:
    """Return the rules of /track: a token, a time of the last five days, and no other required property."""
    words = "must be within the last 5 days for /track"
    return Rules(now_ms, now_ms - TRACK_DAYS_MS, words, strict=False, token=True, max_depth=max_depth)


def check_event(event: object, rules: Rules) -> Problem | None:
    """Return the first problem of an event, or None."""
    problem = check_shape(event)
    if problem is not None or not isinstance(event, dict):
        return problem
    properties: Properties = event["properties"]
    merges = event["event"] in IDENTITY_EVENTS
    if merges:
        rules = replace(rules, strict=False)  # the identity page has no time and no ids of the event itself
    return (
        (check_merged_ids(event, rules) if merges and not rules.simplified else None)
        or (check_token(properties) if rules.token else None)
        or check_time(properties, rules)
        or check_distinct_id(properties, rules)
        or check_insert_id(properties, rules)
        or check_sizes(properties, rules.max_depth)
    )


def check_shape(event: object) -> Problem | None:
    """Require an object with exactly `event`, a name, and `properties`, an object."""
    if not isinstance(event, dict):
        return Problem("", "an event must be a JSON object of 'event' and 'properties'")
    return check_name(event) or check_members(event)


def check_name(event: dict[str, Any]) -> Problem | None:
    """Require a string that is not blank."""
    name = event.get("event", "")
    if not isinstance(name, str):
        return Problem("event", "'event' is invalid: must be a string")
    if not name.strip(_BLANKS):
        return Problem("event", "'event' must not be missing or blank")
    return None


def check_members(event: dict[str, Any]) -> Problem | None:
    """Require `properties`, an object, and no other member than the name."""
    if "properties" not in event:
        return Problem("properties", "'properties' must not be missing")
    if not isinstance(event["properties"], dict):
        return Problem("properties", "'properties' is invalid: must be an object")
    if len(event) > 2:
        extra = next(key for key in event if key not in {"event", "properties"})
        return Problem(extra, f"'{extra}' is invalid: an event has only 'event' and 'properties'")
    return None


def check_merged_ids(event: dict[str, Any], rules: Rules) -> Problem | None:
    """Require the two ids that an identity event merges; `$merge` is for /import alone (identity page)."""
    name = event["event"]
    if name == "$merge" and rules.token:
        return Problem("event", "'event' is invalid: $merge is accepted by /import alone")
    ids = merged_ids(event)
    field = _MERGED[name]
    if ids is None:
        words = "must be two distinct_ids" if name == "$merge" else f"{name} must have two ids to merge"
        return Problem(f"properties.{field}", f"'properties.{field}' is invalid: {words}")
    disallowed = next(filter(is_disallowed, ids), None)
    if disallowed is None:
        return None
    return Problem(f"properties.{field}", f"'properties.{field}' is invalid: '{disallowed}' is a disallowed value")


def check_token(properties: Properties) -> Problem | None:
    """Require a string that is not empty; like the API, do not check that a project has it."""
    token = properties.get("token")
    if isinstance(token, str) and token:
        return None
    return Problem("properties.token", "'properties.token' must not be missing or blank")


def check_time(properties: Properties, rules: Rules) -> Problem | None:
    """Require an integer of seconds or milliseconds, not too old and, under strict, at most an hour in the future.

    Without strict a fraction is accepted too: the vendor's own clients send one.
    """
    field = "properties.time"
    if "time" not in properties:
        return Problem(field, "'properties.time' must not be missing") if rules.strict else None
    time = properties["time"]
    if type(time) is not int and (rules.strict or type(time) is not float):
        return Problem(field, "'properties.time' is invalid: must be specified as seconds since epoch")
    when = to_milliseconds(time)
    if when < rules.oldest_ms:
        return Problem(field, f"'properties.time' is invalid: {rules.oldest_words}")
    if rules.strict and when > rules.now_ms + HOUR_MS:
        return Problem(field, "'properties.time' is invalid: must not be in the future")
    return None


def to_milliseconds(time: float) -> int:
    """Return `time` in milliseconds; a number that as milliseconds is before 1971 is seconds."""
    return int(time) if abs(time) >= EARLIEST_MS else round(time * 1000)


def check_distinct_id(properties: Properties, rules: Rules) -> Problem | None:
    """Require a string that is not a disallowed placeholder; it may be empty (an anonymous event)."""
    field = "properties.distinct_id"
    if "distinct_id" not in properties:
        if not rules.strict or (rules.simplified and derived_id(properties) is not None):
            return None
        return Problem(field, "'properties.distinct_id' must not be missing")
    value = properties["distinct_id"]
    if not isinstance(value, str):
        return Problem(field, "'properties.distinct_id' is invalid: must be a string")
    if is_disallowed(value):
        return Problem(field, f"'properties.distinct_id' is invalid: '{value}' is a disallowed value")
    return None


def check_insert_id(properties: Properties, rules: Rules) -> Problem | None:
    """Require 1 to 36 letters, digits and hyphens that are not a disallowed placeholder."""
    field = "$insert_id"
    if field not in properties:
        return Problem(field, "'$insert_id' must not be missing") if rules.strict else None
    value = properties[field]
    if not isinstance(value, str):
        return Problem(field, "'$insert_id' is invalid: must be a string")
    if is_disallowed(value):
        return Problem(field, f"'$insert_id' is invalid: '{value}' is a disallowed value")
    if not _INSERT_ID.fullmatch(value):
        return Problem(field, "'$insert_id' is invalid: must only contain alphanumeric or hyphen '-' characters")
    if len(value) > MAX_INSERT_ID_BYTES:
        return Problem(field, f"'$insert_id' is invalid: must be at most {MAX_INSERT_ID_BYTES} bytes")
    return None


def is_disallowed(value: str) -> bool:
    """Return whether an id is in the list, ignoring the case of ASCII letters only (the Kelvin sign is not a k)."""
    return value.isascii() and value.lower() in DISALLOWED_IDS


def check_sizes(properties: Properties, max_depth: int) -> Problem | None:
    """Check the counts and the depth of all values in `properties`."""
    if len(properties) >= MAX_COUNT:
        return Problem("properties", f"'properties' is invalid: must have fewer than {MAX_COUNT} properties")
    # where it is, value, number of enclosing objects, number of enclosing objects and arrays
    pending: list[tuple[Place, Any, int, int]] = [(Place(None, "properties"), properties, 0, 0)]
    while pending:
        place, outer, depth, level = pending.pop()
        members = outer.items() if type(outer) is dict else enumerate(outer)
        for name, inner in members:
            kind = type(inner)
            if kind is not dict and kind is not list:
                continue
            here = Place(place, name)
            inner_depth = depth + (kind is dict)
            problem = _check_container(here, inner, inner_depth, level + 1, max_depth)
            if problem is not None:
                return problem
            pending.append((here, inner, inner_depth, level + 1))
    return None


class Place(NamedTuple):
    """Where a value is in an event. Its text is only made for a message: names can be long, and containers many."""

    outer: Place | None
    name: str | int
    """The name in an object, or the index in an array."""

    def __str__(self) -> str:
        parts: list[str] = []
        place: Place | None = self
        while place is not None:
            inner = place.outer is not None
            parts.append(
                f"[{place.name}]" if isinstance(place.name, int) else f".{place.name}" if inner else place.name
            )
            place = place.outer
        return "".join(reversed(parts))


def _check_container(
    place: Place, container: dict[str, Any] | list[Any], depth: int, level: int, max_depth: int
) -> Problem | None:
    if depth > max_depth:
        return Problem(str(place), f"'{place}' is invalid: objects must not be nested deeper than {max_depth}")
    if level > MAX_LEVELS:
        return Problem(str(place), f"'{place}' is invalid: must not be nested more than {MAX_LEVELS} levels deep")
    if len(container) >= MAX_COUNT:
        what = "keys" if isinstance(container, dict) else "elements"
        return Problem(str(place), f"'{place}' is invalid: must have fewer than {MAX_COUNT} {what}")
    return None


def check_text(event: dict[str, Any]) -> Problem | None:
    """Find a string that is not valid Unicode; only called for a body that a strict parser refused."""
    pending: list[tuple[Place | None, Any]] = [(None, event)]
    while pending:
        place, value = pending.pop()
        valid = True
        if isinstance(value, str):
            valid = _is_unicode(value)
        elif isinstance(value, dict):
            valid = all(map(_is_unicode, value))
            pending += [(Place(place, name), inner) for name, inner in value.items()]
        elif isinstance(value, list):
            pending += [(Place(place, index), inner) for index, inner in enumerate(value)]
        if not valid:
            path = "" if place is None else str(place)
            return Problem(path, f"{path} is invalid: string should be valid utf8")
    return None


def _is_unicode(text: str) -> bool:
    return _SURROGATE.search(text) is None
