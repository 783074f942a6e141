"""`MixpressHandler`: log records that name a user become events."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from mixpress.adapters.safe_tracker import Happening, Quiet, is_below, is_own

if TYPE_CHECKING:
    from logging import LogRecord

    from mixpress.client.async_client import AsyncClient
    from mixpress.client.client import Client

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "distinct_id"}
"""What a record has by itself; all else was given as `extra`."""

PLAIN = (str, int, float, bool, type(None), date, Decimal, UUID, list, tuple, dict)


def distinct_id_of(record: LogRecord) -> object:
    """What was given as `extra={"distinct_id": ...}`, if anything was."""
    return getattr(record, "distinct_id", None)


def properties_of(record: LogRecord) -> dict[str, object]:
    """`level`, `logger`, `message`, of an exception its type as `exception`, and what else was given as `extra`, as far
    as it has a form in JSON.
    """
    own: dict[str, object] = {"level": record.levelname, "logger": record.name, "message": record.getMessage()}
    if record.exc_info and record.exc_info[0]:
        own["exception"] = record.exc_info[0].__name__
    extra = {name: value for name, value in vars(record).items() if name not in STANDARD and isinstance(value, PLAIN)}
    return {**extra, **own}


class MixpressHandler(logging.Handler):
    """Tracks a record as an event, if it names a user.

        logging.getLogger().addHandler(MixpressHandler(client))
        logging.getLogger("shop").info("Paid", extra={"distinct_id": "user-1", "amount": 5})

    `name`: the event's name, or a function of the record that gives it; None leaves the record out.
    `distinct_id`: a function of the record; what gives None is left out. By default `extra`'s `distinct_id`.
    `properties`: a function of the record; by default `properties_of`.
    `ignore`: names of loggers, with all below them, whose records are left out.

    It never raises and never waits: an event that finds the queue full is left out, and the log `mixpress` says so.
    Records of that logger, and of the client's threads, are left out too: else sending them would make more of them.
    The client is not closed with the handler.
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
        self._quiet = Quiet(client, "MixpressHandler")
        self._event_name = name
        self._distinct_id = distinct_id
        self._properties = properties
        self._ignore = ignore

    def createLock(self) -> None:  # noqa: N802 - its name
        """None: `track` needs none, and a record may come from within `track`, which has a lock of its own."""
        self.lock = None

    def handle(self, record: LogRecord) -> bool:
        """What `Handler.handle` does, without a lock."""
        kept = self.filter(record)
        if kept:
            self.emit(kept if isinstance(kept, logging.LogRecord) else record)
        return bool(kept)

    def emit(self, record: LogRecord) -> None:
        """Track the record, if there is an event in it."""
        self._quiet.track(lambda: self._look(record))

    def _look(self, record: LogRecord) -> Happening | None:
        logger, thread = str(record.name), record.threadName or threading.current_thread().name
        if is_own(logger, thread) or is_below(logger, self._ignore):
            return None
        distinct_id = self._distinct_id(record)
        if distinct_id is None:
            return None
        name = self._event_name(record) if callable(self._event_name) else self._event_name
        return Happening(name, distinct_id, self._properties(record), record.created)
