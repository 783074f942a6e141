"""Convert values of other clients to Mixpanel's form: times, ids, persons, and names from a table."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from numbers import Number
from typing import Any
from uuid import UUID

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

INSERT_ID = re.compile(r"[A-Za-z0-9-]{1,36}")
"""A valid `$insert_id`."""

PERSON = {
    "avatar": "$avatar",
    "created": "$created",
    "createdAt": "$created",
    "email": "$email",
    "firstName": "$first_name",
    "first_name": "$first_name",
    "lastName": "$last_name",
    "last_name": "$last_name",
    "name": "$name",
    "phone": "$phone",
    "username": "$username",
}
"""Other clients' names of a person's properties, and Mixpanel's reserved names for them."""

TIME = "time_property"
"""The name in Mixpanel of a property that is called `time` in the other client."""

_FRACTION = re.compile(r"\.(\d+)")


def milliseconds(timestamp: object) -> object:
    """Return a datetime or an ISO 8601 string as milliseconds since the epoch, and any other value unchanged.

    A time without a zone is UTC, as in those clients, unless it is within five seconds of `datetime.now()`: then local.
    None for a missing value.
    """
    if missing(timestamp):
        return None
    if isinstance(timestamp, str):
        try:
            timestamp = datetime.fromisoformat(_plain_iso(timestamp))
        except ValueError:
            return timestamp
    if not isinstance(timestamp, datetime):
        return timestamp
    return (_aware(timestamp) - EPOCH) // timedelta(milliseconds=1)


def insert_id(value: object) -> str | None:
    """Return a message's id as an `$insert_id`, hashed if it is not a valid one; None for a missing or empty id."""
    if not known(value):
        return None
    given = str(value)
    return given if INSERT_ID.fullmatch(given) else hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()[:36]


def time_and_insert_id(timestamp: object, message_id: object) -> dict[str, object]:
    """Return `time` and `$insert_id`, each only if the message has it."""
    return present({"time": milliseconds(timestamp), "$insert_id": insert_id(message_id)})


def identity(user: object, device: object) -> dict[str, Any]:
    """Return the ids of an event of a user, a device or both; an event with both links them."""
    ids: dict[str, Any] = {}
    if known(device):
        ids["$device_id"] = as_id(device)
        ids["distinct_id"] = f"$device:{ids['$device_id']}"
    if known(user):
        ids["$user_id"] = ids["distinct_id"] = as_id(user)
    return ids


def missing(value: object) -> bool:
    """Return whether a value is None, NaN, or pandas' NA or NaT. Never raises."""
    if value is None:
        return True
    try:
        return bool(value != value)  # noqa: PLR0124 - true for what is not a number or not a time
    except Exception:  # noqa: BLE001 - NA has no truth value, a signalling NaN raises, an array has many values
        return isinstance(value, Number) or type(value).__name__ == "NAType"


def known(id: object) -> bool:
    """Return whether an id is given."""
    return not missing(id) and not (isinstance(id, str) and id == "")


def first_known(*ids: object) -> object:
    """Return the first id that is given, else None."""
    return next((id for id in ids if known(id)), None)


def as_id(value: object) -> object:
    """Return a number or a UUID as a string, None for a missing value, and any other id unchanged."""
    if missing(value):
        return None
    return str(value) if isinstance(value, (Number, UUID)) and not isinstance(value, bool) else value


def without_time(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties with `time` under the name `TIME`: Mixpanel's `time` is the event's own time."""
    return {TIME if name == "time" else name: value for name, value in properties.items()}


def has_id(update: Mapping[str, Any]) -> bool:
    """Return whether a profile update names a user, or a group and its key."""
    names = ("$group_key", "$group_id") if "$group_id" in update else ("$distinct_id",)
    return all(known(update.get(name)) for name in names)


def country(value: object) -> dict[str, object]:
    """Return a country as `mp_country_code` if it is a code of two letters, else as `country`."""
    if missing(value):
        return {}
    return {"mp_country_code" if isinstance(value, str) and len(value) == 2 else "country": value}


def person(traits: object) -> dict[str, Any]:
    """Return a person's properties, with Mixpanel's reserved names."""
    return {PERSON.get(name, name): value for name, value in mapping(traits).items()}


def extract(source: Mapping[str, Any], table: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Return the values of nested mappings that a table of names and paths finds."""
    return present({name: _at(source, path) for name, path in table.items()})


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the items whose value is not None."""
    return {name: value for name, value in values.items() if value is not None}


def mapping(value: object) -> Mapping[str, Any]:
    """Return the value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def _at(source: object, path: tuple[str, ...]) -> object:
    for name in path:
        source = mapping(source).get(name)
    return source


def _plain_iso(text: str) -> str:
    """Return ISO 8601 as Python 3.10 reads it: no `Z`, and exactly six digits of a second's fraction."""
    text = text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text
    return _FRACTION.sub(lambda found: f".{found[1][:6]:0<6}", text, count=1)


def _aware(moment: datetime) -> datetime:
    if moment.utcoffset() is not None:
        return moment
    moment = moment.replace(tzinfo=None)
    just_now = abs(datetime.now() - moment) < timedelta(seconds=5)
    return moment.astimezone() if just_now else moment.replace(tzinfo=timezone.utc)
