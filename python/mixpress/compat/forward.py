"""Forward the calls of another client's API: events, profile updates and merged ids go to a `mixpress.Client`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from mixpress._core import Rejection
from mixpress.article import type_of
from mixpress.client.client import Client
from mixpress.client.groups import Groups
from mixpress.client.profiles import Profiles
from mixpress.clock import Clock
from mixpress.errors import MixpressError
from mixpress.files.vendors.values import as_id, has_id, missing
from mixpress.log import RepeatLog
from mixpress.report.callbacks import GuardedCallback

Update = dict[str, Any]
"""An update of a profile, as Mixpanel's /engage and /groups take it, without a `$token`."""

OnProfile = Callable[[Update], object]

Converted = TypeVar("Converted")

USER_METHODS: Mapping[str, Callable[..., Rejection | None]] = {
    "$set": Profiles.set,
    "$set_once": Profiles.set_once,
    "$add": Profiles.add,
    "$union": Profiles.union,
    "$append": Profiles.append,
    "$remove": Profiles.remove,
    "$unset": Profiles.unset,
}
GROUP_METHODS: Mapping[str, Callable[..., Rejection | None]] = {
    "$set": Groups.set,
    "$set_once": Groups.set_once,
    "$union": Groups.union,
    "$remove": Groups.remove,
    "$unset": Groups.unset,
}

logger = logging.getLogger("mixpress")


class Forwarder:
    """Forwards to a client and never raises because of an event: bad data must not break a service.

    `on_profile` receives the profile updates instead of the client, if it is given.
    """

    def __init__(self, client: Client, on_profile: OnProfile | None) -> None:
        if not isinstance(client, Client):
            raise TypeError(f"client must be a mixpress.Client, which has the credentials, got {type_of(client)}")
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
        return self._accepted("an event", lambda: self.client.track_many([event]).get(0))

    def update(self, call: str, updates: Iterable[Update]) -> bool:
        """Queue profile updates, or pass them to `on_profile`; return whether all of them were accepted.

        An update without an id is rejected, with a warning. `call` is ignored, with a warning, if the client has no
        project token.
        """
        updates = list(updates)
        usable = [update for update in updates if has_id(update)]
        if len(usable) < len(updates):
            self.warn(call, "%s was rejected: it names no user or group", call)
        accepted = [self._take_update(call, update) for update in usable]
        return all(accepted) and len(usable) == len(updates) > 0

    def takes(self, call: str, properties: object) -> bool:
        """Return whether `properties` is a mapping or missing. Anything else is rejected, with a warning."""
        if missing(properties) or isinstance(properties, Mapping):
            return True
        self.warn(call, "%s was rejected: its properties must be a mapping, got %s", call, type_of(properties))
        return False

    def alias(self, distinct_id: object, alias: object) -> bool:
        """Make `alias` another id of `distinct_id`; return whether the client accepted it.

        Ids that are not text are rejected, with a warning. It is ignored, with a warning, if the client is said to be
        of a project with the simplified identity management, which has no aliases.
        """
        ids = [as_id(distinct_id), as_id(alias)]
        if not all(isinstance(id, str) and id for id in ids):
            self.warn("alias", "alias was rejected: it needs two ids")
            return False
        try:
            return self._accepted("an alias", lambda: self.client.alias(*map(str, ids)))
        except ValueError as error:
            self.ignore("alias", str(error))
            return False

    def _take_update(self, call: str, update: Update) -> bool:
        if self._on_profile is not None:
            self._on_profile(update)
            return True
        try:
            profiles = self.client.profiles if "$distinct_id" in update else self.client.groups(update["$group_key"])
        except ValueError as error:
            self.ignore(call, str(error))
            return False
        except MixpressError as error:
            self.warn(type(error).__name__, "an update was not accepted: %s", error)
            return False
        return self._accepted("an update", lambda: _queue(profiles, update))

    def _accepted(self, what: str, take: Callable[[], Rejection | None]) -> bool:
        """Return whether the client accepts what `take` queues; log why not."""
        try:
            rejection = take()
        except MixpressError as error:
            self.warn(type(error).__name__, "%s was not accepted: %s", what, error)
            return False
        if rejection is not None:
            self.warn(rejection.rule, "%s was rejected: %s, rule %s", what, rejection.field, rejection.rule)
        return rejection is None

    def warn(self, kind: str, message: str, *values: object) -> None:
        """Log a warning; repetitions of a kind are counted instead."""
        self._log.tell(logging.WARNING, kind, message, *values)

    def ignore(self, call: str, reason: str) -> None:
        """Log that a kind of call has no effect, once for each kind."""
        if call not in self._ignored:
            self._ignored.add(call)
            logger.warning("%s ignored: %s; further calls are ignored silently", call, reason)


def _queue(profiles: Profiles[Rejection | None] | Groups[Rejection | None], update: Update) -> Rejection | None:
    """Queue an update, which has one operation."""
    if isinstance(profiles, Groups):
        [operation] = update.keys() & GROUP_METHODS.keys()
        return GROUP_METHODS[operation](profiles, update["$group_id"], update[operation])
    [operation] = update.keys() & USER_METHODS.keys()
    return USER_METHODS[operation](profiles, update["$distinct_id"], update[operation], ip=update.get("$ip"))
