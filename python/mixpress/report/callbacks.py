"""The caller's functions, called so that nothing in them can break the client."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

logger = logging.getLogger("mixpress")


def guarded(name: str, function: Callable[[Any], object] | None) -> Callable[[Any], None]:
    """`function`, or nothing in its place; the first exception in it goes to the log, and all are swallowed."""
    if function is None:
        return lambda _: None
    seen: set[str] = set()

    def call(argument: Any) -> None:
        try:
            function(argument)
        except Exception:
            if not seen:
                seen.add(name)
                logger.exception("%s raised; what it raises from here on is not told", name)

    return call
