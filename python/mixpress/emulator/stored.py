"""Read stored events, a page at a time, from an emulator's file or from a running emulator."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import orjson
import urllib3

from mixpress.emulator.store.schema import APPLICATION_ID

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from os import PathLike

PAGE_ROWS = 1000  # also the most that a running emulator returns
PAGE_BYTES = 8 << 20  # of a page of a running emulator, beyond which the next ones have fewer events
_SECONDS = urllib3.Timeout(connect=5, read=60)


class UnreadableEventsError(Exception):
    """The events cannot be read, and why."""


class StoredEvent(NamedTuple):
    """An event as the API stores it."""

    endpoint: str
    event: str
    properties: bytes
    """JSON."""


class StoredEvents(NamedTuple):
    """The events of a store."""

    total: int
    """Their number when the reading began, those of other names included."""
    pages: Iterator[list[StoredEvent]]
    """In order of first arrival. Raises UnreadableEventsError."""


@contextmanager
def read_file(path: str | PathLike[str], names: Collection[str] = ()) -> Iterator[StoredEvents]:
    """Read the events of these names, or of all, from a `db` file, as it is at this moment; an emulator may use it."""
    try:
        # A connection that may write removes the files beside the database when it is closed.
        connection = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=rw", uri=True)
        with closing(connection):
            connection.execute("PRAGMA query_only = ON")
            [(application_id,)] = connection.execute("PRAGMA application_id")
            if application_id != APPLICATION_ID:
                raise sqlite3.DatabaseError("it is not the file of an emulator")
            connection.execute("BEGIN")
            [(total,)] = connection.execute("SELECT count(*) FROM events")
            yield StoredEvents(total, _read_rows(connection, names))
    except sqlite3.Error as error:
        raise UnreadableEventsError(f"cannot read events from {path}: {error}") from error


def _read_rows(connection: sqlite3.Connection, names: Collection[str]) -> Iterator[list[StoredEvent]]:
    where = f"WHERE event IN ({', '.join('?' * len(names))})" if names else ""
    query = f"SELECT endpoint, event, properties FROM events {where} ORDER BY id"  # noqa: S608 - no value is in it
    cursor = connection.execute(query, list(names))
    while rows := cursor.fetchmany(PAGE_ROWS):
        yield [StoredEvent(endpoint, event, _to_bytes(properties)) for endpoint, event, properties in rows]


def _to_bytes(properties: str | bytes) -> bytes:
    return properties.encode() if isinstance(properties, str) else properties


@contextmanager
def read_url(url: str, names: Collection[str] = ()) -> Iterator[StoredEvents]:
    """Read the events of these names, or of all, from a running emulator.

    Events that arrive meanwhile are included.
    """
    base = to_base(url)
    with urllib3.PoolManager(retries=False, timeout=_SECONDS) as http:
        first = _get(http, base, names, 0, 100)
        yield StoredEvents(int(first.content["total"]), _read_pages(http, base, names, first))


def to_base(url: str) -> str:
    """Return an emulator's URL without a slash at its end; ValueError if it is none, quoting no password."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ValueError("the emulator's URL must have no username and no password: the emulator asks for none")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"the emulator's URL must be such as http://127.0.0.1:8400, got '{url}'")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


class _Page(NamedTuple):
    content: dict[str, Any]
    size: int
    limit: int


def _get(http: urllib3.PoolManager, base: str, names: Collection[str], after: int, limit: int) -> _Page:
    """Return the events after an id. Other names are left out by the server only if one is wanted."""
    query: dict[str, str | int] = {"sort": "id", "after": after, "limit": limit}
    if len(names) == 1:
        [query["event"]] = names
    try:
        reply = http.request("GET", f"{base}/_emulator/events?{urlencode(query)}")
    except urllib3.exceptions.HTTPError as error:
        raise UnreadableEventsError(f"cannot read events from {base}: is an emulator running there? {error}") from error
    try:
        content = orjson.loads(reply.data)
    except orjson.JSONDecodeError:
        content = None
    if reply.status == 200 and isinstance(content, dict) and "events" in content and "total" in content:
        return _Page(content, len(reply.data), limit)
    reason = content.get("error") if isinstance(content, dict) else None
    words = f"{reply.status}{f', {json.dumps(reason)}' if reason else ''}"
    raise UnreadableEventsError(f"cannot read events from {base}: no emulator answers there: {words}")


def _read_pages(
    http: urllib3.PoolManager, base: str, names: Collection[str], page: _Page
) -> Iterator[list[StoredEvent]]:
    while events := page.content["events"]:
        yield [
            StoredEvent(event["endpoint"], event["event"], orjson.dumps(event["properties"]))
            for event in events
            if not names or event["event"] in names
        ]
        fitting = page.limit * PAGE_BYTES // page.size
        page = _get(http, base, names, events[-1]["id"], max(1, min(fitting, page.limit * 2, PAGE_ROWS)))
