"""Read the query of a control request.

An unknown or repeated parameter is an error: if it were ignored, the query would select too much.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import orjson

from mixpress.emulator.store.filters import SORTS, Filters, Page, PropertyFilter

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

MAX_LIMIT = 1000
_MAX_TEXT = 1000  # characters of a value; names and texts of stored events have at most 255
_MAX_PROPERTIES = 20
_TEXTS = ("event", "distinct_id", "insert_id", "endpoint", "search")
_FILTERS = (*_TEXTS, "property", "from", "to", "request", "after", "sort", "limit", "offset")
_BEGINNING = datetime(1970, 1, 1, tzinfo=timezone.utc)


class ParameterError(ValueError):
    """A parameter that cannot be used; its text is a sentence."""


def read_query(pairs: Sequence[tuple[str, str]]) -> tuple[Filters, Page]:
    """Return the filters of events and the page, from the decoded pairs of a query."""
    given = read_single([pair for pair in pairs if pair[0] != "property"], _FILTERS)
    properties = [read_property(value) for name, value in pairs if name == "property"]
    if len(properties) > _MAX_PROPERTIES:
        raise ParameterError(f"'property' may be given at most {_MAX_PROPERTIES} times, got {len(properties)}")
    filters = Filters(
        event=given.get("event"),
        distinct_id=given.get("distinct_id"),
        insert_id=given.get("insert_id"),
        endpoint=given.get("endpoint"),
        search=given.get("search"),
        request=read_integer(given, "request"),
        after=read_integer(given, "after"),
        start_ms=read_time(given, "from"),
        end_ms=read_time(given, "to"),
        properties=tuple(properties),
    )
    return filters, read_page(given, SORTS, "id")


def read_single(pairs: Sequence[tuple[str, str]], allowed: Collection[str]) -> dict[str, str]:
    """Return the parameters by name; ParameterError if one is unknown, repeated or too long."""
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in allowed:
            raise ParameterError(f"unknown parameter '{name[:100]}'; the parameters are {', '.join(allowed)}")
        if name in given:
            raise ParameterError(f"'{name}' may be given only once")
        given[name] = _check_length(name, value)
    return given


def read_page(given: Mapping[str, str], sorts: Sequence[str], default: str) -> Page:
    """Return the page. A default sort that starts with "-" is descending."""
    sort = given.get("sort", default)
    name = sort.removeprefix("-")
    if name not in sorts:
        raise ParameterError(f"'sort' must be one of {', '.join(sorts)}, with - in front to reverse it, got '{sort}'")
    limit = read_integer(given, "limit", 1, MAX_LIMIT)
    offset = read_integer(given, "offset")
    return Page(name, sort.startswith("-"), 100 if limit is None else limit, offset or 0)


def read_property(text: str) -> PropertyFilter:
    """Return the filter of NAME or NAME:VALUE. A name with a colon is written as a JSON string, in quotes."""
    _check_length("property", text)
    if "\0" in text or "\\u0000" in text:
        raise ParameterError("'property' must not contain the character NUL: SQLite ends the names in JSON there")
    quoted = re.match(r'"(?:[^"\\]|\\.)*"(?=:|\Z)', text)
    if quoted is not None:
        try:
            name = str(orjson.loads(quoted[0]))
        except orjson.JSONDecodeError:
            pass  # a name that merely looks like one
        else:
            rest = text[quoted.end() :]
            return PropertyFilter(name, rest[1:] if rest else None)
    name, colon, value = text.partition(":")
    return PropertyFilter(name, value if colon else None)


def read_integer(given: Mapping[str, str], name: str, least: int = 0, most: int = 2**53) -> int | None:
    """Return an integer, or None if the parameter is absent."""
    text = given.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,16}", text, re.ASCII) or not least <= int(text) <= most:
        raise ParameterError(f"'{name}' must be an integer from {least} to {most}, got '{text}'")
    return int(text)


def read_time(given: Mapping[str, str], name: str) -> int | None:
    """Return a time in milliseconds since the epoch, or None if the parameter is absent.

    It is written so, or in ISO 8601, in UTC if it has no offset.
    """
    text = given.get(name)
    if text is None:
        return None
    if re.fullmatch(r"-?\d{1,16}", text, re.ASCII):
        return int(text)
    iso = re.sub(r"[zZ]\Z", "+00:00", text)
    iso = re.sub(r"(?<=T)(.*) (\d\d:\d\d)\Z", r"\1+\2", iso)  # a plus that the query's decoding made a space
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        moment = None
    if moment is None:
        raise ParameterError(
            f"'{name}' must be milliseconds since 1970 or ISO 8601, such as 2026-01-31T12:00:00Z, got '{text}'"
        )
    since = (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)) - _BEGINNING
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def _check_length(name: str, value: str) -> str:
    if len(value) > _MAX_TEXT:
        raise ParameterError(f"'{name}' must have at most {_MAX_TEXT} characters, got {len(value)}")
    return value
