"""JSON values, requests and refused events as short text for people: each is one bounded, printable line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mixpress.emulator.request import LoggedRequest, RefusedEvent

MAX_VALUE = 200  # characters of a value
MAX_DEPTH = 16  # of objects and arrays; deeper ones are elided
LINES = 10  # requests, and refused events, of a summary


def to_text(value: object, limit: int = MAX_VALUE) -> str:
    """Return a value as JSON, cut to `limit` characters, with `...` for a cut. Takes no longer for a larger value.

    Values that are not of JSON are given by their `repr`.
    """
    parts: list[str] = []
    length = 0
    for part in _parts(value, limit, 0):
        parts.append(part)
        length += len(part)
        if length > limit:
            break
    return cut("".join(parts), limit)


def cut(text: str, limit: int = MAX_VALUE) -> str:
    """Return a text on one line, cut to about `limit` characters, with its unprintable characters escaped."""
    shown = text if len(text) <= limit else f"{text[:limit]}..."
    return shown if shown.isprintable() else "".join(map(_escape, shown))


def _escape(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1].replace("\x7f", "\\u007f")


def _parts(value: object, limit: int, depth: int) -> Iterator[str]:
    if value is ...:
        yield "..."
    elif isinstance(value, str):
        yield json.dumps(value[: limit + 1], ensure_ascii=False)
    elif value is None or isinstance(value, bool):
        yield {None: "null", True: "true", False: "false"}[value]
    elif isinstance(value, dict | list | tuple) and depth >= MAX_DEPTH:
        yield "..."
    elif isinstance(value, dict):
        yield "{"
        for position, (name, member) in enumerate(value.items()):
            yield f"{', ' if position else ''}{json.dumps(str(name)[: limit + 1], ensure_ascii=False)}: "
            yield from _parts(member, limit, depth + 1)
        yield "}"
    elif isinstance(value, list | tuple):
        yield "["
        for position, element in enumerate(value):
            yield ", " if position else ""
            yield from _parts(element, limit, depth + 1)
        yield "]"
    else:
        yield repr(value)


def count(number: int, noun: str) -> str:
    """Return `1 event` or `2,000 events`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def request_line(request: LoggedRequest) -> str:
    """Return a request, its status and what became of its events."""
    parts = [f"{request.method} {cut(request.path)} {request.status or 'closed without a reply'}"]
    if request.events:
        refused = f", {request.refused:,} refused" if request.refused else ""
        parts.append(f"{count(request.events, 'event')}: {request.imported:,} accepted{refused}")
    if request.fault:
        parts.append(f"fault {request.fault}")
    if request.error:
        parts.append(cut(request.error))
    number = f"request {request.number}" if request.number else "request"
    return f"{number}: {', '.join(parts)}"


def refused_line(refused: RefusedEvent) -> str:
    """Return where a refused event came from, why it was refused, and the event."""
    where = f"request {refused.request}, event {refused.index}"
    return f"{where}: {cut(refused.message)}: {to_text(refused.event)}"


def summarize(stored: int, requests: Sequence[LoggedRequest], refused: Sequence[RefusedEvent]) -> str:
    """Return the number of stored events, the last requests and the last refused events, as lines."""
    lines = [f"stored: {count(stored, 'event')}"]
    for heading, shown in (
        ("last requests", [request_line(request) for request in requests[-LINES:]]),
        ("last refused events", [refused_line(event) for event in refused[-LINES:]]),
    ):
        if shown:
            lines += [f"{heading}:", *(f"  {line}" for line in shown)]
    if not requests:
        lines.append("no request came")
    return "\n".join(lines)
