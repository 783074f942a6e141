"""Forward the calls of another client's API: events are tracked, profile updates go to a callback."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from mixpress.client.client import Client
from mixpress.clock import Clock
from mixpress.errors import MixpressError
from mixpress.log import RepeatLog
from mixpress.report.callbacks import GuardedCallback

Update = dict[str, Any]
"""An update of a profile, as Mixpanel's /engage and /groups take it, without a `$token`."""

OnProfile = Callable[[Update], object]

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

    def track(self, event: dict[str, Any]) -> bool:
        """Return whether the client accepted the event. A failure is logged and goes to the client's `on_failure`."""
        try:
            rejections = self.client.track_many([event])
        except MixpressError as error:
            self._log.tell(logging.WARNING, type(error).__name__, "an event was not accepted: %s", error)
            return False
        for rejection in rejections.values():
            self._log.tell(
                logging.WARNING, rejection.rule, "an event was rejected: %s, rule %s", rejection.field, rejection.rule
            )
        return not rejections

    def update(self, call: str, updates: Iterable[Update]) -> bool:
        """Pass profile updates to `on_profile`; return whether there is such a callback."""
        if self._on_profile is None:
            self.ignore(call, "it updates a profile; pass on_profile= to receive such updates")
            return False
        for update in updates:
            self._on_profile(update)
        return True

    def ignore(self, call: str, reason: str) -> None:
        """Log that a kind of call has no effect, once for each kind."""
        if call not in self._ignored:
            self._ignored.add(call)
            logger.warning("%s ignored: %s; further calls are ignored silently", call, reason)
