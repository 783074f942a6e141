"""Parse JSON text (RFC 8259, strictly) into nodes.

The nodes of numbers and strings keep their spelling, so that an unchanged one is written as it was read.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Generator
from typing import Any

from .nodes import NULL, Array, Literal, Node, NotANumber, Number, Object, Text, number_of

SPACE = re.compile(rb"[ \t\r\n]*")
PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
WORDS: dict[bytes, Node] = {b"true": Literal("true"), b"false": Literal("false"), b"null": NULL}
# Not JSON, but Python's json and other libraries write it.
NAN_WORDS: dict[bytes, Node] = dict.fromkeys((b"NaN", b"Infinity", b"-Infinity"), NotANumber())

Steps = Generator[Any, Any, Any]  # yields the steps for an inner value, is sent its node, and returns its own node


class NotJson(Exception):
    """The text is not JSON from byte `at` on: the start of a misspelled word, else the first byte that can't follow."""

    def __init__(self, at: int) -> None:
        self.at = at


def read_value(reader: Reader) -> Node:
    """Return a value of any depth. Open objects and lists are kept in a list, so nesting can't overflow the stack."""
    is_open = [reader.value()]
    value: Node | None = None
    while is_open:
        try:
            inner = is_open[-1].send(value)
        except StopIteration as end:
            is_open.pop()
            value = end.value
        else:
            is_open.append(inner)
            value = None
    assert value is not None
    return value


class Reader:
    """A parser: JSON text and the current position in it."""

    def __init__(self, data: bytes, words: dict[bytes, Node]) -> None:
        self.data = data
        self.at = 0
        self.words = words

    def peek(self) -> bytes:
        """Skip whitespace and return the next byte; empty at the end."""
        self.at = SPACE.match(self.data, self.at).end()  # type: ignore[union-attr]
        return self.data[self.at : self.at + 1]

    def take(self, wanted: bytes) -> bool:
        """Skip the byte if it is the next one, and return whether it was."""
        found = self.peek() == wanted
        self.at += found
        return found

    def expect(self, wanted: bytes) -> None:
        if not self.take(wanted):
            raise NotJson(self.at)

    def value(self) -> Steps:
        first = self.peek()
        if first == b"{":
            return (yield self.object())
        if first == b"[":
            return (yield self.array())
        if first == b'"':
            return self.string()
        for word, node in self.words.items():
            if self.data.startswith(word, self.at):
                self.at += len(word)
                return node
        return self.number()

    def array(self) -> Steps:
        self.expect(b"[")
        elements: list[Node] = []
        if self.take(b"]"):
            return Array(elements)
        while True:
            elements.append((yield self.value()))
            if self.take(b"]"):
                return Array(elements)
            self.expect(b",")

    def object(self) -> Steps:
        self.expect(b"{")
        members: list[tuple[Text, Node]] = []
        if self.take(b"}"):
            return Object([])
        while True:
            self.peek()
            name = self.string()
            self.expect(b":")
            members.append((name, (yield self.value())))
            if self.take(b"}"):
                return last_of_each_name(members)
            self.expect(b",")

    def string(self) -> Text:
        start = self.at
        self.expect(b'"')
        while True:
            run = PLAIN.match(self.data, self.at).group()  # type: ignore[union-attr]
            try:
                run.decode()
            except UnicodeDecodeError as error:
                raise NotJson(self.at + error.start) from None
            self.at += len(run)
            if self.data[self.at : self.at + 1] == b'"':
                self.at += 1
                spelled = self.data[start : self.at].decode()
                return Text(json.loads(spelled), spelled)  # escapes, and pairs of surrogates
            self.escape()

    def escape(self) -> None:
        self.one_of(b"\\")
        if self.one_of(b'"\\/bfnrtu') == b"u":
            for _ in range(4):
                self.one_of(b"0123456789abcdefABCDEF")

    def number(self) -> Number | NotANumber:
        start = self.at
        self.some_of(b"-", at_most=1)
        if not self.some_of(b"0", at_most=1):
            self.digits()
        if self.some_of(b".", at_most=1):
            self.digits()
        if self.some_of(b"eE", at_most=1):
            self.some_of(b"+-", at_most=1)
            self.digits()
        return number_of(self.data[start : self.at].decode())

    def digits(self) -> None:
        self.one_of(b"0123456789")
        self.some_of(b"0123456789")

    def one_of(self, wanted: bytes) -> bytes:
        """Skip one of these bytes, which must come next, and return it."""
        if not self.some_of(wanted, at_most=1):
            raise NotJson(self.at)
        return self.data[self.at - 1 : self.at]

    def some_of(self, wanted: bytes, at_most: int | None = None) -> int:
        """Skip these bytes as long as they come next, and return how many were skipped."""
        start = self.at
        while self.at < len(self.data) and self.data[self.at] in wanted and self.at - start != at_most:
            self.at += 1
        return self.at - start


def last_of_each_name(members: list[tuple[Text, Node]]) -> Object:
    """Return an object with the last member of each name. Choice: the earlier ones are ignored entirely."""
    last = {name.value: position for position, (name, _) in enumerate(members)}
    kept = [member for position, member in enumerate(members) if last[member[0].value] == position]
    times = Counter(name.value for name, _ in members)
    return Object(kept, frozenset(name for name in times if times[name] > 1))


def parse(text: str) -> Node | None:
    """Return the value of a text that is exactly one JSON value (RFC 8259), else None."""
    reader = Reader(text.encode(), WORDS)
    try:
        value = read_value(reader)
    except NotJson:
        return None
    return value if reader.peek() == b"" else None
