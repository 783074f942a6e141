"""Tracking for somebody who must not notice: it never raises, it never waits, and it never begins by itself."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mixpress import process
from mixpress.client.async_client import AsyncClient
from mixpress.client.client import Client
from mixpress.clock import Clock
from mixpress.errors import MixpressError
from mixpress.log import RepeatLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

THREADS = "mixpress-"
"""What the names of a client's threads begin with."""


@dataclass(frozen=True)
class Happening:
    """What is to be tracked. No event comes of one whose `name` or `distinct_id` is None."""

    name: object
    distinct_id: object
    properties: Mapping[str, object]
    time: float | None = None


class Quiet:
    """`client.track`, for the adapter of that name."""

    def __init__(self, client: Client | AsyncClient, adapter: str, clock: Clock | None = None) -> None:
        self._client = client._client if isinstance(client, AsyncClient) else client
        if not isinstance(self._client, Client):
            # Its own text may hold credentials: only the type is said.
            raise TypeError(f"{adapter} takes a mixpress.Client or AsyncClient, and got a {type(client).__name__}")
        self._adapter = adapter
        self._clock = clock or Clock()
        self._log = RepeatLog(self._clock)
        self._busy = threading.local()
        process.clients.add(self)

    def track(self, look: Callable[[], Happening | None]) -> None:
        """Track what `look` finds, if it finds something. What the two raise, or find wrong, goes to the log alone.

        A call from within a call does nothing: it is made by what the outer one runs.
        """
        if getattr(self._busy, "now", False):
            return
        self._busy.now = True
        try:
            happening = look()
            if happening is not None:
                self._offer(happening)
        except MixpressError as error:
            self._tell(str(error))
        except Exception as error:  # noqa: BLE001 - it is somebody else's request, or log record
            self.tell_raised(error)
        finally:
            self._busy.now = False

    def tell_raised(self, error: Exception) -> None:
        """Say what a function of the caller's raised, with its traceback."""
        self._tell(f"{type(error).__name__} was raised", error)

    def _offer(self, happening: Happening) -> None:
        if happening.name is None or happening.distinct_id is None:
            return
        found = self._client._offer(
            str(happening.name), str(happening.distinct_id), happening.properties, time=happening.time
        )
        if found is not None:
            self._tell(f"{found.field} breaks the rule {found.rule}")

    def _tell(self, reason: str, error: Exception | None = None) -> None:
        """Without the values of the event: a log is not the place for them."""
        message = "%s left out an event: %s"
        self._log.tell(logging.WARNING, f"{self._adapter} {reason}", message, self._adapter, reason, error=error)

    def _renew(self) -> None:
        """In a forked child: the log's lock may have been taken by a thread that is not there."""
        self._log = RepeatLog(self._clock)


def is_own(logger: str, thread: str) -> bool:
    """Whether a logger, or a thread, is the client's: an event of what it does would be sent, and told of."""
    return is_below(logger, ("mixpress",)) or thread.startswith(THREADS)


def is_below(logger: str, roots: Iterable[str]) -> bool:
    """Whether a logger is one of some, or below one of them."""
    return any(logger == root or logger.startswith(f"{root}.") for root in roots)
