"""JSON of events as they were sent, also of text that is not Unicode and of deeply nested values."""

from __future__ import annotations

import json
from typing import Any

import orjson

TOO_DEEP = "(nested too deeply to be shown)"


def encode(value: Any) -> bytes:
    """Return a JSON value as JSON in UTF-8; surrogates, which stand for text that is not Unicode, are escaped."""
    try:
        return bytes(memoryview(orjson.dumps(value)))  # a copy: orjson's bytes may hold ten times their size
    except TypeError:
        pass
    try:
        return json.dumps(value).encode()
    except (RecursionError, ValueError):
        return _encode_deep(value).encode()


def decode(text: bytes) -> Any:
    """Return the value of `encode`; `(nested too deeply to be shown)` for one that this thread cannot parse."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text)
    except RecursionError:
        return TOO_DEEP


def _encode_deep(value: Any) -> str:
    """Encode without recursion."""
    parts: list[str] = []
    pending: list[tuple[bool, Any]] = [(False, value)]  # whether it is JSON already, and what to write
    while pending:
        is_text, each = pending.pop()
        if is_text:
            parts.append(each)
        elif isinstance(each, dict):
            members = [
                part
                for position, (name, member) in enumerate(each.items())
                for part in ((True, f"{',' if position else ''}{json.dumps(name)}:"), (False, member))
            ]
            pending += reversed([(True, "{"), *members, (True, "}")])
        elif isinstance(each, list):
            members = [part for element in each for part in ((True, ","), (False, element))][1:]
            pending += reversed([(True, "["), *members, (True, "]")])
        else:
            parts.append(json.dumps(each))
    return "".join(parts)
