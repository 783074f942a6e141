"""Tracking that never raises, blocks or recurses."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, ParamSpec

from mixpress import process
from mixpress.article import type_of
from mixpress.client.async_client import AsyncClient
from mixpress.client.client import Client
from mixpress.clock import Clock
from mixpress.errors import MixpressError
from mixpress.log import RepeatLog
from mixpress.queues.event import compose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

THREADS = "mixpress-"
"""Prefix of the names of a client's threads."""

P = ParamSpec("P")


@dataclass(frozen=True)
class Event:
    """The arguments of `Client.track`. An event whose `name` or `distinct_id` is None is not tracked."""

    name: object
    distinct_id: object
    properties: Mapping[str, object]
    time: float | None = None
    """Seconds since 1970; None is the time of the call."""


class SafeTracker:
    """`Client.track` for an adapter: every failure goes to the log `mixpress`, under the adapter's name."""

    def __init__(self, client: Client | AsyncClient, adapter: str, clock: Clock | None = None) -> None:
        if not isinstance(client, Client | AsyncClient):
            # Only the type is named: the value may hold credentials.
            raise TypeError(f"{adapter} takes a mixpress.Client or AsyncClient, got {type_of(client)}")
        self._client = client
        self._adapter = adapter
        self._clock = clock or Clock()
        self._log = RepeatLog(self._clock)
        self._active = threading.local()
        process.clients.add(self)

    def track(self, make_event: Callable[P, Event | None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Track the event that `make_event` returns, if it returns one. Errors are logged, never raised.

        A nested call on the same thread does nothing: it comes from code that the outer call runs.
        """
        if getattr(self._active, "now", False):
            return
        self._active.now = True
        try:
            event = make_event(*args, **kwargs)
            if event is not None:
                self._offer(event)
        except MixpressError as error:
            self._log_untracked(str(error))
        except Exception as error:  # noqa: BLE001 - the application's request or log record must not fail
            self.log_raised(error)
        finally:
            self._active.now = False

    def log_raised(self, error: Exception) -> None:
        """Log an exception that a function of the application raised, with its traceback."""
        self._log_untracked(f"{type(error).__name__} was raised", error)

    def _offer(self, event: Event) -> None:
        if event.name is None or event.distinct_id is None:
            return
        engine, name, distinct_id = self._client.engine, str(event.name), str(event.distinct_id)
        whole = compose(engine.clock.time(), name, distinct_id, event.properties, event.time, None)
        finding = engine.queue.add(whole, wait=False)
        if finding is not None:
            self._log_untracked(f"{finding.field} breaks the rule {finding.rule}")

    def _log_untracked(self, reason: str, error: Exception | None = None) -> None:
        # No value of the event is logged: it may be personal data.
        message = "%s did not track an event: %s"
        self._log.tell(logging.WARNING, f"{self._adapter} {reason}", message, self._adapter, reason, error=error)

    def after_fork(self) -> None:
        """Replace the log in a forked child: a thread of the parent may have held its lock."""
        self._log = RepeatLog(self._clock)


def is_own(logger: str, thread: str) -> bool:
    """Return whether a logger or thread belongs to mixpress: tracking its records would cause more of them."""
    return is_below(logger, ("mixpress",)) or thread.startswith(THREADS)


def is_below(logger: str, roots: Iterable[str]) -> bool:
    """Return whether a logger is one of `roots` or a child of one."""
    return any(logger == root or logger.startswith(f"{root}.") for root in roots)
