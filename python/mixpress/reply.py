"""Interpret the server's reply to a batch: a pure function from a response to a `Reply`.

    Reply
    ├── Taken         200 or 400: every event of the batch is imported except the refused ones
    ├── Unauthorized  401, 403
    ├── TooLarge      413: the batch must be split
    ├── TryLater      408, 429, 5xx, or not a reply of this API: the same bytes may succeed later
    ├── Hopeless      any other status: a retry would get the same
    └── NoReply       no reply came: the transport's error

The API replies in several formats: JSON whose `status` is a word, a number or missing, a bare `1` or `0`, and plain
text or HTML from proxies in front of it. Only this module parses them, and only this module quotes them, with the
credentials redacted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mixpress.errors import TransportError
    from mixpress.transport.interface import Response

MAX_QUOTE = 300
"""The most characters that are quoted of a reply."""
_MAX_READ = 1 << 14
"""The most characters of a text from which a quote is made."""
_MAX_DATE = 100
"""Characters of a `Retry-After`; an HTTP date has 29."""

_TAG = re.compile(r"<[^<>]*>")
"""It ends before the next `<`, so a text of many `<` is read once."""
_BLOCK = re.compile(r"<(/?)(style|script)\b", re.I)

Hide = Callable[[str], str]

_COUNTS = ("num_records_imported", "num_good_events")
"""How many events, or updates of profiles, the server took: the name differs by endpoint."""

_UNAUTHORIZED = {
    401: "the credentials are not accepted; for a service account, project_id must be one of its projects",
    403: "the credentials are valid, but have no permission to send to this project",
}


@dataclass(frozen=True)
class Refusal:
    """An event that the server refused; `position` counts in the batch, from 0."""

    position: int
    message: str
    insert_id: str | None = None
    field: str | None = None


@dataclass(frozen=True)
class Taken:
    """The server processed the batch: every event that is not refused is imported.

    `cause`: why the server refused the whole batch, where it gives sentences instead of events; else empty.
    `taken`: how many of the refused events the server has taken, as it does not name those that it has not; None if it
    does not count them either.
    """

    refused: tuple[Refusal, ...] = ()
    cause: str = ""
    taken: int | None = 0


@dataclass(frozen=True)
class Unauthorized:
    """The credentials were not accepted."""

    message: str


@dataclass(frozen=True)
class TooLarge:
    """The body is larger than the server accepts. `limit` is its limit in bytes, None where it names none."""

    limit: int | None
    message: str


@dataclass(frozen=True)
class TryLater:
    """A temporary failure. `after` is the server's `Retry-After` in seconds, None where it sent none. `not_taken`:
    whether the reply says that the server has taken nothing of the batch.
    """

    reason: str
    after: float | None = None
    not_taken: bool = False


@dataclass(frozen=True)
class Hopeless:
    """A permanent failure of this request."""

    reason: str


@dataclass(frozen=True)
class NoReply:
    """No reply came. `first_contact`: whether this server has never replied to any request."""

    error: TransportError
    first_contact: bool = False


Reply = Taken | Unauthorized | TooLarge | TryLater | Hopeless | NoReply


def read_reply(response: Response, count: int, *, now: float = 0.0, hide: Hide = str) -> Reply:
    """Return the meaning of `response` for a batch of `count` events.

    `now`: seconds since 1970, for a `Retry-After` that is a date. `hide`: redacts the credentials in quoted text, as
    the error page of a proxy may repeat the request.
    """
    status, body = response.status, _parse(response.body)
    message = _quote(_message(body, response), hide)
    if status == 200:
        return _read_success(body, count, message, hide)
    if status == 400:
        return replace(_read_refusals(body, count, message, hide), cause=_read_cause(body, hide))
    if status in {401, 403}:
        return Unauthorized(f"{_name(status)}: {message} ({_UNAUTHORIZED[status]})")
    if status == 413:
        return _read_too_large(count, message)
    if status in {408, 429} or status >= 500:
        after = _retry_after(response.headers.get("retry-after"), now)
        return TryLater(f"{_name(status)}: {message}", after, not_taken=status == 429)
    return Hopeless(f"{_name(status)}: {message}{_moved(response, hide)}")


def _read_success(body: Any, count: int, message: str, hide: Hide) -> Reply:
    """Read a 200: `{"status": "OK"}`, `{"status": 1}`, no status, or `1`; failures are `0`, `"error"` or an error."""
    if isinstance(body, dict):
        if body.get("failed_records"):
            return _read_refusals(body, count, message, hide)
        problem = _problem(body, count, message)
        return Taken(_all(count, problem), taken=_taken(body, count)) if problem else Taken()
    if body == 1:
        return Taken()
    if body == 0:
        return Taken(_all(count, "the server found no valid event in this batch (it replied 0)"))
    return TryLater(f"not a reply of this API: {message}")


def _problem(body: dict[str, Any], count: int, message: str) -> str | None:
    """Return why a 200 without failed records is no success; None where it is one."""
    if body.get("error") or body.get("status") in (0, "error"):
        return message
    if body.get("code", 200) != 200:
        return f"the server replied 200 with another code: {message}"
    return _contradiction(body, count, 0)


def _read_refusals(body: Any, count: int, message: str, hide: Hide) -> Taken:
    """Return the events that a reply refuses; the others are imported.

    Where the reply does not identify them, or its count of imported events contradicts them, all count as refused: an
    imported event that the caller sends again is deduplicated by its $insert_id, but a refused event that counts as
    imported is lost.
    """
    records = body.get("failed_records") if isinstance(body, dict) else None
    if not isinstance(records, list) or not records:
        return Taken(_all(count, message), taken=_taken(body, count))
    refused: dict[int, Refusal] = {}
    unplaced = None
    for record in records:
        refusal = _read_record(record, count, message, hide)
        if refusal is not None:
            refused.setdefault(refusal.position, refusal)
        elif unplaced is None:
            unplaced = _quote(record if isinstance(record, str) else _message(record), hide)
    why = _contradiction(body, count, len(refused))
    if why is None and unplaced is not None and _count_in(body) is None:
        why = unplaced or message
    if why is not None:
        rest = _all(count, f"refused with the whole batch: {unplaced or why}")
        refused = {refusal.position: refusal for refusal in rest} | refused
    taken = 0 if why is None else _taken(body, count)
    return Taken(tuple(refused[position] for position in sorted(refused)), taken=taken)


def _read_cause(body: Any, hide: Hide) -> str:
    """Return the first of `failed_records` if all are sentences and nothing was imported; otherwise an empty text."""
    records = body.get("failed_records") if isinstance(body, dict) else None
    if not isinstance(records, list) or not records or not all(map(_text, records)):
        return ""
    name = _count_in(body)
    imported = 0 if name is None else body[name]
    return _quote(records[0], hide) if imported == 0 and not isinstance(imported, bool) else ""


def _contradiction(body: dict[str, Any], count: int, refused: int) -> str | None:
    """Return how the server's count of imported events contradicts its list of refused ones; None where it agrees or
    is missing.
    """
    name = _count_in(body)
    if name is None:
        return None
    imported = body[name]
    if imported == count - refused and not isinstance(imported, bool):
        return None
    says = str(imported)[:20] if isinstance(imported, int | float) else f"a {type(imported).__name__}"
    named = f"and names {refused} that it refused" if refused else "and does not say which it refused"
    return f"the server's {name} is {says} for a batch of {count}, {named}"


def _taken(body: Any, count: int) -> int | None:
    """Return how many events of a batch the server counts as taken; None if its count can't be, or is missing. A
    single event that is refused is not taken.
    """
    if count == 1:
        return 0
    name = _count_in(body) if isinstance(body, dict) else None
    taken = None if name is None else body[name]
    return taken if type(taken) is int and 0 <= taken < count else None


def _count_in(body: dict[str, Any]) -> str | None:
    """Return the name under which the reply counts what the server took; None where it does not."""
    return next((name for name in _COUNTS if body.get(name) is not None), None)


def _read_record(record: Any, count: int, message: str, hide: Hide) -> Refusal | None:
    """Return one of `failed_records`; None where its index is not an event of this batch."""
    position = record.get("index") if isinstance(record, dict) else None
    if type(position) is not int or not 0 <= position < count:
        return None
    return Refusal(
        position,
        _quote(_text(record.get("message")) or message, hide),
        _name_in(record, hide, "insert_id", "$insert_id"),
        _name_in(record, hide, "field"),
    )


def _name_in(record: dict[str, Any], hide: Hide, *keys: str) -> str | None:
    """Return the first of the values that is text, quoted; None where none is."""
    return next((_quote(text, hide) for key in keys if (text := _text(record.get(key)))), None)


def _all(count: int, message: str) -> tuple[Refusal, ...]:
    return tuple(Refusal(position, message) for position in range(count))


def _read_too_large(count: int, message: str) -> Reply:
    """Read a 413. A single event can't be split, so it is refused."""
    if count == 1:
        return Taken((Refusal(0, f"too large for this server: {message}"),))
    limit = re.search(r"limit of ([0-9]{1,18}) bytes", message)
    return TooLarge(int(limit[1]) if limit else None, message)


def read_records(
    response: Response, most: int = 0, *, hide: Hide = str
) -> tuple[str, list[tuple[int | None, str]], int]:
    """Return the message of a refusal that imported nothing, the index and message of the first `most` of its
    `failed_records`, and the number of all.

    An index is None where the record names none. `hide` redacts the credentials in what is quoted.
    """
    body = _parse(response.body)
    records = body.get("failed_records") if isinstance(body, dict) else None
    found: list[tuple[int | None, str]] = []
    records = records if isinstance(records, list) else []
    for record in records[:most]:
        index = record.get("index") if isinstance(record, dict) else None
        text = record if isinstance(record, str) else _message(record)
        found.append((index if type(index) is int and index >= 0 else None, _quote(text, hide)))
    return _quote(_message(body, response), hide), found, len(records)


def _retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds of a number or an HTTP date; None where it is neither."""
    if value is None or len(value) > _MAX_DATE:
        return None
    if re.fullmatch(r"[0-9]{1,9}", value.strip()):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _parse(body: bytes) -> Any:
    """Return the JSON value of a body; None where it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _message(body: Any, response: Response | None = None) -> str:
    """Return the `error` or `message` of a JSON object, otherwise the text of the response."""
    if isinstance(body, dict):
        for key in ("error", "message"):
            if text := _text(body.get(key)):
                return text
    return response.body.decode("utf-8", "replace") if response else ""


def _quote(text: str, hide: Hide) -> str:
    """Return text as one line of at most `MAX_QUOTE` characters, without HTML tags and credentials.

    The credentials are hidden before the text is cut, as a part of one would not be recognised.
    """
    words = " ".join(without_tags(hide(text)[:_MAX_READ]).split())
    words = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in words)
    return (words if len(words) <= MAX_QUOTE else words[: MAX_QUOTE - 1] + "…") or "(no text)"


def without_tags(text: str) -> str:
    """Return text with each HTML tag, and each closed `style` or `script`, replaced by a space. Linear in its length,
    whatever it contains.
    """
    tags = [(tag.start(), tag.end(), _BLOCK.match(tag[0])) for tag in _TAG.finditer(text)]
    last_close = {block[2].lower(): start for start, _, block in tags if block and block[1]}
    kept, position, inside = [], 0, None
    for start, end, block in tags:
        if inside is None:
            kept.append(text[position:start])
        name = block[2].lower() if block else None
        if block and not block[1] and inside is None and last_close.get(name, -1) > start:
            inside = name
        elif block and block[1] and name == inside:
            inside = None
        position = end
    return " ".join([*kept, text[position:]])


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _name(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _moved(response: Response, hide: Hide) -> str:
    """Return the target of a redirect, without its query, for a message."""
    location = response.headers.get("location", "").split("?", maxsplit=1)[0]
    return f" (it redirects to {_quote(location, hide)}; redirects are not followed)" if location else ""
