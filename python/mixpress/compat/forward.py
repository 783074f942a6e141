"""Forward the calls of another client's API: events are tracked, profile updates go to a callback."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from mixpress.client.client import Client
from mixpress.clock import Clock
from mixpress.compat.mapping import has_id
from mixpress.errors import MixpressError
from mixpress.log import RepeatLog
from mixpress.report.callbacks import GuardedCallback

Update = dict[str, Any]
"""An update of a profile, as Mixpanel's /engage and /groups take it, without a `$token`."""

OnProfile = Callable[[Update], object]

Converted = TypeVar("Converted")

logger = logging.getLogger("mixpress")


class Forwarder:
    """Tracks events with a client and never raises because of an event: bad data must not break a service."""

    def __init__(self, client: Client, on_profile: OnProfile | None) -> None:
        if not isinstance(client, Client):
            raise TypeError(
                f"client must be a mixpress.Client, which has the credentials, got a {type(client).__name__}"
            )
        self.client = client
        self._on_profile = None if on_profile is None else GuardedCallback("on_profile", on_profile)
        self._log = RepeatLog(Clock())
        self._ignored: set[str] = set()

    def convert(self, convert: Callable[[], Converted], default: Converted) -> Converted:
        """Return what `convert` returns; `default`, with a warning, if a value of the event raises."""
        try:
            return convert()
        except Exception as error:  # noqa: BLE001 - the values are the caller's, and so is the code that reads them
            self.warn(type(error).__name__, "an event could not be converted: %s", type(error).__name__)
            return default

    def track(self, event: dict[str, Any]) -> bool:
        """Return whether the client accepted the event. A failure is logged and goes to the client's `on_failure`."""
        try:
            rejections = self.client.track_many([event])
        except MixpressError as error:
            self.warn(type(error).__name__, "an event was not accepted: %s", error)
            return False
        for rejection in rejections.values():
            self.warn(rejection.rule, "an event was rejected: %s, rule %s", rejection.field, rejection.rule)
        return not rejections

    def update(self, call: str, updates: Iterable[Update]) -> bool:
        """Pass profile updates to `on_profile`; return whether it got all of them.

        An update without an id is rejected, with a warning.
        """
        updates = list(updates)
        usable = [update for update in updates if has_id(update)]
        if len(usable) < len(updates):
            self.warn(call, "%s was rejected: it names no user or group", call)
        if not usable:
            return False
        if self._on_profile is None:
            self.ignore(call, "it updates a profile; pass on_profile= to receive such updates")
            return False
        for update in usable:
            self._on_profile(update)
        return len(usable) == len(updates)

    def warn(self, kind: str, message: str, *values: object) -> None:
        """Log a warning; repetitions of a kind are counted instead."""
        self._log.tell(logging.WARNING, kind, message, *values)

    def ignore(self, call: str, reason: str) -> None:
        """Log that a kind of call has no effect, once for each kind."""
        if call not in self._ignored:
            self._ignored.add(call)
            logger.warning("%s ignored: %s; further calls are ignored silently", call, reason)
