"""Read and accept plain events in one pass: valid ones that are stored as they were sent. Most events are plain.

The specification is `check_event` and `accept_event`, on the events that orjson reads. This pass returns the row that
they would make of an event, or the event, which says nothing about it: the specification then decides. So a new rule
belongs there, and is needed here only if it concerns events that this pass accepts.

A list of events is read one at a time, so that their values stay in the processor's cache and die young. The text is
cut where one event ends and the next one starts. A cut can be wrong, within a string or a list. A part is then no JSON,
and the text is read as a whole: if all parts are JSON, the list is exactly these parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from mixpress.emulator.accept import MAX_STRING, Row, dump
from mixpress.emulator.checks import (
    DISALLOWED_IDS,
    EARLIEST_MS,
    MAX_COUNT,
    MAX_EVENT_BYTES,
    MAX_INSERT_ID_BYTES,
    Rules,
)

_MAX_LEVELS = 8  # of objects and arrays in a property, a bound for the recursion
_MAX_BYTES = MAX_EVENT_BYTES - 6 * MAX_STRING - 100  # without the name, escaped, and the punctuation around it
_MAX_NAMES = 4096
_LINE_FEED, _CARRIAGE_RETURN, _OPENING_BRACKET, _BACKSLASH = b"\n\r[\\"  # integers, which are found four times as fast
_LEAST, _MOST = -(2.0**63), 2.0**64  # an integer beyond is read as a double

_is_insert_id = re.compile(rf"[A-Za-z0-9-]{{1,{MAX_INSERT_ID_BYTES}}}").fullmatch
_new = tuple.__new__

_short_names: set[str] = set()  # of properties: a look-up is faster than a length
_plain_names: dict[bytes, str] = {}  # of events, by their JSON; the rows share one string


class _Style(NamedTuple):
    """How a sender writes the start of an event, the end of its name, and the end of the event."""

    first: bytes
    middle: bytes
    last: bytes


_STYLES = (_Style(b'{"event": ', b', "properties": ', b"}"), _Style(b'{"event":', b',"properties":', b"}"))
"""A text in the first style starts as one in the second, too."""


class Events(Sequence[Any]):
    """The events of a request: any JSON values. A plain one is kept as its row, and read again when it is looked at."""

    def __init__(self, found: list[Any]) -> None:
        self.found = found
        """For each event its `Row` if it is plain, or else the event."""

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [_to_event(each) for each in self.found[index]]
        return _to_event(self.found[index])

    def __iter__(self) -> Iterator[Any]:
        return map(_to_event, self.found)


@dataclass
class Plain:
    """Events of a request, some of them plain."""

    events: Events
    depth: int
    """The deepest nesting of objects in the properties of a plain event."""
    tokens: bool
    """Whether each plain event has a token."""

    def rows(self, rules: Rules) -> list[Row | None]:
        """Return the row of each event that is plain by the rules, or None."""
        if self.depth > rules.max_depth or (rules.token and not self.tokens):
            return [None] * len(self.events)
        oldest, now = rules.oldest_ms, rules.now_ms
        return [each if type(each) is Row and oldest <= each[1] <= now else None for each in self.events.found]

    def odd(self) -> Iterator[tuple[int, object]]:
        """Yield the position of each event that is not plain, and the event."""
        return ((index, each) for index, each in enumerate(self.events.found) if type(each) is not Row)


def read_list(body: bytes) -> Plain:
    """Read a JSON list of events, or one event. Raises ValueError if it is no JSON."""
    body = body.rstrip(b" \t\r\n")
    for style in _STYLES:
        start, end = b"[" + style.first, style.last + b"]"
        if body.startswith(start) and body.endswith(end):
            between = style.last + style.middle[: style.middle.index(b'"')] + style.first
            try:
                parts = body[len(start) : -len(end)].split(between)
                return _read_parts(parts, style.middle, searchable=_is_searchable(body))
            except ValueError:
                break  # a cut is wrong, or the body: what orjson says of all of it is the error
    content = orjson.loads(body)
    return sort(content if isinstance(content, list) else [content])


def read_lines(body: bytes) -> Plain:
    """Read a line of JSON for each event; blank lines are ignored. Raises ValueError if one is no JSON."""
    lines = [line for line in body.split(b"\n") if line.strip()]
    for style in _STYLES:
        if lines and lines[0].startswith(style.first):
            first, last = style.first, style.last
            parts = [line[len(first) : -len(last)] for line in lines if line.startswith(first) and line.endswith(last)]
            try:
                if len(parts) == len(lines):
                    return _read_parts(parts, style.middle)
            except ValueError:
                break
    return sort(map(orjson.loads, lines))


def sort(events: Iterable[object]) -> Plain:
    """Find the plain ones among events that orjson has read."""
    scan = _Scan()
    for event in events:
        name = properties = None
        if type(event) is dict and len(event) == 2:
            name, properties = event.get("event"), event.get("properties")
        row = None
        if type(name) is str and type(properties) is dict and _is_plain_name(name):
            row = scan.to_row(name, properties)
        scan.found.append(event if row is None else row)
    return scan.end()


def _read_parts(parts: list[bytes], middle: bytes, *, searchable: bool = False) -> Plain:
    """Read events of which each part has the JSON of the name, `middle`, and the JSON of the properties.

    `searchable` says that all parts are; otherwise each is looked at.
    """
    scan = _Scan()
    found, to_row, loads, names = scan.found.append, scan.to_row, orjson.loads, _plain_names
    for part in parts:
        name_text, _, text = part.partition(middle)
        properties = loads(text)
        name = names.get(name_text) or _read_name(name_text)
        row = None
        if name is not None and type(properties) is dict:
            row = to_row(name, properties, text if searchable or _is_searchable(text) else b"")
        found({"event": loads(name_text), "properties": properties} if row is None else row)
    return scan.end()


def _read_name(text: bytes) -> str | None:
    """Return the name of an event, or None if the event is not plain."""
    name = orjson.loads(text)
    if type(name) is not str or not _is_plain_name(name):
        return None
    if len(_plain_names) < _MAX_NAMES:
        _plain_names[text] = name
    return name


def _is_plain_name(name: str) -> bool:
    """Return whether a name is valid and has no special rules, as some that start with "$" have."""
    return len(name) <= MAX_STRING and "$" < name[:1] <= "~"


class _Scan:
    """Collects the events of a request."""

    def __init__(self) -> None:
        self.found: list[Any] = []
        self._depth = 0
        self._tokens = True

    def end(self) -> Plain:
        """Return what was found."""
        return Plain(Events(self.found), self._depth, self._tokens)

    def to_row(self, name: str, properties: dict[str, Any], sent: bytes = b"") -> Row | None:
        """Return the row of a plain event, or None. `sent` is the JSON of the properties, if it may be stored."""
        get = properties.get
        time, distinct_id, insert_id, token = get("time"), get("distinct_id"), get("$insert_id"), get("token")
        if type(time) is not int or time < 0 or type(distinct_id) is not str or type(insert_id) is not str:
            return None
        if not _is_insert_id(insert_id) or insert_id.lower() in DISALLOWED_IDS or distinct_id.lower() in DISALLOWED_IDS:
            return None
        text = sent if _is_flat(properties, sent) else b""
        if not text:
            if not self._is_plain(properties, 0, _MAX_LEVELS):
                return None
            text = dump(properties)
        if len(text) > _MAX_BYTES:
            return None
        if type(token) is not str or not token:
            self._tokens = False
        # Row's own constructor takes four times as long.
        return _new(Row, (name, time if time >= EARLIEST_MS else time * 1000, distinct_id, insert_id, text))

    def _is_plain(self, members: Any, depth: int, levels: int) -> bool:
        """Return whether nothing in a JSON object or array is too long, too many or too deep."""
        if len(members) >= MAX_COUNT or levels < 0:
            return False
        if type(members) is dict:
            if depth > self._depth:  # noqa: PLR1730 - for every event, and max() is a call
                self._depth = depth
            if not _short_names.issuperset(members) and not _are_short(members):
                return False
            members = members.values()
        for value in members:
            kind = type(value)
            if kind is str:
                if len(value) > MAX_STRING:
                    return False
            elif (kind is dict or kind is list) and not self._is_plain(value, depth + (kind is dict), levels - 1):
                return False
        return True


def _is_searchable(text: bytes) -> bool:
    """Return whether a search finds JSON text as it is, and a line of NDJSON holds it: no escapes and line ends."""
    return not (_BACKSLASH in text or _LINE_FEED in text or _CARRIAGE_RETURN in text)


def _is_flat(properties: dict[str, Any], sent: bytes) -> bool:
    """Return whether properties may be stored as they were sent: short values without objects and arrays in them.

    No integer may have become a double. The text, which is without escapes, has two quotation marks for each name and
    string, more if a name is repeated.
    """
    if not sent or len(properties) >= MAX_COUNT or _OPENING_BRACKET in sent or sent.find(b"{", 1) > 0:
        return False
    strings = len(properties)
    for value in properties.values():
        kind = type(value)
        if kind is str:
            strings += 1
        elif kind is float and not _LEAST < value < _MOST:
            return False
    return sent.count(b'"') == 2 * strings and not _may_be_long(sent)


def _may_be_long(sent: bytes) -> bool:
    """Return whether a name or string in JSON without escapes may be too long: one quotation mark is far from the next.

    It goes from each mark to the last one within reach: two or three steps, where a loop over the strings has dozens.
    """
    mark = sent.find(b'"')
    end = len(sent) - 1
    while end - mark > MAX_STRING + 1:
        mark = sent.rfind(b'"', mark + 1, mark + MAX_STRING + 2)
        if mark < 0:
            return True
    return False


def _are_short(names: dict[str, Any]) -> bool:
    """Return whether no name is too long, and remember those that are not."""
    if any(len(name) > MAX_STRING for name in names):
        return False
    if len(_short_names) < _MAX_NAMES:
        _short_names.update(names)
    return True


def _to_event(found: Any) -> Any:
    """Return an event as it was sent."""
    if type(found) is Row:
        return {"event": found.event, "properties": orjson.loads(found.properties)}
    return found
