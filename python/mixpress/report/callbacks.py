"""Call the caller's functions so that no exception in them reaches the client."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("mixpress")


class GuardedCallback:
    """A callback, or none. Its exceptions are swallowed; the first one is logged."""

    def __init__(self, name: str, function: Callable[[Any], object] | None) -> None:
        self._name = name
        self._function = function
        self._raised = False

    def __call__(self, argument: Any) -> None:
        """Call the callback."""
        if self._function is None:
            return
        try:
            self._function(argument)
        except Exception:
            if not self._raised:
                self._raised = True
                logger.exception("%s raised; later exceptions are suppressed", self._name)
