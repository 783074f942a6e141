"""`SharedCalls`: the calls that `Client` and `AsyncClient` have alike, but for the `await`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Generic

from mixpress.client.groups import Groups
from mixpress.client.identities import alias_event, identify_event, merge_event
from mixpress.client.profiles import Profiles, Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from mixpress.client.engine import Engine
    from mixpress.client.engines import Engines
    from mixpress.client.options import Options
    from mixpress.files.mapping import Mapping
    from mixpress.send.request import UpdateEndpoint


class SharedCalls(ABC, Generic[Result]):
    """Profiles and identities. `Result` is what a call returns: a `Rejection` or None, or an awaitable of it."""

    _engines: Engines
    _profiles: Profiles[Result] | None = None

    @abstractmethod
    def _take(self, engine: Engine, event: object) -> Result:
        """Queue an event or an update."""

    @property
    def engine(self) -> Engine:
        """The engine for events, for mixpress's own adapters and commands. Its methods may change."""
        return self._engines.events

    def engine_of(self, mapping: Mapping | None) -> Engine:
        """Return the engine for what a mapping makes of records: events, or updates of profiles. As `engine`, it is for
        mixpress's own commands. Raises `ValueError` for updates if the client has no project token.
        """
        return self._engines.of_mapping(mapping)

    def engine_of_updates(self, endpoint: UpdateEndpoint) -> Engine:
        """Return the engine for updates of profiles. As `engine`, for mixpress's own commands. Raises `ValueError`
        if the client has no project token.
        """
        return self._engines.updates(endpoint)

    @property
    def profiles(self) -> Profiles[Result]:
        """The profiles of users: `client.profiles.set("user-1", {"plan": "pro"})`.

        Updates are queued and sent in the background. Those of one id arrive in the order of the calls. Raises
        `ValueError` if the client has no project token.
        """
        if self._profiles is None:
            self._profiles = Profiles(self._taker("engage"))
        return self._profiles

    def groups(self, group_key: str) -> Groups[Result]:
        """Return the profiles of the groups with a group key: `client.groups("company").set("acme", {"seats": 20})`.

        They are queued as those of `profiles`. Raises `ValueError` if the client has no project token.
        """
        return Groups(group_key, self._taker("groups"))

    def _taker(self, endpoint: UpdateEndpoint) -> Callable[[object], Result]:
        """Return what queues an update, also in a forked child. Raises `ValueError` without a project token."""
        holder = self._engines.holder(endpoint)
        return lambda update: self._take(holder.engine, update)

    def alias(self, distinct_id: str, alias: str) -> Result:
        """Track `$create_alias`, which makes `alias` another id of the user `distinct_id`.

        For projects with the original identity management: `ValueError` for a client with `identity="simplified"`.
        """
        return self._identity(partial(alias_event, distinct_id=distinct_id, alias=alias))

    def identify(self, identified_id: str, anon_id: str) -> Result:
        """Track `$identify`, which joins the id of a user before the login to the one after it.

        For projects with the original identity management: `ValueError` for a client with `identity="simplified"`.
        """
        return self._identity(partial(identify_event, identified_id=identified_id, anon_id=anon_id))

    def merge(self, one_id: str, other_id: str) -> Result:
        """Track `$merge`, which joins two ids of one user. It can't be undone.

        For projects with the original identity management: `ValueError` for a client with `identity="simplified"`, or
        with `endpoint="track"`, which does not accept it.
        """
        return self._identity(partial(merge_event, one_id=one_id, other_id=other_id))

    def _identity(self, make: Callable[[Options, float], object]) -> Result:
        engine = self.engine
        return self._take(engine, make(engine.options, engine.clock.time()))
