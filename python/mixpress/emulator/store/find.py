"""Select stored events by SQL. Every value is a parameter; the text of a query consists of constants of this module."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Any

import orjson

from mixpress.emulator.store.fitting import fitting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mixpress.emulator.store.filters import Filters, Page, PropertyFilter

_COLUMNS = "id, endpoint, request, received, event, properties"
_ORDER = {
    ("id", False): "id",
    ("id", True): "id DESC",
    **{(name, False): f"{name}, id" for name in ("time", "received", "event", "distinct_id")},
    **{(name, True): f"{name} DESC, id DESC" for name in ("time", "received", "event", "distinct_id")},
}
_SIMPLE = {
    "event": "event = ?",
    "distinct_id": "distinct_id = ?",
    "insert_id": "coalesce(insert_id, '') = ?",
    "endpoint": "endpoint = ?",
    "request": "request = ?",
    "start_ms": "time >= ?",
    "end_ms": "time < ?",
    "after": "id > ?",
}
_SEARCHED = ("event", "distinct_id", "coalesce(insert_id, '')", "properties")
_INT64 = range(-(2**63), 2**63)

MAX_SECONDS = 5.0
_STEPS = 100  # of SQLite's machine between two looks at the clock: each may search a megabyte

Condition = tuple[str, list[Any]]


class UnfinishedError(Exception):
    """A listing was ended; the text says why."""


def find(
    connection: sqlite3.Connection,
    filters: Filters,
    page: Page,
    *,
    clock: Callable[[], float] = time.monotonic,
    is_stopping: Callable[[], bool] = lambda: False,
) -> tuple[list[orjson.Fragment], int]:
    """Return a page of the selected events, as far as it is not too large, and the number of all that are selected.

    Raises `UnfinishedError` after `MAX_SECONDS`, or when the emulator stops.
    """
    began = clock()
    # The connection is the one that the store writes with: nothing may end its other statements.
    connection.set_progress_handler(lambda: is_stopping() or clock() - began > MAX_SECONDS, _STEPS)
    try:
        return _find(connection, filters, page)
    except sqlite3.OperationalError as error:
        if str(error) != "interrupted":
            raise
        late = f"the listing took longer than {MAX_SECONDS:g} s and was ended: select fewer events, such as by `from`"
        raise UnfinishedError("the emulator stops" if is_stopping() else late) from error
    finally:
        connection.set_progress_handler(None, 0)


def _find(connection: sqlite3.Connection, filters: Filters, page: Page) -> tuple[list[orjson.Fragment], int]:
    """Return a page of the selected events, and the number of all that are selected.

    Each is `{"id": ..., "endpoint": ..., "request": ..., "received": ..., "event": ..., "properties": JSON text}`.
    """
    where, values = to_where(filters)
    order = _ORDER[page.sort, page.descending]
    if where:
        # One pass gives both the page and the total: a filter by property costs as much as all the rest.
        query = f"SELECT id FROM events WHERE {where} ORDER BY {order}"  # noqa: S608 - constants
        ids = [row[0] for row in connection.execute(query, values)]
        rows = _read(connection, ids[page.offset : page.offset + page.limit])
        return fitting(map(_to_event, rows)), len(ids)
    [(total,)] = connection.execute("SELECT count(*) FROM events")
    # The inner query sorts ids alone: a sorter that carries the JSON takes ten times as long.
    inner = f"SELECT id FROM events ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608 - constants
    ids = [row[0] for row in connection.execute(inner, (page.limit, page.offset))]
    return fitting(map(_to_event, _read(connection, ids))), total


def to_where(filters: Filters) -> Condition:
    """Return the conditions of filters and their values; an empty text if they select all."""
    conditions = [(text, [getattr(filters, name)]) for name, text in _SIMPLE.items() if _is_given(filters, name)]
    # Cheap conditions come first: SQLite evaluates them in this order unless an index serves one.
    if filters.search:
        conditions.append(_search(filters.search))
    conditions += [_property(each) for each in filters.properties]
    return " AND ".join(text for text, _ in conditions), [value for _, values in conditions for value in values]


def _is_given(filters: Filters, name: str) -> bool:
    return getattr(filters, name) is not None


def _search(text: str) -> Condition:
    """Find a text as it is, and in the properties also as JSON writes it."""
    patterns = {_pattern(text), _pattern(orjson.dumps(text).decode()[1:-1])}
    tests = [f"{column} LIKE ? ESCAPE '!'" for column in _SEARCHED]
    values = [_pattern(text)] * len(_SEARCHED)
    for pattern in patterns - {_pattern(text)}:
        tests.append("properties LIKE ? ESCAPE '!'")
        values.append(pattern)
    return f"({' OR '.join(tests)})", values


def _pattern(text: str) -> str:
    escaped = "".join(f"!{char}" if char in "!%_" else char for char in text)
    return f"%{escaped}%"


def _property(filter_: PropertyFilter) -> Condition:
    """Compare with `json_each`, which is exact for every name; a JSON path cannot express all of them."""
    values: list[Any] = [filter_.name]
    tests = []
    for value in filter_.values():
        test, given = _equals(value)
        tests.append(test)
        values += given
    condition = f" AND ({' OR '.join(tests)})" if tests else ""
    return f"EXISTS (SELECT 1 FROM json_each(properties) AS p WHERE p.key = ?{condition})", values  # noqa: S608


def _equals(value: Any) -> Condition:
    if value is None:
        return "p.type = 'null'", []
    if isinstance(value, bool):
        return f"p.type = '{'true' if value else 'false'}'", []
    if isinstance(value, str):
        return "(p.type = 'text' AND p.value = ?)", [value]
    if isinstance(value, int | float):
        number = value if not isinstance(value, int) or value in _INT64 else float(value)
        return "(p.type IN ('integer', 'real') AND p.value = ?)", [number]
    return "(p.type IN ('object', 'array') AND p.value = ?)", [orjson.dumps(value).decode()]


def _read(connection: sqlite3.Connection, ids: list[int]) -> Iterator[tuple[Any, ...]]:
    """Return the rows of some ids, in their order."""
    query = f"SELECT {_COLUMNS} FROM events WHERE id = ?"  # noqa: S608 - constants
    for id_ in ids:
        yield from connection.execute(query, (id_,))


def _to_event(row: tuple[Any, ...]) -> dict[str, Any]:
    id_, endpoint, request, received, event, properties = row
    return {
        "id": id_,
        "endpoint": endpoint,
        "request": request,
        "received": received,
        "event": event,
        "properties": orjson.Fragment(properties),
    }
