"""Interpret the replies about lookup tables: pure functions from a response to a result, an error or a `Reply`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mixpress.errors import LookupProblem, LookupTableError
from mixpress.lookup.limits import CALLS, LISTED, MAX_BYTES
from mixpress.reply import Hopeless, Taken, TryLater, read_records, read_reply
from mixpress.wording import counted, in_words

if TYPE_CHECKING:
    from mixpress.reply import Hide, Reply
    from mixpress.transport.interface import Response


@dataclass(frozen=True)
class LookupTable:
    """A lookup table of a project."""

    id: str
    """What `replace` needs."""
    name: str


@dataclass(frozen=True)
class Replaced:
    """The server replaced the table."""


@dataclass(frozen=True)
class Listed:
    """The tables of the project."""

    tables: tuple[LookupTable, ...]


@dataclass(frozen=True)
class Failed:
    """The call has failed, and a retry would get the same."""

    error: LookupTableError


def read_replacement(
    response: Response, table: str, *, now: float = 0.0, hide: Hide = str
) -> Replaced | Failed | Reply:
    """Return the meaning of a reply to the replacement of the table with this id.

    A 429 is a failure, not a reason to wait: the limit is one of 24 hours. `now` and `hide` are those of `read_reply`.
    """
    reply = read_reply(response, 1, now=now, hide=hide)
    if response.status == 200:
        return Replaced() if isinstance(reply, Taken) and not reply.refused else _not_taken(reply)
    if response.status in {400, 413}:
        return Failed(_refused(response, hide) if response.status == 400 else _too_large(response, hide))
    if response.status == 404:
        message = read_records(response, hide=hide)[0]
        advice = f"no lookup table of this project has the id {table!r}; `mixpress lookup list` shows those it has"
        return Failed(LookupTableError(f"404 Not Found: {message} ({advice})", "not-found"))
    if response.status == 429:
        assert isinstance(reply, TryLater)
        return Failed(_rate_limited(reply))
    return _final(reply)


def read_list(response: Response, *, now: float = 0.0, hide: Hide = str) -> Listed | Failed | Reply:
    """Return the meaning of a reply to the question for the project's tables."""
    reply = read_reply(response, 1, now=now, hide=hide)
    if response.status == 429:
        assert isinstance(reply, TryLater)
        return Failed(_rate_limited(reply))
    if response.status == 400:
        message = read_records(response, hide=hide)[0]
        return Failed(LookupTableError(f"400 Bad Request: {message}", "refused"))
    if response.status == 413:
        message = read_records(response, hide=hide)[0]
        return Failed(LookupTableError(f"413 to a request without a body: {message}", "refused"))
    if response.status != 200:
        return _final(reply)
    tables = _tables(response.body)
    return TryLater("the reply to 200 has no list of lookup tables") if tables is None else Listed(tables)


def _tables(body: bytes) -> tuple[LookupTable, ...] | None:
    """Return the tables of a reply; None where it has none. An id that is a number is its text."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    results = content.get("results") if isinstance(content, dict) else None
    if not isinstance(results, list):
        return None
    found = []
    for each in results:
        table = each if isinstance(each, dict) else {}
        name, key = table.get("name"), table.get("id")
        if not isinstance(key, str | int) or isinstance(key, bool):
            return None
        found.append(LookupTable(str(key), name if isinstance(name, str) else ""))
    return tuple(found)


def _final(reply: Reply) -> Failed | Reply:
    """Return a failure for a status that a retry would not change."""
    if not isinstance(reply, Hopeless):
        return reply
    advice = " (does the client's transport send `request.method`?)" if reply.reason.startswith("405") else ""
    return Failed(LookupTableError(f"{reply.reason}{advice}", "refused"))


def _not_taken(reply: Reply) -> Failed | Reply:
    """Read a 200 that says it is no success, or is no reply of this API."""
    if isinstance(reply, Taken):
        return Failed(LookupTableError(f"the server did not replace the table: {reply.refused[0].message}", "refused"))
    return reply


def _refused(response: Response, hide: Hide) -> LookupTableError:
    """Return the error for a 400. Its indexes are taken as numbers of rows, with the header as 0."""
    message, records, count = read_records(response, LISTED, hide=hide)
    problems = [LookupProblem(index, text) for index, text in records if index is not None]
    head = f"400 Bad Request: {message}; the table was not replaced"
    if records:
        head += f": the server lists {counted(count, 'row')}"
    return LookupTableError("\n  ".join([head, *map(str, problems)]), "refused", problems, count)


def _too_large(response: Response, hide: Hide) -> LookupTableError:
    message = read_records(response, hide=hide)[0]
    return LookupTableError(
        f"413 Request Entity Too Large: {message} (the documents allow {MAX_BYTES:,} bytes of CSV before gzip; leave "
        "out columns that no report needs)",
        "too-large",
    )


def _rate_limited(reply: TryLater) -> LookupTableError:
    when = (
        f"the server takes another call in {in_words(reply.after)}"
        if reply.after is not None
        else "a call is possible again 24 hours after the oldest of them"
    )
    return LookupTableError(
        f"{reply.reason} (a project has {CALLS} calls in any 24 hours, so update a table once an hour at most; {when})",
        "rate-limited",
        retry_after=reply.after,
    )
