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

    `line` and `column` count from 1, `column` in characters. `offset` counts bytes from 0.
    """

    line: int
    column: int
    offset: int


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
            yield read_event(reader)


def utf8_of(text: str) -> bytes:
    """Return a text as UTF-8, with an escape for each lone surrogate that can be one."""

    def escaped(found: re.Match[str]) -> str:
        backslashes, surrogate = found.groups()
        return backslashes + (surrogate if len(backslashes) % 2 else f"\\u{ord(surrogate):04x}")

    return re.sub(r"(\\*)([\ud800-\udfff])", escaped, text).encode("utf-8", "surrogatepass")


def read_event(reader: Reader) -> Node | Unreadable:
    """Return the next event. If it is not valid JSON, move the reader to where reading continues."""
    value_start = reader.at
    try:
        return read_value(reader)
    except NotJson as error:
        reader.at = resume_at(reader.data, value_start, error.at)
        return place_of(reader.data, error.at)


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
            yield place_of(reader.data, reader.at)
            reader.at = resume_at(reader.data, reader.at, reader.at)
            expected = "anything"
        else:
            node = read_event(reader)
            yield node
            expected = "anything" if isinstance(node, Unreadable) else "end"


def resume_at(data: bytes, value_start: int, error: int) -> int:
    """Return where reading continues after a value that starts at `value_start` and has an error at `error`.

    If the error is on the value's first line, reading continues at the next line, since most values are one line. Else
    the value spans several lines, or its line was cut off: reading continues at the first later line that starts with a
    `{` indented no deeper than the invalid value.
    """
    line_start = data.rfind(b"\n", 0, value_start) + 1
    later_lines = [match.end() for match in re.finditer(rb"\n", data[value_start:])]
    if b"\n" not in data[value_start:error]:
        return value_start + later_lines[0] if later_lines else len(data)
    for start in later_lines:
        first = SPACE.match(data, value_start + start).end()  # type: ignore[union-attr]
        indent = first - (data.rfind(b"\n", 0, first) + 1)
        if data[first : first + 1] == b"{" and indent <= value_start - line_start:
            return first
    return len(data)


def place_of(data: bytes, offset: int) -> Unreadable:
    line_start = data.rfind(b"\n", 0, offset) + 1
    begun_characters = sum(byte & 0xC0 != 0x80 for byte in data[line_start:offset])
    return Unreadable(data.count(b"\n", 0, offset) + 1, begun_characters + 1, offset)
