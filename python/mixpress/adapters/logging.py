"""`MixpressHandler`: track log records that name a user."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from mixpress.adapters.safe_tracker import Event, SafeTracker, is_below, is_own

if TYPE_CHECKING:
    from logging import LogRecord

    from mixpress.client.async_client import AsyncClient
    from mixpress.client.client import Client

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "distinct_id"}
"""Attributes of every record; any other attribute was passed as `extra`."""

PLAIN = (str, int, float, bool, type(None), date, Decimal, UUID, list, tuple, dict)
"""Types of `extra` values that have a form in JSON; values of other types are dropped."""


def distinct_id_of(record: LogRecord) -> object:
    """Return the `distinct_id` passed as `extra={"distinct_id": ...}`, else None."""
    return getattr(record, "distinct_id", None)


def properties_of(record: LogRecord) -> dict[str, object]:
    """Return `level`, `logger`, `message`, the type of an exception as `exception`, and the `extra` values.

    Values of `extra` that have no form in JSON are dropped.
    """
    own: dict[str, object] = {"level": record.levelname, "logger": record.name, "message": record.getMessage()}
    if record.exc_info and record.exc_info[0]:
        own["exception"] = record.exc_info[0].__name__
    extra = {name: value for name, value in vars(record).items() if name not in STANDARD and isinstance(value, PLAIN)}
    return {**extra, **own}


class MixpressHandler(logging.Handler):
    """Tracks each log record that names a user as an event.

        logging.getLogger().addHandler(MixpressHandler(client))
        logging.getLogger("shop").info("Paid", extra={"distinct_id": "user-1", "amount": 5})

    `name`: the event's name, or a function of the record that returns it; None skips the record.
    `distinct_id`: a function of the record; None skips the record. Default: the `distinct_id` of `extra`.
    `properties`: a function of the record; default `properties_of`.
    `ignore`: names of loggers whose records are skipped, with those of their children.

    It never raises and never blocks: if the queue is full, the event is dropped and the log `mixpress` says so.
    Records of that logger and of the client's threads are skipped, since sending them would cause more of them.
    Closing the handler does not close the client.
    """

    def __init__(
        self,
        client: Client | AsyncClient,
        *,
        level: int | str = logging.NOTSET,
        name: str | Callable[[LogRecord], str | None] = "Log Record",
        distinct_id: Callable[[LogRecord], object] = distinct_id_of,
        properties: Callable[[LogRecord], Mapping[str, object]] = properties_of,
        ignore: tuple[str, ...] = (),
    ) -> None:
        super().__init__(level)
        self._tracker = SafeTracker(client, "MixpressHandler")
        self._event_name = name
        self._distinct_id = distinct_id
        self._properties = properties
        self._ignore = ignore

    def createLock(self) -> None:  # noqa: N802 - logging's name
        """Set no lock: a record may be logged inside `track`, where a lock held here could deadlock."""
        self.lock = None

    def handle(self, record: LogRecord) -> bool:
        """Do what `Handler.handle` does, without a lock."""
        kept = self.filter(record)
        if kept:
            self.emit(kept if isinstance(kept, logging.LogRecord) else record)
        return bool(kept)

    def emit(self, record: LogRecord) -> None:
        """Track the record, unless it is skipped."""
        self._tracker.track(self._event, record)

    def _event(self, record: LogRecord) -> Event | None:
        logger, thread = str(record.name), record.threadName or threading.current_thread().name
        if is_own(logger, thread) or is_below(logger, self._ignore):
            return None
        distinct_id = self._distinct_id(record)
        if distinct_id is None:
            return None
        name = self._event_name(record) if callable(self._event_name) else self._event_name
        return Event(name, distinct_id, self._properties(record), record.created)
