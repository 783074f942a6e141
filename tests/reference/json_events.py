"""JSON text, cut into events, and how reading goes on after one that can't be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .json_text import NAN_WORDS, SPACE, WORDS, NotJson, Reader, read_value
from .nodes import Node


@dataclass(frozen=True)
class Unreadable:
    """Takes the place of an event that can't be read: line and column count from 1, the column in characters."""

    line: int
    column: int
    offset: int


def read_events(data: str | bytes | bytearray | memoryview) -> Iterator[Node | Unreadable]:
    """The events of a text: objects one after another, on lines of their own or not, and the elements of arrays.

    Choice: several arrays, and objects beside arrays, are read likewise. A byte order mark at the beginning is skipped.
    In a str, lone surrogates are read as if they were spelled as escapes.
    """
    text = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else bytes(data)
    reader = Reader(text, WORDS | NAN_WORDS)
    reader.at = 3 if text.startswith(b"\xef\xbb\xbf") else 0
    while reader.peek():
        if reader.take(b"["):
            yield from read_array(reader)
        else:
            yield read_event(reader)


def read_event(reader: Reader) -> Node | Unreadable:
    """The next event. Where it can't be read the reader goes on behind it."""
    begin = reader.at
    try:
        return read_value(reader)
    except NotJson as error:
        reader.at = resume_at(reader.data, begin, error.at)
        return place_of(reader.data, error.at)


def read_array(reader: Reader) -> Iterator[Node | Unreadable]:
    """The elements of an array whose bracket has been passed.

    Choice: where reading goes on after an element that can't be read, a comma may have been left or not. An array that
    is never closed is unreadable at its end, unless that was said already.
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


def resume_at(data: bytes, begin: int, error: int) -> int:
    """Where reading goes on after a value that begins at `begin` and can't be read at `error`.

    Mostly a value is a line, so that is the next line. Where the error is on a later line, the value either has
    several lines or is a line that was cut, and the next event is the first later line that begins with a `{`
    no deeper indented than the broken value.
    """
    line_start = data.rfind(b"\n", 0, begin) + 1
    later_lines = [match.end() for match in re.finditer(rb"\n", data[begin:])]
    if b"\n" not in data[begin:error]:
        return begin + later_lines[0] if later_lines else len(data)
    for start in later_lines:
        first = SPACE.match(data, begin + start).end()  # type: ignore[union-attr]
        indent = first - (data.rfind(b"\n", 0, first) + 1)
        if data[first : first + 1] == b"{" and indent <= begin - line_start:
            return first
    return len(data)


def place_of(data: bytes, offset: int) -> Unreadable:
    line_start = data.rfind(b"\n", 0, offset) + 1
    begun_characters = sum(byte & 0xC0 != 0x80 for byte in data[line_start:offset])
    return Unreadable(data.count(b"\n", 0, offset) + 1, begun_characters + 1, offset)
