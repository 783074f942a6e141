"""NaN and infinities in the JSON text of a message.

Python's `json` writes them, no JSON parser of a server reads them, and a whole request is unreadable by one of them.
An event is sent with null in their place: the property is missing. Of a profile null would overwrite what is there, so
such an update is refused.
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


class _NoNumber:
    """What stands for NaN or an infinity, once the text is read."""


def without_nan(message: str) -> str:
    """The text with null for each NaN and infinity outside of a string, and not a byte changed otherwise."""
    if not _may_have(message):
        return message
    repaired = _TOKENS.sub(lambda found: found[0] if found[0].startswith('"') else "null", message)
    if repaired != message:
        places = places_of_nan(message)
        told = "no JSON has a word for NaN or an infinity: null was sent for %s"
        _log.tell(logging.WARNING, f"null was sent for {places}", told, places)
    return repaired


def places_of_nan(message: str) -> str:
    """Where NaN and infinities stand, such as `$add.score`; empty where none does."""
    if not _may_have(message):
        return ""
    try:
        found = list(_walk(json.loads(message, parse_constant=lambda _: _NoNumber()), ""))
    except ValueError:
        return "a message that is no JSON" if _has(message) else ""
    return ", ".join(found)


def _may_have(message: str) -> bool:
    return any(word in message for word in _WORDS)


def _has(message: str) -> bool:
    return any(not found[0].startswith('"') for found in _TOKENS.finditer(message))


def _walk(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _NoNumber):
        yield path or "the whole message"
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _walk(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for place, element in enumerate(value):
            yield from _walk(element, f"{path}[{place}]")
