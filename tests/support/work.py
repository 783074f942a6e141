"""Inputs that could cost work in Python, and the count of that work: lines of mixpress's code that run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any
from uuid import UUID

import mixpress
from mixpress import Encoder
from mixpress.files.files import Files
from mixpress.files.mapper import mapper_of

_PACKAGE = str(Path(mixpress.__file__).parent)


def lines_run(call: Callable[[], object]) -> int:
    """Return how many lines of Python code in mixpress a call runs."""
    count = 0

    def local(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        count += event == "line"
        return local

    def trace(frame: FrameType, _event: str, _argument: object) -> Any:
        return local if frame.f_code.co_filename.startswith(_PACKAGE) else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


@dataclass
class Pair:
    """A dataclass with a value."""

    value: Any


class Kind(Enum):
    """An Enum with a container as its value."""

    LIST = (1, (2, 3))


def _nested(depth: int, wrap: Callable[[Any], Any]) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = wrap(value)
    return value


# Values that Python code reads, of about n parts each.
VALUES: dict[str, Callable[[int], Any]] = {
    "empty lists": lambda n: [[]] * n,
    "empty tuples": lambda n: [()] * n,
    "empty mappings": lambda n: [MappingProxyType({})] * n,
    "a set": lambda n: set(range(n)),
    "a set that cannot be sorted": lambda n: {*range(n), *map(str, range(n))},
    "sets": lambda n: [frozenset({1})] * n,
    "Decimals": lambda n: [Decimal("1.5")] * n,
    "UUIDs": lambda n: [UUID(int=number) for number in range(n)],
    "dataclasses": lambda n: [Pair(1)] * n,
    "Enums": lambda n: [Kind.LIST] * n,
    "a Decimal of many digits": lambda n: Decimal((0, (7,) * n, 0)),
    "an int of many digits": lambda n: 1 << (4 * n),
    "names": lambda n: MappingProxyType({f"name {number}": number for number in range(n)}),
    "names that are not text": lambda n: dict.fromkeys(range(n)),
    "names that are equal": lambda n: [{Decimal(1): 1, "1": 1}] * n,
    "lists too deep": lambda n: _nested(n, lambda inside: [inside]),
    "dataclasses too deep": lambda n: _nested(min(n, 300), Pair),
    "what has no form": lambda n: [b""] * n,
}


# Files of about n parts each.
FILES: dict[str, Callable[[int], bytes]] = {
    "events": lambda n: b'{"event": "e"}\n' * n,
    "lines of one byte": lambda n: b"1\n" * n,
    "empty lines": lambda n: b"\n" * n,
    "events between empty lines": lambda n: b"1\n\n" * n,
    "CR LF": lambda n: b"1\r\n" * n,
    "lines that are not JSON": lambda n: b"{\n" * n,
    "lines that are not UTF-8": lambda n: b'{"event": "e"}\n' * 9999 + b'"\xff"\n' * n,
    "NUL bytes": lambda n: b'{"event": "e"}\n' * 9999 + b"1\0\n" * n,
    "byte order marks": lambda n: b"\xef\xbb\xbf1\n" * n,
    "one line": lambda n: b"[" * n,
    "one number": lambda n: b"7" * n,
}


def work_of_value(value: Any) -> int:
    """Return the lines that run for an event with a value."""
    return lines_run(lambda: Encoder(compression=None).encode([{"event": "e", "properties": {"a": value}}]))


def work_of_file(content: bytes, file: Path) -> int:
    """Return the lines that reading and encoding a file of NDJSON runs."""
    file.write_bytes(content)
    encoder, mapper = Encoder(compression=None), mapper_of(None)
    return lines_run(lambda: [piece.encode(encoder, mapper) for piece in Files([str(file)])])
