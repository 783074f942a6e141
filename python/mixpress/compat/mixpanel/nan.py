"""NaN and infinities in the JSON text of a message.

Python's `json` writes them, but they are not JSON: a single one makes the server reject the whole request. In an event
they become null, which means that the property is missing. In a profile null would overwrite the stored value, so such
an update is rejected.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

from mixpress.clock import Clock
from mixpress.log import RepeatLog

_log = RepeatLog(Clock())
_WORDS = ("NaN", "Infinity")
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b', re.S)


class _NotANumber:
    """Marks NaN or an infinity in the parsed message."""

    def __init__(self, literal: str) -> None:
        """Take the literal, as `json.loads` passes it."""


def without_nan(message: str) -> str:
    """Return the text with null for each NaN and infinity outside a string, otherwise unchanged to the byte."""
    if not _may_have(message):
        return message
    repaired = _TOKENS.sub(_string_or_null, message)
    if repaired != message:
        places = places_of_nan(message)
        text = "JSON has no NaN or infinity: null was sent for %s"
        _log.tell(logging.WARNING, f"null was sent for {places}", text, places)
    return repaired


def places_of_nan(message: str) -> str:
    """Return the paths of NaN and infinities, such as `$add.score`; empty if there is none."""
    if not _may_have(message):
        return ""
    try:
        found = list(_walk(json.loads(message, parse_constant=_NotANumber), ""))
    except ValueError:
        return "a message that is not JSON" if _has(message) else ""
    return ", ".join(found)


def _string_or_null(token: re.Match[str]) -> str:
    return token[0] if token[0].startswith('"') else "null"


def _may_have(message: str) -> bool:
    return any(word in message for word in _WORDS)


def _has(message: str) -> bool:
    return any(not found[0].startswith('"') for found in _TOKENS.finditer(message))


def _walk(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _NotANumber):
        yield path or "the whole message"
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _walk(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for place, element in enumerate(value):
            yield from _walk(element, f"{path}[{place}]")
