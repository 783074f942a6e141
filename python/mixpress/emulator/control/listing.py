"""Select refused events and requests, which are kept in memory: the filters of the stored events, in Python."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import orjson

from mixpress.emulator.as_json import encode
from mixpress.emulator.checks import to_milliseconds
from mixpress.emulator.control.parameters import ParameterError, read_integer, read_page, read_single
from mixpress.emulator.store.fitting import fitting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mixpress.emulator.request import LoggedRequest, RefusedEvent
    from mixpress.emulator.store.filters import Filters, Page

Numbered = tuple[int, "RefusedEvent"]

_REQUEST_SORTS = ("number", "received", "status", "events", "body_bytes", "seconds")
_REQUEST_PARAMETERS = ("status", "endpoint", "number", "sort", "limit", "offset")


def find_refused(entries: Sequence[Numbered], filters: Filters, page: Page) -> tuple[list[orjson.Fragment], int]:
    """Return a page of the selected refused events as JSON objects, and the number of all that are selected.

    A page that becomes too large ends early.
    """
    found = [entry for entry in entries if _matches(entry, filters)]
    if filters.search:
        needles = [filters.search.lower(), encode(filters.search).decode()[1:-1].lower()]
        found = [entry for entry in found if any(map(_text(entry[1]).__contains__, needles))]
    # Two sorts, as a stable one keeps the order of ids among equals in either direction.
    key = _KEYS[page.sort]
    found.sort(key=lambda entry: (key(entry), entry[0]), reverse=page.descending)
    return fitting(map(_to_json, found[page.offset : page.offset + page.limit])), len(found)


def _matches(entry: Numbered, filters: Filters) -> bool:
    id_, refused = entry
    return (
        filters.insert_id in {None, refused.insert_id}
        and filters.endpoint in {None, refused.endpoint}
        and filters.request in {None, refused.request}
        and (filters.after is None or id_ > filters.after)
        and (not _looks_inside(filters) or _event_matches(refused, filters))
    )


def _looks_inside(filters: Filters) -> bool:
    """Return whether events must be parsed."""
    wanted = (filters.event, filters.distinct_id, filters.start_ms, filters.end_ms)
    return bool(filters.properties) or any(each is not None for each in wanted)


def _event_matches(refused: RefusedEvent, filters: Filters) -> bool:
    event = refused.event
    properties = _properties(event)
    time = _time(refused, event)
    return (
        filters.event in {None, _name(event)}
        and filters.distinct_id in {None, _distinct_id(event)}
        and (filters.start_ms is None or time >= filters.start_ms)
        and (filters.end_ms is None or time < filters.end_ms)
        and all(each.matches(properties) for each in filters.properties)
    )


def _properties(event: Any) -> dict[str, Any]:
    properties = event.get("properties") if isinstance(event, dict) else None
    return properties if isinstance(properties, dict) else {}


def _name(event: Any) -> str:
    name = event.get("event") if isinstance(event, dict) else None
    return name if isinstance(name, str) else ""


def _distinct_id(event: Any) -> str:
    own = event.get("$distinct_id") if isinstance(event, dict) else None  # of an update
    distinct_id = own if isinstance(own, str) else _properties(event).get("distinct_id")
    return distinct_id if isinstance(distinct_id, str) else ""


def _time(refused: RefusedEvent, event: Any) -> int:
    """Return the event's time, or when it came if it has no readable one."""
    time = _properties(event).get("time")
    if isinstance(time, bool) or not isinstance(time, int | float) or not isfinite(time):
        return refused.received
    return to_milliseconds(time)


_KEYS: dict[str, Callable[[Numbered], Any]] = {
    "id": lambda entry: entry[0],
    "time": lambda entry: _time(entry[1], entry[1].event),
    "received": lambda entry: entry[1].received,
    "event": lambda entry: _name(entry[1].event),
    "distinct_id": lambda entry: _distinct_id(entry[1].event),
}


def _text(refused: RefusedEvent) -> str:
    """Return what a search looks at, in lower case."""
    return "\n".join([refused.json.decode(), refused.field, refused.message]).lower()


def _to_json(entry: Numbered) -> dict[str, Any]:
    id_, refused = entry
    return {
        "id": id_,
        "request": refused.request,
        "received": refused.received,
        "endpoint": refused.endpoint,
        "index": refused.index,
        "field": refused.field,
        "message": refused.message,
        "insert_id": refused.insert_id,
        "event": orjson.Fragment(refused.json),
    }


def refused_to_json(refused: RefusedEvent) -> dict[str, Any]:
    """Return a refused event as a JSON object, without an id."""
    content = _to_json((0, refused))
    del content["id"]
    return content


def find_requests(
    requests: Sequence[LoggedRequest], pairs: Sequence[tuple[str, str]]
) -> tuple[list[orjson.Fragment], int, Page]:
    """Return the requests that a query selects, as JSON objects, the number of all that are selected, and the page.

    A page that becomes too large ends early.
    """
    given = read_single(pairs, _REQUEST_PARAMETERS)
    page = read_page(given, _REQUEST_SORTS, "-number")
    number = read_integer(given, "number")
    has_status = _status_test(given)
    endpoint = given.get("endpoint")
    found = [
        request
        for request in requests
        if (number is None or request.number == number)
        and (endpoint is None or request.path == endpoint)
        and has_status(request.status)
    ]
    if page.sort != "number":
        found.sort(key=lambda request: getattr(request, page.sort))
    if page.descending:
        found.reverse()  # of equal ones the later comes first; in the order of numbers they are already
    return fitting(map(request_to_json, found[page.offset : page.offset + page.limit])), len(found), page


def _status_test(given: Mapping[str, str]) -> Callable[[int], bool]:
    text = given.get("status")
    if text is None:
        return lambda _: True
    if text == "failed":
        return lambda status: status == 0 or status >= 400
    if len(text) == 3 and text[0] in "12345" and text[1:] == "xx":
        return lambda status: status // 100 == int(text[0])
    if text == "0" or (len(text) == 3 and text.isascii() and text.isdigit()):
        return lambda status: status == int(text)
    raise ParameterError(f"'status' must be a status such as 400, a class such as 4xx, 0 or failed, got '{text}'")


def request_to_json(request: LoggedRequest) -> dict[str, Any]:
    """Return a request as a JSON object."""
    return {
        "number": request.number,
        "received": request.received,
        "method": request.method,
        "path": request.path,
        "query": dict(request.query),
        "headers": dict(request.headers),
        "status": request.status,
        "events": request.events,
        "imported": request.imported,
        "refused": request.refused,
        "ignored": request.ignored,
        "body_bytes": request.body_bytes,
        "unpacked_bytes": request.unpacked_bytes,
        "content_encoding": request.content_encoding,
        "fault": request.fault,
        "seconds": request.seconds,
        "error": request.error,
    }
