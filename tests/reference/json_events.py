"""Split JSON text into events, and continue after one that is not valid JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .json_text import NAN_WORDS, SPACE, WORDS, NotJson, Reader, read_value
from .nodes import Node


@dataclass(frozen=True)
class Unreadable:
    """An event that is not valid JSON, and the position of the error.

    `line` and `column` count from 1, `column` in characters. `offset` counts bytes from 0. `given_up` is the number of
    bytes that are skipped and may contain events.
    """

    line: int
    column: int
    offset: int
    given_up: int


QUOTE, COLON = b'":'
CLOSERS = dict(zip(b"{[", b"}]", strict=True))
STRING = re.compile(rb'"(?:[^"\\\r\n]|\\[^\r\n])*"')
MOST_SEARCHED = 1 << 20


def read_events(data: str | bytes | bytearray | memoryview) -> Iterator[Node | Unreadable]:
    """Yield the events of a text: objects, on separate lines or not, and the elements of arrays.

    Choice: a text may hold several arrays, and objects and arrays together. A byte order mark at the start is skipped.
    A lone surrogate in a `str` is read like its escape; after the backslash of another escape it is a syntax error.
    """
    text = utf8_of(data) if isinstance(data, str) else bytes(data)
    reader = Reader(text, WORDS | NAN_WORDS)
    reader.at = 3 if text.startswith(b"\xef\xbb\xbf") else 0
    while reader.peek():
        if reader.take(b"["):
            yield from read_array(reader)
        else:
            yield read_event(reader, in_array=False)


def utf8_of(text: str) -> bytes:
    """Return a text as UTF-8, with an escape for each lone surrogate that can be one."""

    def escaped(found: re.Match[str]) -> str:
        backslashes, surrogate = found.groups()
        return backslashes + (surrogate if len(backslashes) % 2 else f"\\u{ord(surrogate):04x}")

    return re.sub(r"(\\*)([\ud800-\udfff])", escaped, text).encode("utf-8", "surrogatepass")


def read_event(reader: Reader, *, in_array: bool) -> Node | Unreadable:
    """Return the next event. If it is not valid JSON, move the reader to where reading continues."""
    value_start = reader.at
    try:
        return read_value(reader)
    except NotJson as error:
        return broken(reader, value_start, error.at, in_array=in_array)


def broken(reader: Reader, value_start: int, error: int, *, in_array: bool) -> Unreadable:
    reader.at, given_up = resume_at(reader.data, value_start, error, in_array=in_array)
    return place_of(reader.data, error, given_up)


def read_array(reader: Reader) -> Iterator[Node | Unreadable]:
    """Yield the elements of an array, from after its opening bracket.

    Choice: after an invalid element a comma may follow or not, since the recovery may have skipped it. An array that is
    never closed has an error at its end, unless its last element was invalid.
    """
    expected = "end" if reader.peek() == b"]" else "element"
    while True:
        first = reader.peek()
        if expected == "anything" and not first:
            return
        if expected != "element" and first == b"]":
            reader.at += 1
            return
        if expected != "element" and first == b",":
            reader.at += 1
            expected = "element"
        elif expected == "end":
            yield broken(reader, reader.at, reader.at, in_array=True)
            expected = "anything"
        else:
            node = read_event(reader, in_array=True)
            yield node
            expected = "anything" if isinstance(node, Unreadable) else "end"


def resume_at(data: bytes, value_start: int, error: int, *, in_array: bool) -> tuple[int, int]:
    """Return where reading continues after a value with an error, and the bytes that were given up, with any events.

    Reading continues where the value's brackets close. If they do not match, it continues after the row, since most
    values are one row; the rest of the row is given up. If the value spans several rows, or its row was cut off,
    reading continues at the first later row that starts with a `{` indented no deeper than the value. A row ends with
    LF or CR, neither of which a string can contain.
    """
    limit = end_of_rows(data, value_start, error)
    if limit <= error and limit < len(data):
        return limit, 0
    closers, token = open_at(data, value_start, error)
    end = end_of_value(data, token, limit, closers, in_array=in_array)
    if end is not None:
        return end, 0
    return limit, limit - token if b"{" in data[token:limit] else 0


def end_of_rows(data: bytes, value_start: int, error: int) -> int:
    later_rows = [value_start + match.end() for match in re.finditer(rb"[\r\n]", data[value_start:])]
    if not re.search(rb"[\r\n]", data[value_start:error]):
        return later_rows[0] if later_rows else len(data)
    indent = value_start - row_start(data, value_start)
    for start in later_rows:
        first = SPACE.match(data, start).end()  # type: ignore[union-attr]
        if data[first : first + 1] == b"{" and first - row_start(data, first) <= indent:
            return first
    return len(data)


def row_start(data: bytes, at: int) -> int:
    return max(data.rfind(b"\n", 0, at), data.rfind(b"\r", 0, at)) + 1


def open_at(data: bytes, value_start: int, error: int) -> tuple[list[int], int]:
    """Return the brackets that would close the value at the error, and the start of the token with the error."""
    closers: list[int] = []
    at = value_start
    while at < error:
        end = end_of_string(data, at, len(data)) if data[at] == QUOTE else at + 1
        if end is None or end > error:
            return closers, at
        if data[at] in CLOSERS:
            closers.append(CLOSERS[data[at]])
        elif data[at] in CLOSERS.values():
            closers.pop()
        at = end
    return closers, at


def end_of_string(data: bytes, at: int, limit: int) -> int | None:
    """Return the end of the string whose quote is at `at`, valid or not; None if its row ends first."""
    match = STRING.match(data, at, limit)
    return match.end() if match else None


def end_of_value(data: bytes, at: int, limit: int, closers: list[int], *, in_array: bool) -> int | None:
    """Return where reading continues after a broken value, of which these brackets are open.

    Choice: None, if that is not certain: the brackets do not match, something follows the value that is no event, or
    it does not end within a megabyte.
    """
    start = at
    while at < limit:
        byte = data[at]
        end = end_of_string(data, at, limit) if byte == QUOTE else at + 1
        if end is None or end - start > MOST_SEARCHED:
            return None
        if byte in CLOSERS:
            if not closers:
                return at
            closers.append(CLOSERS[byte])
        elif byte in CLOSERS.values() and closers:
            if closers.pop() != byte:
                return None
            if not closers:
                return after_value(data, end, limit, in_array=in_array)
        elif not closers and in_array and byte in b",]":
            return at
        elif not closers and byte == COLON:
            return None
        at = end
    return None if closers else limit


def after_value(data: bytes, end: int, limit: int, *, in_array: bool) -> int | None:
    first = SPACE.match(data, end, limit).end()  # type: ignore[union-attr]
    if first == limit:
        return limit
    is_next = data[first] in (b",]{" if in_array else b",[{") or re.search(rb"[\r\n]", data[end:first])
    return end if is_next else None


def place_of(data: bytes, offset: int, given_up: int) -> Unreadable:
    line_start = data.rfind(b"\n", 0, offset) + 1
    begun_characters = sum(byte & 0xC0 != 0x80 for byte in data[line_start:offset])
    return Unreadable(data.count(b"\n", 0, offset) + 1, begun_characters + 1, offset, given_up)
