"""`Stopping`: a request to end the reading, which also ends a wait for a file."""

from __future__ import annotations

import select
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mixpress.files.piece import Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

POLL = 0.2
"""Seconds after which a wait for a pipe looks for a request of another thread."""


class Stopping:
    """The request of a signal handler, or of another thread, to end the reading."""

    def __init__(self) -> None:
        self._stopped: Stopped | None = None
        self._waits_in: int | None = None

    def stop(self, reason: str) -> None:
        """End the reading. Raises `Stopped` here if this thread waits for a file: then a signal handler calls it."""
        self._stopped = Stopped(reason)
        if self._waits_in == threading.get_ident():
            raise self._stopped

    def check(self) -> None:
        """Raise `Stopped` after a request."""
        if self._stopped is not None:
            raise self._stopped

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Let `stop` end what is done meanwhile. Nothing that was read may be lost by that."""
        self._waits_in = threading.get_ident()
        try:
            self.check()
            yield
        finally:
            self._waits_in = None

    def wait(self, descriptor: int) -> None:
        """Wait until a pipe can be read, or raise `Stopped`."""
        while not self.ready(descriptor, POLL):
            pass

    def ready(self, descriptor: int, seconds: float) -> bool:
        """Return whether a pipe can be read within so many seconds."""
        with self.waiting():
            return bool(select.select([descriptor], [], [], seconds)[0])
