"""What becomes of the calls of another client: events are tracked, and updates of profiles go to who asked for them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from mixpress.client.client import Client
from mixpress.clock import Clock
from mixpress.errors import MixpressError
from mixpress.log import RepeatLog
from mixpress.report.callbacks import guarded

Update = dict[str, Any]
"""An update of a profile, as Mixpanel's /engage and /groups take it, without a `$token`."""

OnProfile = Callable[[Update], object]

logger = logging.getLogger("mixpress")


class Delivery:
    """Tracks events with a client, and raises nothing because of them: a service must not fail by its data."""

    def __init__(self, client: Client, on_profile: OnProfile | None) -> None:
        if not isinstance(client, Client):
            raise TypeError(f"client is a {type(client).__name__}, not a mixpress.Client, which has the credentials")
        self.client = client
        self._on_profile = None if on_profile is None else guarded("on_profile", on_profile)
        self._log = RepeatLog(Clock())
        self._told: set[str] = set()

    def track(self, event: dict[str, Any]) -> bool:
        """Whether the event was taken. What was wrong with it is in the log, and goes to the client's `on_failure`."""
        try:
            rejections = self.client.track_many([event])
        except MixpressError as error:
            self._log.tell(logging.WARNING, type(error).__name__, "an event was not taken: %s", error)
            return False
        for rejection in rejections.values():
            self._log.tell(
                logging.WARNING, rejection.rule, "an event was left out: %s, rule %s", rejection.field, rejection.rule
            )
        return not rejections

    def update(self, call: str, updates: Iterable[Update]) -> bool:
        """Whether somebody wants updates of profiles; who does gets each."""
        if self._on_profile is None:
            self.leave_out(call, "it updates a profile; on_profile= gets such updates")
            return False
        for update in updates:
            self._on_profile(update)
        return True

    def leave_out(self, call: str, reason: str) -> None:
        """Say once of a kind of call that it has no effect."""
        if call not in self._told:
            self._told.add(call)
            logger.warning("%s was left out, and so will the next be without a word: %s", call, reason)
