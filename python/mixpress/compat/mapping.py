"""Values of other clients in the form that Mixpanel has for them: times, ids, people, and names in a table."""

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
"""What Mixpanel takes as an `$insert_id`."""

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
"""What other clients call the properties of a person that Mixpanel has names for."""

_FRACTION = re.compile(r"\.(\d+)")


def milliseconds(timestamp: object) -> object:
    """A datetime, or ISO 8601 text, as milliseconds since the epoch. Anything else is left to the rules for `time`.

    Without a time zone it is UTC, as those clients have it; one of the last five seconds is local, `datetime.now()`.
    """
    if isinstance(timestamp, str):
        try:
            timestamp = datetime.fromisoformat(_plain_iso(timestamp))
        except ValueError:
            return timestamp
    if not isinstance(timestamp, datetime):
        return timestamp
    return (_aware(timestamp) - EPOCH) // timedelta(milliseconds=1)


def insert_id(value: object) -> str | None:
    """An id of a message as an `$insert_id`. One that Mixpanel does not take is hashed: equal ids give equal ones."""
    if value is None or value == "":
        return None
    given = str(value)
    return given if INSERT_ID.fullmatch(given) else hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()[:36]


def identity(user: object, device: object) -> dict[str, Any]:
    """The ids of an event, of a user who is known, or of a device, or of both: the event with both links them."""
    ids: dict[str, Any] = {}
    if known(device):
        ids["$device_id"] = as_id(device)
        ids["distinct_id"] = f"$device:{ids['$device_id']}"
    if known(user):
        ids["$user_id"] = ids["distinct_id"] = as_id(user)
    return ids


def known(id: object) -> bool:
    """Whether there is an id at all."""
    return id is not None and id != ""


def as_id(value: object) -> object:
    """An id as text, where it is a number or a UUID."""
    return str(value) if isinstance(value, (Number, UUID)) and not isinstance(value, bool) else value


def country(value: object) -> dict[str, object]:
    """A country as Mixpanel has it, a code of two letters; a name stays a name."""
    if value is None:
        return {}
    return {"mp_country_code" if isinstance(value, str) and len(value) == 2 else "country": value}


def person(traits: object) -> dict[str, Any]:
    """The properties of a person, under Mixpanel's names where it has them."""
    return {PERSON.get(name, name): value for name, value in mapping(traits).items()}


def taken(source: Mapping[str, Any], table: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """What a table of names and paths finds in nested mappings."""
    found = {name: _at(source, path) for name, path in table.items()}
    return {name: value for name, value in found.items() if value is not None}


def mapping(value: object) -> Mapping[str, Any]:
    """The value, or an empty mapping in the place of what is none."""
    return value if isinstance(value, Mapping) else {}


def _at(source: object, path: tuple[str, ...]) -> object:
    for name in path:
        source = mapping(source).get(name)
    return source


def _plain_iso(text: str) -> str:
    """ISO 8601 as Python 3.10 reads it: no `Z`, and six digits of a second's fraction."""
    text = text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text
    return _FRACTION.sub(lambda found: f".{found[1][:6]:0<6}", text, count=1)


def _aware(moment: datetime) -> datetime:
    if moment.utcoffset() is not None:
        return moment
    moment = moment.replace(tzinfo=None)
    just_now = abs(datetime.now() - moment) < timedelta(seconds=5)
    return moment.astimezone() if just_now else moment.replace(tzinfo=timezone.utc)
